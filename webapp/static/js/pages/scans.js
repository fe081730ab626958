/**
 * The parcels of a handover being made, and what a change of them takes back: nobody has signed for another set. Pure.
 * @module
 */

import { renameCounts, withoutAnswers } from "../domain/packing.js";
import { codeNow } from "../domain/verdict.js";

/** @import {Scan, Worklist} from '../domain/types.js' */
/** @import {OpenDraft, OpenPhoto} from './flow.js' */

/**
 * Puts these scans in the place of the draft's. Another set of parcels than before asks for a new signature and a new
 * answer whether all is intact; the name and the role stay.
 * @param {OpenDraft} draft
 * @param {Scan[]} scans
 * @returns {boolean} something that was signed or answered is taken back
 */
export function takeScans(draft, scans) {
  const before = new Set(draft.scans.map(({ code }) => code));
  const after = new Set(scans.map(({ code }) => code));
  const isOther = before.size !== after.size || [...after].some((code) => !before.has(code));
  draft.scans = scans;
  if (!isOther) return false;
  const wasSigned = isAgreed(draft);
  const data = withoutAnswers(draft.data, [...after]);
  Object.assign(draft, { pad: [], signature: null, intact: null, data });
  return wasSigned;
}

/**
 * A parcel that was taken off names no picture any more; the tags cut out of it go with it.
 * @param {OpenDraft} draft
 * @param {string} code
 * @returns {OpenPhoto[]} the photos that showed only this one
 */
export function takeOff(draft, code) {
  draft.photos = draft.photos.filter(({ role, parcel }) => role !== "tag" || parcel !== code);
  const own = draft.photos.filter(({ parcel }) => parcel === code);
  for (const photo of own) photo.parcel = null;
  return own;
}

/** Takes photos out, and the tags cut from them. @param {OpenDraft} draft @param {OpenPhoto[]} gone */
export function dropPhotos(draft, gone) {
  const digests = new Set(gone.map(({ sha256 }) => sha256));
  draft.photos = draft.photos.filter(({ sha256, of }) => !digests.has(sha256) && !(of && digests.has(of)));
}

/** @param {OpenDraft} draft @returns {boolean} somebody signed for this set of parcels, or answered whether all is intact */
export function isAgreed(draft) {
  return Boolean(draft.pad?.length) || draft.signature !== null || draft.intact !== null;
}

/**
 * The door stayed shut: what the recipient had begun to say, and the pad they had begun to sign, are no part of an attempt.
 * @param {OpenDraft} draft of a delivery
 */
export function asAttempt(draft) {
  const unsaid = { counterpart: null, signature: null, intact: null, note: null, pad: [], data: {} };
  Object.assign(draft, { ...unsaid, kind: "attempt", expected: null });
}

/**
 * Calls every scan and photo by what the list, newly arrived, calls its parcel, and drops what turns out a repeat.
 * @param {OpenDraft} draft
 * @param {Worklist} worklist
 * @returns {boolean} something is other than before
 */
export function renameScans(draft, worklist) {
  if (draft.scans.every(({ code }) => codeNow(code, worklist) === code)) return false;
  /** @type {Map<string, Scan>} */
  const byCode = new Map();
  for (const scan of draft.scans) {
    const code = codeNow(scan.code, worklist);
    if (!byCode.has(code)) byCode.set(code, { ...scan, code });
  }
  draft.data = renameCounts(draft.data, (code) => codeNow(code, worklist));
  const isFewer = byCode.size < draft.scans.length;
  if (isFewer) takeScans(draft, [...byCode.values()]);
  else draft.scans = [...byCode.values()]; // other names of the same parcels: what is signed stays signed
  for (const photo of draft.photos) if (photo.parcel !== null) photo.parcel = codeNow(photo.parcel, worklist);
  return true;
}
