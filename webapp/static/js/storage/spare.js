/**
 * A second copy of this phone's database, in a storage bucket, which Chromium keeps in files of its own. Killed in the
 * middle of a write, Chromium's IndexedDB (LevelDB with `reuse_logs`) goes on behind the torn record at the next start.
 * At the one after it takes that for damage and deletes everything, or reads up to it only and is silently what it was
 * before; Android kills browsers all the time. The phone is then made again what the second copy says, with the key it
 * seals by. Other browsers keep IndexedDB in SQLite, have no buckets, and need no second copy.
 *
 * Every transaction has a turn (turns.js), and the second copy takes one turn after the other: it is what the first was
 * after one of them, never a mixture. So the copy whose turn was made on top of the other's is right; when neither was, what
 * both have is joined.
 * @module
 */
import { wrap } from "../../vendor/idb-8.0.4/index.js";
import { noteBehind } from "./behind.js";
import { answered, isDone, limited } from "./patience.js";
import { openBucket, ownBuckets } from "./place.js";
import { level, rightFirst } from "./spare-level.js";
import { bytesIn, copyWanted, dropPictures, isFull, matchPictures } from "./spare-pictures.js";
import { ask, follow, rowsOf, turnOfFirst, turnOfSecond } from "./spare-rows.js";
import { isSame } from "./turns.js";

/** @import {Change} from './changes.js' */
/** @import {Buckets} from './place.js' */
/** @import {First, Second} from './spare-rows.js' */

const BUCKET = "baton-spare";
const PATIENCE_MS = 3_000; // nobody's seal waits longer for the second copy
const LEVEL_WITHIN_MS = 5_000; // nor any sending
const DONE_WITHIN_MS = 120_000; // hundreds of pictures on a slow phone
const ASK_AGAIN_MS = 60_000; // what gave no answer may have stood still with the page
const TRIES = 3;
const PAUSE_MS = 150;
const RESERVE_BYTES = 60 * 1_048_576; // left free when pictures are copied that have no second copy yet
/** What was promised to somebody is said only when it is here too. */
const PROMISED = new Set(["identities", "keys", "chains", "drafts", "sealed", "blob_bytes"]);

/** @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** The second copy of one database. What goes wrong here costs nobody their work: the first copy is the one in use. */
export class Spare {
  #name;
  #buckets;
  /** @type {Promise<Second>|null} */ #opening = null;
  /** @type {First|null} */ #first = null;
  #isLate = false;
  #isBehind = false; // a change was not made while it was late
  #promises = 0; // how many were not kept here when they were made
  /** ms of the page's clock, when it gave no answer. @type {number|null} */ #goneAt = null;
  #isCompared = false; // since the start, and since something failed
  #lacksPictures = true; // as far as is known
  /** The second copy could not be asked which of the two is right. */
  isUnsure = true;
  /** @type {unknown} what last went wrong here */ #trouble = null;
  /** @type {Promise<unknown>} one thing after the other */ #line = Promise.resolve();

  /**
   * @param {string} name of it, which is that of the first copy or of the one that stood in its place before
   * @param {Buckets} buckets
   */
  constructor(name, buckets) {
    this.#name = name;
    this.#buckets = buckets;
  }

  /** @param {string} name @returns {Spare|null} null where the browser has no storage buckets */
  static of(name) {
    const buckets = ownBuckets();
    return buckets ? new Spare(name, buckets) : null;
  }

  /** Ends the connection when what was asked is done. */
  close() {
    void this.#line.then(() => this.#disconnect());
  }

