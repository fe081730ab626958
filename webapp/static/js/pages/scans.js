/**
 * The parcels of a handover being made, and what a change of them takes back: nobody has signed for another set. Pure.
 * @module
 */

/** @import {Scan} from '../domain/types.js' */
/** @import {OpenDraft} from './flow.js' */

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
  const wasSigned = Boolean(draft.pad?.length) || draft.signature !== null || draft.intact !== null;
  Object.assign(draft, { pad: [], signature: null, intact: null });
  return wasSigned;
}
