/**
 * The enrolment code in what was scanned, pasted or typed. It is taken as it stands: a code has only characters that no
 * link escapes.
 * @module
 */

/** Whatever address the office's link names: the code is worth nothing to any server but the one that made it. */
const LINK = /^https?:\/\/[^/\s]+\/app\/?#\/enrol\/([^/?#\s]+)$/;
/** The same in other words around it, as a chat hands it on. */
const WITHIN = /\/enrol\/([^/?#\s]+)/;

/** @param {string} text as scanned @returns {string|null} the code, only out of a whole link: a parcel's tag is no code */
export function codeInLink(text) {
  return LINK.exec(text.trim())?.[1] ?? null;
}

/** @param {string} text as typed or pasted @returns {string} the code, nothing where nothing was typed */
export function codeTyped(text) {
  return WITHIN.exec(text)?.[1] ?? text.replace(/\s/g, "");
}
