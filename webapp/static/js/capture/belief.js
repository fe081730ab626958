/**
 * When a read is believed: a QR with our check character at once, a Code 128 only when two frames agree and it has
 * our check character or a carrier's pattern. And a tag that stays in sight is one scan, not thirty a second. Pure.
 * @module
 */
/** @typedef {{text:string, format:string, frame:number, at:number}} Read `at` in ms */

/** Two reads further apart than this are not two reads of one barcode. */
const AGREE_MS = 2500;
/** A tag must be out of sight this long before it counts as shown again. */
const QUIET_MS = 1500;
/** No code of a parcel or a phone is longer. */
const LONGEST = 512;

export class Belief {
  /** @type {(text: string) => boolean} */ #plausible;
  /** @type {Map<string, {frame:number, at:number}>} */ #once = new Map();
  /** @type {Map<string, number>} */ #seen = new Map();

  /** @param {(text: string) => boolean} plausible has our check character, or is some carrier's tracking number */
  constructor(plausible) {
    this.#plausible = plausible;
  }

  /**
   * @param {Read} read
   * @returns {string|null} the text when it is believed and newly in sight
   */
  offer({ text, format, frame, at }) {
    const words = text.trim();
    if (!words || words.length > LONGEST) return null;
    if (!format.startsWith("QR") && !this.#agreed(words, frame, at)) return null;
    const before = this.#seen.get(words) ?? -Infinity;
    this.#seen.set(words, at);
    return at - before > QUIET_MS ? words : null;
  }

  /** Forgets what is in sight, so that the next look at it counts. */
  forget() {
    this.#seen.clear();
    this.#once.clear();
  }

  /** A Code 128 without a carrier's check gives wrong texts: two frames must agree. @param {string} words @param {number} frame @param {number} at */
  #agreed(words, frame, at) {
    if (!this.#plausible(words)) return false;
    const before = this.#once.get(words);
    if (before?.frame !== frame) this.#once.set(words, { frame, at });
    return before !== undefined && before.frame !== frame && at - before.at <= AGREE_MS;
  }
}
