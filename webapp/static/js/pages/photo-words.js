/**
 * What Photo says: of which handover it is, what a picture must show, how one came out. Pure.
 * @module
 */
import { draftName, parcelsText, runName } from "../ui/format.js";

/** @import {Run} from '../domain/types.js' */
/** @import {OpenDraft} from './flow.js' */

/** @type {Record<import('../capture/sharpness.js').Hint, string>} */
export const HINTS = {
  blurred: "This photo looks blurred. Hold still, tap the small picture to take it again.",
  dark: "This photo is very dark. Use the light, or go where it is brighter.",
  bright: "This photo is too bright. Turn away from the light, tap the small picture to take it again.",
};

/** A problem is one parcel's, and a new photo is of what was handed over. @param {OpenDraft} draft @param {Run|null} run @returns {string} */
export function aboutOf(draft, run) {
  const parcels = parcelsText(draft.scans.map(({ code }) => code));
  if (draft.ref) return parcels;
  const isRun = run && draft.scans.length > 1;
  return `${draftName(draft)} · ${isRun ? runName(draft.kind, run.title) : parcels}`;
}

/** Before the first picture. @param {Pick<OpenDraft, 'kind'|'ref'|'ask'|'scans'>} draft @returns {string} */
export function whatToShow({ kind, ref, ask, scans }) {
  const isOne = scans.length === 1;
  if (ref) return `The office asks: ${ask ?? "a better photo"}`;
  if (kind === "report") {
    return "Show what is wrong, with the tag in sight; if it is missing, the place where it should be.";
  }
  if (kind === "attempt") return `Show the door, with the ${isOne ? "parcel" : "parcels"}.`;
  return isOne
    ? "Show the parcel, its label and tag towards you."
    : "Show all parcels, labels and tags towards you.";
}
