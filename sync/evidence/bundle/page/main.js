/**
 * The page: check what it carries as soon as it opens, and any bundle that is chosen or dropped.
 * @module
 */
import { fromBase64 } from "./bytes.js";
import { showVerdict } from "./show.js";
import { verifyBundle } from "./verify.js";
import { NoBundle } from "./zip.js";

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} tone good, bad or wait @param {string} title @param {string} text */
function say(tone, title, text) {
  const banner = byId("verdict");
  banner.dataset.tone = tone;
  const [strong, span] = [banner.querySelector("strong"), banner.querySelector("span")];
  if (strong) strong.textContent = title;
  if (span) span.textContent = text;
}

/** The chosen file cannot be read: it was moved, or its disk is gone. */
class UnreadableFile extends Error {}

/** How many files were asked about: only what became of the last one is shown. */
let asked = 0;

/** @param {() => Promise<Uint8Array<ArrayBuffer>>} read @param {string} name @param {boolean} isCarried */
async function check(read, name, isCarried) {
  const turn = ++asked;
  const catalogue = JSON.parse(byId("catalogue").textContent ?? "");
  const shapes = JSON.parse(byId("shapes").textContent ?? "");
  byId("result").replaceChildren();
  say("wait", "Checking …", name);
  try {
    const bytes = await read();
    const verdict = await verifyBundle(bytes, catalogue, shapes, { isCarried });
    if (turn !== asked) return;
    const { element, title, text } = showVerdict(verdict);
    byId("result").replaceChildren(element);
    say(verdict.allHold ? "good" : "bad", title, `${text} (${name})`);
  } catch (error) {
    if (turn !== asked) return;
    if (error instanceof NoBundle) {
      say("bad", `${catalogue.no_bundle[error.code]}.`, `${error.message} (${name})`);
    } else if (error instanceof UnreadableFile) {
      say("bad", "The file cannot be read.", `${error.message} (${name})`);
    } else {
      say(
        "bad",
        "This could not be checked.",
        `${error}. Try another browser, or run baton verify. (${name})`,
      );
    }
  }
  document.body.dataset.done = name;
}

/** @param {File | undefined} file */
async function checkFile(file) {
  if (file) await check(async () => new Uint8Array(await bytesOf(file)), file.name, false);
}

/** @param {File} file */
async function bytesOf(file) {
  try {
    return await file.arrayBuffer();
  } catch (error) {
    throw new UnreadableFile(String(error));
  }
}

function listen() {
  const input = /** @type {HTMLInputElement} */ (byId("file"));
  input.addEventListener("change", () => void checkFile(input.files?.[0]));
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      document.body.toggleAttribute("data-over", type === "dragover");
      if (event instanceof DragEvent && type === "drop") void checkFile(event.dataTransfer?.files[0]);
    });
  }
}

if (!globalThis.crypto?.subtle) {
  say(
    "bad",
    "This browser cannot check signatures here.",
    "Open this page in another browser, or run baton verify on the zip.",
  );
  byId("choose").hidden = true;
} else {
  listen();
  const carried = fromBase64(document.getElementById("bundle")?.textContent ?? "");
  if (carried && carried.length > 0) {
    void check(async () => carried, "the proof that this page carries", true);
  }
}
