/**
 * A parcel's internal code: 11 Crockford base32 characters and a check character (their value mod 37).
 * Only codes whose check is below 32 exist, so the check is an ordinary Crockford character.
 * The same rules as `sync/protocol/codes.py`; both read `tests/vectors/codes.json`.
 * @module
 */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 12;
const MODULUS = 37;

/**
 * Upper case, no spaces or hyphens, O read as 0 and I, L as 1. Nothing outside ASCII folds into it.
 * @param {string} text
 * @returns {string}
 */
function fold(text) {
  if ([...text].some((char) => char > "~")) return ""; // `ſ` upper-cases to S, and is none
  return text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
}

/** @param {string} body 11 folded characters @returns {number} the remainder, or -1 for a foreign character */
function remainder(body) {
  let rest = 0;
  for (const char of body) {
    const value = ALPHABET.indexOf(char);
    if (value < 0) return -1;
    rest = (rest * 32 + value) % MODULUS; // stepwise: 55 bits do not fit a double
  }
  return rest;
}

/**
 * The code in its one spelling, or null when this is no code (wrong length, character or check).
 * @param {string} text as scanned or typed
 * @returns {string|null}
 */
export function normalise(text) {
  const code = fold(text);
  if (code.length !== LENGTH) return null;
  const rest = remainder(code.slice(0, LENGTH - 1));
  return rest >= 0 && ALPHABET[rest] === code[LENGTH - 1] ? code : null;
}

/** @param {string} text @returns {boolean} whether `normalise` would take it */
export function isCode(text) {
  return normalise(text) !== null;
}

/**
 * Right shape, wrong check or not: what a person meant to be a parcel code.
 * @param {string} text
 * @returns {boolean}
 */
export function looksLikeCode(text) {
  const code = fold(text);
  return code.length === LENGTH && [...code].every((char) => ALPHABET.includes(char));
}

/** @param {string} code @returns {string} `XXXX-XXXX-XXXX` */
export function pretty(code) {
  return code.replace(/(.{4})(?=.)/g, "$1-");
}

/**
 * A tracking number as compared: upper case, without white space. As `tracking_key` in `sync/protocol/codes.py`.
 * @param {string} text
 * @returns {string}
 */
export function trackingKey(text) {
  return text.replace(/\s+/g, "").toUpperCase();
}
