/**
 * What a code means for the handover at hand, what is left of its run, and which barcodes are worth believing.
 * @module
 */
import { ownerOf } from "../domain/carriers.js";
import { normalise } from "../domain/codes.js";
import { progress } from "../domain/counts.js";
import { judge } from "../domain/verdict.js";
import { isDone, leftOf } from "./progress.js";

/** @import {Kind, Run, Verdict} from '../domain/types.js' */
/** @import {App} from './context.js' */
/** @import {OpenDraft} from './flow.js' */

/** `isDone`: this step was taken for this parcel before, in another handover. @typedef {Verdict & {isDone:boolean}} Judged */

/** @param {App} app @returns {OpenDraft} */
export function draftOf(app) {
  const { draft } = app.flow;
  if (!draft) throw new Error("the draft is gone");
  return draft;
}

/** @type {Partial<Record<Kind, string>>} */
const DONE_WORDS = { deliver: "Delivered already", return: "Returned already" };
/** Not the way to the buyer: what is cancelled may be reported, tried in vain, and goes back. */
const TOLD_OF_CANCELLED = new Set(["report", "attempt", "return"]);

/** @param {App} app @param {string} raw @returns {Judged} */
export function judgeHere(app, raw) {
  const { worklist, rules } = app.phone;
  const draft = draftOf(app);
  const verdict = judge(raw, { worklist, draft, run: app.flow.run, rules });
  // What is wrong with a cancelled parcel must be told too: only a handover of it is stopped.
  const isTold = verdict.verdict === "cancelled" && TOLD_OF_CANCELLED.has(draft.kind);
  if (isTold) return { ...verdict, verdict: "known", tone: "warn", isDone: false };
  const isBefore =
    verdict.verdict === "known" && isDone(draft.kind, verdict.code ?? "", verdict.parcel, app.shell.sealed);
  if (!isBefore) return { ...verdict, isDone: false };
  const word = DONE_WORDS[draft.kind] ?? "Handed over already";
  return { ...verdict, verdict: "again", word, tone: "warn", isDone: true };
}

/** @param {App} app @param {string} words of a Code 128 @returns {boolean} has our check character, or is or looks like a carrier's number */
export function isPlausible(app, words) {
  if (normalise(words) !== null || app.phone.parcelByTracking(words) !== null) return true;
  return ownerOf(words, app.phone.rules) !== null;
}

/** @param {App} app @param {Run} run @returns {string[]} codes still to be handed over */
export function left(app, run) {
  return leftOf(run, (code) => app.phone.parcel(code), app.shell.sealed).left;
}

/** Kinds done door by door: the run's other parcels are for other doors, and are not missing at this one. */
const BY_DOOR = new Set(["deliver", "attempt"]);

/**
 * Progress on what is left of the run: what was handed over before is not missing now.
 * @param {App} app
 * @returns {ReturnType<typeof progress>} `expected` null where no count is
 */
export function counted(app) {
  const draft = draftOf(app);
  const { run } = app.flow;
  if (!run) return progress(draft, null);
  const mine = new Set(draft.scans.map(({ code }) => code));
  const open = new Set(left(app, run));
  const ahead = run.parcels.filter((code) => open.has(code) || mine.has(code));
  const made = progress(draft, { ...run, parcels: ahead });
  return BY_DOOR.has(draft.kind) ? { ...made, scanned: mine.size, expected: null } : made;
}
