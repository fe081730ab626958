/**
 * The office's reasons in a select; a few plain ones until the first pull.
 * @module
 */
import { t } from "../domain/words.js";

/** @import {App} from './context.js' */

/** @type {Record<string, {code:string, label:string}[]>} */
const FIRST = {
  attempt: [
    { code: "nobody_home", label: "Nobody at home" },
    { code: "refused", label: "Recipient refused it" },
    { code: "other", label: "Other" },
  ],
  report: [
    { code: "damage", label: "Damaged" },
    { code: "loss", label: "Missing" },
    { code: "other", label: "Other" },
  ],
  void: [
    { code: "mistake", label: "Scanned by mistake" },
    { code: "other", label: "Other" },
  ],
};

/** @param {App} app @param {string} kind @returns {{code:string, label:string}[]} */
export function reasonsFor(app, kind) {
  return app.phone.rules?.reasons[kind] ?? FIRST[kind] ?? [{ code: "other", label: "Other" }];
}

/** @param {App} app @param {HTMLSelectElement} select @param {() => void} changed */
export function fillReasons(app, select, changed) {
  const { draft } = app.flow;
  if (!draft) return;
  const reasons = reasonsFor(app, draft.kind).filter(({ code }) => code !== "retake"); // that one is the office's to ask
  select.replaceChildren(
    new Option(t("Choose …"), ""),
    ...reasons.map(({ code, label }) => new Option(t(label), code, false, code === draft.reason)),
  );
  select.addEventListener("change", () => {
    draft.reason = select.value || null;
    void app.flow.save();
    changed();
  });
}