  #disconnect() {
    void this.#opening?.then(
      (second) => second.close(),
      () => undefined,
    );
    this.#opening = null;
  }

  /**
   * Looks which copy is right, before anybody reads or writes the first. It does not wait for what else is asked of the
   * second copy: each of these things is done whole or not, and looks at the turns again.
   * @param {First} first just opened
   * @returns {Promise<void>} when the first is right, or the second could not be asked; it does not reject
   */
  async meet(first) {
    this.#first = first;
    this.isUnsure = true;
    for (let tried = 1; tried <= TRIES && !this.#isGone; tried += 1) {
      if (tried > 1) await pause(PAUSE_MS * tried);
      const isRight = await this.#attempt((second) => rightFirst(second, first));
      if (isRight) this.isUnsure = false;
      if (isRight) return;
    }
  }

  /** @returns {Promise<boolean>} somebody's work is in it; it does not reject */
  async hasPeople() {
    let people = 0;
    await this.#attempt(async (second) => {
      people = await ask(second, (store) => store.count(rowsOf("identities")));
    });
    return people > 0;
  }

  /**
   * Makes the two copies the same, where they are not.
   * @returns {Promise<boolean>} something came back; when it is done, or takes too long; it does not reject
   */
  async level() {
    const first = this.#first;
    if (!first || this.#isLate || this.#isGone) return false;
    let isBack = false;
    const levelling = this.#inLine(async (second) => {
      isBack = (await this.#agree(second, first)) || isBack;
    });
    await this.#awaited(levelling, LEVEL_WITHIN_MS);
    return isBack;
  }

  /**
   * @param {string} device
   * @param {string} sha256
   * @returns {Promise<ArrayBuffer|null>} of a picture; null: it is not here
   * @throws {DOMException} it cannot be told whether it is
   */
  async bytes(device, sha256) {
    /** @type {ArrayBuffer|null|undefined} */ let found;
    if (!this.#isLate && !this.#isGone) {
      const reading = this.#inLine(async (second) => {
        found = await bytesIn(second, device, sha256);
      });
      await this.#awaited(reading, PATIENCE_MS);
    }
    if (found === undefined) throw new DOMException("the second copy does not answer", "UnknownError");
    return found;
  }

  /**
   * Makes the changes here that a transaction made in the first copy.
   * @param {Change[]} changes the turn among them
   * @returns {Promise<void>} when they are durable, where something was promised; it does not reject
   */
  async follow(changes) {
    const first = this.#first;
    const isPromised = changes.some(({ name }) => PROMISED.has(name));
    let isKept = false;
    if (first && !this.#isLate && !this.#isGone) {
      const made = this.#inLine((second) => this.#follow(second, first, changes), TRIES);
      if (!isPromised) return;
      isKept = await this.#awaited(made, PATIENCE_MS);
    } else if (this.#isLate) this.#isBehind = true; // what does not answer must not fill the memory: the turns tell that it is behind
    if (!isPromised || isKept) return;
    this.#promises += 1;
    noteBehind(this.#name, true);
  }

  /**
   * What takes longer is not waited for again until it is done.
   * @param {Promise<boolean>} work
   * @param {number} ms
   * @returns {Promise<boolean>} it was done, in that time
   */
  async #awaited(work, ms) {
    if (await isDone(work, ms)) return work;
    this.#isLate = true;
    void work.then((isMade) => {
      this.#isLate = false;
      if (this.#isBehind || isMade) void this.level(); // which also takes back that it is behind
      this.#isBehind = false;
    });
    return false;
  }

  /** It gave no answer, not long ago. */
  get #isGone() {
    if (this.#goneAt !== null && performance.now() - this.#goneAt > ASK_AGAIN_MS) this.#goneAt = null;
    return this.#goneAt !== null;
  }

  /**
   * Gives the room of its pictures to the first copy, which has them too.
   * @returns {Promise<boolean>} false: there is none to give
   */
  async giveRoom() {
    const first = this.#first;
    if (!first || this.#isLate || this.#isGone) return false;
    let dropped = 0;
    const dropping = this.#inLine(async (second) => {
      dropped = await this.#drop(second, first);
    });
    await this.#awaited(dropping, PATIENCE_MS);
    return dropped > 0;
  }

  /**
   * @param {(second: Second) => Promise<unknown>} work is harmless to do twice
   * @param {number} [tries]
   * @returns {Promise<boolean>} false: it was not done; it does not reject
   */
  #inLine(work, tries = 1) {
    const done = this.#line.then(async () => {
      for (let tried = 1; tried <= tries && !this.#isGone; tried += 1) {
        if (await this.#attempt(work)) return true;
        if (isFull(this.#trouble)) await this.#makeRoom();
      }
      return false;
    });
    this.#line = done;
    return done;
  }

  /** @param {(second: Second) => Promise<unknown>} work @returns {Promise<boolean>} false: `#trouble` says why not */
  async #attempt(work) {
    try {
      this.#opening ??= this.#open();
      const second = await answered(this.#opening);
      await limited(work(second), DONE_WITHIN_MS);
      return true;
    } catch (error) {
      this.#disconnect();
      this.#trouble = error;
      this.#isCompared = false;
      this.#lacksPictures = true;
      if (error instanceof DOMException && error.name === "TimeoutError") this.#goneAt = performance.now();
      return false;
    }
  }

  /**
   * @param {Second} second
   * @param {First} first
   * @param {Change[]} changes
   * @returns {Promise<void>}
   */
  async #follow(second, first, changes) {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const how = await follow(second, changes);
      if (how === "made" && !(await copyWanted(second, first, changes, hasRoom))) this.#lacksPictures = true;
      if (how !== "not the next") return;
      await pause(tried * 20); // another tab's turn may be on its way
    }
    await this.#agree(second, first);
  }

  /** @param {Second} second @param {First} first @returns {Promise<boolean>} something came back */
  async #agree(second, first) {
    let isBack = false;
    const promises = this.#promises;
    for (let tried = 1; tried <= TRIES; tried += 1) {
      isBack = (await rightFirst(second, first)) || isBack;
      this.isUnsure = false;
      const isSameTurn = isSame(await turnOfSecond(second), await turnOfFirst(first));
      if (!isSameTurn || !this.#isCompared) {
        this.#isCompared = true;
        if (!(await level(second, first))) continue;
      }
      if (this.#lacksPictures) this.#lacksPictures = !(await matchPictures(second, first, hasRoom));
      const isLevel = isSame(await turnOfSecond(second), await turnOfFirst(first));
      if (isLevel && this.#promises === promises) noteBehind(this.#name, false);
      return isBack;
    }
    throw new DOMException("each time something was done meanwhile", "UnknownError");
  }

  /** Room for what matters more. */
  async #makeRoom() {
    const first = this.#first;
    if (!first) return;
    this.#opening ??= this.#open();
    const dropping = this.#opening.then((second) => this.#drop(second, first));
    await answered(dropping).catch(() => undefined);
  }

  /** @param {Second} second @param {First} first @returns {Promise<number>} how many pictures */
  #drop(second, first) {
    this.#lacksPictures = true;
    return dropPictures(second, first);
  }

  /** @returns {Promise<Second>} */
  async #open() {
    const request = (await openBucket(this.#buckets, BUCKET)).indexedDB.open(this.#name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("rows");
    const second = /** @type {Second} */ (/** @type {unknown} */ (await wrap(request)));
    second.addEventListener("versionchange", () => second.close());
    second.addEventListener("close", () => this.#disconnect());
    return second;
  }
}

/** @returns {Promise<string[]>} of which databases there is a second copy; none where it does not answer */
export async function spareNames() {
  const buckets = ownBuckets();
  if (!buckets) return [];
  const asking = openBucket(buckets, BUCKET).then(({ indexedDB }) => indexedDB.databases());
  const found = await answered(asking).catch(() => []);
  return found.map(({ name }) => name ?? "");
}

/** @returns {Promise<boolean>} also where the browser does not tell */
async function hasRoom() {
  const { usage, quota } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
  return usage === undefined || quota === undefined || quota - usage > RESERVE_BYTES;
}
