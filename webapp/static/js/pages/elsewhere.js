/**
 * A handover that another tab has gone on with: nothing of it is saved or sealed here until it is loaded again.
 * @module
 */
import { t } from "../domain/words.js";
import { wordsOf } from "../domain/problems.js";
import { say } from "../ui/announce.js";
import { go, goInstead } from "../ui/router.js";
import { ask } from "../ui/sheet.js";
import { toast } from "../ui/toast.js";
import { isElsewhere, isSealedElsewhere } from "./flow.js";

/** @import {App} from './context.js' */

let isAsking = false;

/** @param {Pick<App, 'flow'>} app @returns {Promise<void>} */
export async function offerAgain({ flow }) {
  if (isAsking) return;
  isAsking = true;
  const { draft } = flow;
  try {
    await new Promise((done) => setTimeout(done, 50)); // a change of screen that is under way closes what is open
    const answer = await ask(
      t("This handover went on in another tab"),
      t(
        "What you add here is not saved. Load it here as the other tab left it? What only this tab has is dropped.",
      ),
      [
        { value: "load", label: t("Load it here"), tone: "primary" },
        { value: "", label: t("Not now") },
      ],
    );
    if (answer !== "load" || flow.draft !== draft) return;
    await flow.loadAgain();
    say(t("Loaded again"));
    go(flow.route);
  } finally {
    isAsking = false;
  }
}

/** Why there is no seal, and on to where something is left to do. @param {Pick<App, 'flow'>} app @param {unknown} error */
export function notSealed({ flow }, error) {
  if (isElsewhere(error)) return; // that is asked about
  toast(t("Not sealed: {words}", { words: wordsOf(error) }), "stop", { stay: true });
  if (isSealedElsewhere(error)) goInstead(flow.route);
}
