/**
 * What Photo says: of which handover it is, what a picture must show, how one came out. Pure.
 * @module
 */
import { t } from "../domain/words.js";
import { draftName, parcelsText, runName } from "../ui/format.js";

/** @import {Run} from '../domain/types.js' */
/** @import {OpenDraft} from './flow.js' */

/** @type {Record<import('../capture/sharpness.js').Hint, string>} */
export const HINTS = {
  blurred: "This photo looks blurred. Hold still, tap the small picture to take it again.",
  dark: "This photo is very dark. Use the light, or go where it is brighter.",
  bright: "This photo is too bright. Turn away from the light, tap the small picture to take it again.",
};

/** What the office asks for when it wants a photo again, as its server says it; a note of its own may come behind. */
const ASKED = [
  "The photo is blurred or too dark. Take it again, close and still.",
  "The tag cannot be read. Take the photo with the tag in full.",
  "Not all parcels are in the photo. Show every one of them.",
  "The signature is missing or not that person's.",
  "The number of parcels does not fit the list. Count them again.",
  "The photo shows another parcel. Take one of the right parcel.",
];

/** @param {string} reason of a task @returns {string} */
export function askedWords(reason) {
  const { asked, note } = askedParts(reason);
  return note ? `${asked} ${note}` : asked;
}

/** @param {string} reason of a task @returns {{asked:string, note:string}} `note`: the clerk's own words behind the usual ones */
export function askedParts(reason) {
  const known = ASKED.find((words) => reason.startsWith(words));
  return known ? { asked: t(known), note: reason.slice(known.length).trim() } : { asked: reason, note: "" };
}

/** @param {import('../capture/sharpness.js').Hint} hint @returns {string} what is wrong with a picture, in a word */
export function faultName(hint) {
  return { blurred: t("blurred"), dark: t("dark"), bright: t("too bright") }[hint];
}

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
  if (ref) return t("The office asks: {ask}", { ask: ask ? askedWords(ask) : t("a better photo") });
  if (kind === "report") {
    return t("Show what is wrong, with the tag in sight; if it is missing, the place where it should be.");
  }
  if (kind === "attempt") {
    return isOne ? t("Show the door, with the parcel.") : t("Show the door, with the parcels.");
  }
  return isOne
    ? t("Show the parcel, its label and tag towards you.")
    : t("Show all parcels, labels and tags towards you.");
}
