/**
 * The enrolment code in what was scanned, pasted or typed. Pure.
 * @module
 */

/** Whatever address the office's link names: the code is worth nothing to any server but the one that made it. */
const LINK = /^https?:\/\/[^/\s]+\/app\/?#\/enrol\/([^/?#\s]+)$/;

/** @param {string} text as scanned @returns {string|null} the code, only out of a whole link: a parcel's tag is no code */
export function codeInLink(text) {
  const found = LINK.exec(text.trim());
  return found ? decodeURIComponent(found[1] ?? "") : null;
}

/** @param {string} text as typed or pasted @returns {string} */
export function codeTyped(text) {
  return codeInLink(text) ?? text.trim();
}
