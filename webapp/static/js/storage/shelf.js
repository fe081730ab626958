/**
 * Which of this phone's databases is in use, and which did not open: noted outside IndexedDB, because that is what fails.
 * A database that does not open is left as it is, by its name, and a new one is begun beside it.
 * @module
 */
import { answered } from "./patience.js";
import { inBucket, namesInBuckets, ownBuckets } from "./place.js";
import { DATABASE } from "./schema.js";
import { spareNames } from "./spare.js";

/**
 * `why` is the browser's own word; `isEmpty` once it opened again and all in it was with the office; `isCopied`: what its
 * second copy had is in the one that stands in its place; `isShort`: something was in it that the second copy had not;
 * `isGone`: it opened, and the browser had thrown it away.
 * @typedef {{name:string, at:string, why:string, isEmpty:boolean, isCopied?:boolean, isShort?:boolean, isGone?:boolean}} LostStore
 */
/** @typedef {{current:string, lost:LostStore[]}} Noted */

const KEY = "baton-stores";

/** @param {unknown} noted @returns {noted is Noted} */
function isNoted(noted) {
  const { current, lost } = /** @type {Partial<Noted>} */ (noted ?? {});
  return typeof current === "string" && Array.isArray(lost);
}

/** What is written on the shelf. */
export class Shelf {
  /** @type {Storage|null} */ #storage;

  /** @param {Storage|null} [storage] localStorage when left out; null: nothing can be noted */
  constructor(storage = ownStorage()) {
    this.#storage = storage;
  }

  /** @returns {Noted} */
  read() {
    try {
      const noted = JSON.parse(this.#storage?.getItem(KEY) ?? "null");
      if (isNoted(noted)) return noted;
    } catch {
      // somebody else's words, or a browser that refuses: as if nothing had been noted
    }
    return { current: DATABASE, lost: [] };
  }

  /** @returns {LostStore[]} those that may still hold work of which there is no copy */
  get lost() {
    return this.read().lost.filter(({ isEmpty, isCopied }) => !isEmpty && !isCopied);
  }

  /** @returns {boolean} it can be known what is written here: a worker cannot read it */
  get isKnown() {
    return this.#storage !== null;
  }

  /**
   * From now on another database is in use; the one before is called lost.
   * @param {string} name
   * @param {{at:string, why:string}} about the one before
   * @returns {boolean} false: it could not be noted, and the next start would be with the old one
   */
  moveTo(name, { at, why }) {
    const { current, lost } = this.read();
    const others = lost.filter((one) => one.name !== current && one.name !== name);
    return this.#write({ current: name, lost: [...others, { name: current, at, why, isEmpty: false }] });
  }

  /** @param {Noted} before what was noted, as when the one that was moved to does not open */
  moveBack(before) {
    this.#write(before);
  }

  /** @param {string} name @param {{isCopied:boolean, isShort:boolean}} about it, when another was begun in its place */
  markLeft(name, about) {
    this.#mark(name, about);
  }

  /** @param {string} name of one that opened, and had nobody in it */
  markGone(name) {
    this.#mark(name, { isGone: true });
  }

  /** @param {string} name that opened again and has nothing left to send */
  markEmpty(name) {
    this.#mark(name, { isEmpty: true });
  }

  /** @param {string} name @param {Partial<LostStore>} more */
  #mark(name, more) {
    const { current, lost } = this.read();
    this.#write({ current, lost: lost.map((one) => (one.name === name ? { ...one, ...more } : one)) });
  }

  /** @param {Noted} noted @returns {boolean} */
  #write(noted) {
    try {
      this.#storage?.setItem(KEY, JSON.stringify(noted));
      return this.read().current === noted.current && this.#storage !== null;
    } catch (error) {
      if (error instanceof DOMException) return false; // full, or forbidden
      throw error;
    }
  }
}

/** @returns {Storage|null} */
function ownStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null; // forbidden by the person's own settings
  }
}

/**
 * Names that no database of this phone has, for one to stand in the place of the one in use.
 * @param {Noted} noted
 * @param {string[]} existing names, as far as the browser tells
 * @returns {string[]} the best first: in files of its own, with the second copy of the one before
 */
export function freeNames({ current, lost }, existing) {
  const taken = new Set([current, DATABASE, ...lost.map(({ name }) => name), ...existing]);
  const free = (/** @type {(number:number) => string} */ named, /** @type {number} */ first) => {
    let number = first;
    while (taken.has(named(number))) number += 1;
    return named(number);
  };
  const beside = free((number) => `${DATABASE}-${number}`, 2);
  return ownBuckets() ? [free((number) => inBucket(current, number), 1), beside] : [beside];
}

/** @returns {Promise<string[]>} names of this phone's databases, also of those that only their second copies are left of; none where the browser does not tell */
export async function existingNames() {
  const own = new RegExp(`^${DATABASE}(-\\d+)?$`);
  const [here, there, placed] = await Promise.all([ownNames(), spareNames(), namesInBuckets()]);
  return [...new Set([...[...here, ...there].filter((name) => own.test(name)), ...placed])];
}

/** @returns {Promise<string[]>} of all databases in the origin's own place, whose files may not open at all */
async function ownNames() {
  try {
    const found = (await answered(Promise.resolve(globalThis.indexedDB?.databases?.()))) ?? [];
    return found.map(({ name }) => name ?? "");
  } catch (error) {
    if (error instanceof DOMException) return [];
    throw error;
  }
}
