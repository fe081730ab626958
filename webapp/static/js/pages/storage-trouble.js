/**
 * What to do when this phone's storage does not do its work: try again, or begin a new store beside one that does not open.
 * @module
 */
import { t } from "../domain/words.js";
import { wordsOf } from "../domain/problems.js";
import { beginAnew, isBroken, isKeptTwice } from "../outbox/stores.js";
import { ask } from "../ui/sheet.js";
import { toast } from "../ui/toast.js";
import { button, clone, el, on, text } from "../ui/template.js";

let isAsking = false;

/**
 * Shows why Baton cannot start, and the ways on, where the screen would be.
 * @param {HTMLElement} root
 * @param {import('../domain/problems.js').PhoneError} error
 */
export function showTrouble(root, error) {
  const box = clone("trouble");
  text(box, "title", t(error.title));
  text(box, "text", t(error.detail ?? ""));
  el(box, "broken").hidden = !isBroken(error);
  on(box, "again", "click", () => location.reload());
  const asking = isKeptTwice(); // may take a while to answer, and is asked for only when somebody presses
  const press = button(box, "anew");
  press.addEventListener("click", async () => {
    press.disabled = true; // it may take a while, and a second one would begin another
    press.setAttribute("aria-busy", "true");
    await anew(error, asking);
    press.disabled = false;
    press.removeAttribute("aria-busy");
  });
  root.replaceChildren(box);
}

/** @param {unknown} error @param {Promise<boolean>} asking whether there is a second copy */
async function anew(error, asking) {
  const isTwice = await asking;
  const what = isTwice
    ? t(
        "Baton kept your work on this phone twice: what the second copy has goes on in the new store, with the same people. The old one is not deleted, and Baton tries it again at every start.",
      )
    : t(
        "What is in the old store stays on this phone and is not deleted. Baton tries it again at every start and sends what it can read. You need a new code from your office to go on.",
      );
  const answer = await ask(t("Begin with a new store?"), what, [
    { value: "no", label: t("Not yet"), tone: isTwice ? "plain" : "primary" },
    { value: "yes", label: t("Begin a new store"), tone: isTwice ? "primary" : "plain" },
  ]);
  if (answer !== "yes") return;
  try {
    const { isCopied } = await beginAnew(error);
    location.replace(isCopied ? "#/" : "#/enrol");
    location.reload();
  } catch (failed) {
    toast(wordsOf(failed), "stop", { stay: true });
  }
}

/** The connection to the storage died under the app, and would not come back: a page loaded anew gets another. */
export async function offerReload() {
  if (isAsking) return;
  isAsking = true;
  const answer = await ask(
    t("This phone’s storage does not answer"),
    t("The last step was not saved; everything before it was. Load Baton again to go on from there."),
    [
      { value: "yes", label: t("Load again"), tone: "primary" },
      { value: "no", label: t("Not now") },
    ],
  );
  isAsking = false;
  if (answer === "yes") location.reload();
}
