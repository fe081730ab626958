/**
 * A second copy of this phone's database, in a storage bucket, which Chromium keeps in files of its own. Killed in the
 * middle of a write, Chromium's IndexedDB goes on behind the torn record at the next start, takes that for damage at
 * the one after, and deletes everything (LevelDB with `reuse_logs`); Android kills browsers all the time. What is not
 * with the office yet then comes back from here, with the key it was signed by. Other browsers keep IndexedDB in
 * SQLite, have no buckets, and need no second copy.
 * @module
 */
import { wrap } from "../../vendor/idb-8.0.4/index.js";
import { apply, bringBack, compare, isPassing, MARK, rowsOf } from "./spare-rows.js";

/** @import {IDBPDatabase} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Change} from './changes.js' */
/** @import {Tables} from './schema.js' */
/** @import {Rows} from './spare-rows.js' */

/** @typedef {{open:(name:string, options:{durability:string, persisted:boolean}) => Promise<{indexedDB:IDBFactory}>}} Buckets `navigator.storageBuckets` */

const BUCKET = "baton-spare";
const PATIENCE_MS = 3_000; // nobody's seal waits longer for the second copy
const OPEN_WITHIN_MS = 5_000;
/** What was promised to somebody is said only when it is here too. */
const PROMISED = new Set(["identities", "keys", "chains", "drafts", "sealed", "blob_bytes"]);

/** The second copy of one database. What goes wrong here costs nobody their work: the first copy is the one in use. */
export class Spare {
  #name;
  #buckets;
  /** @type {Promise<IDBPDatabase<Rows>>|null} */ #opening = null;
  /** @type {IDBPDatabase<Tables>|null} */ #first = null;
  #isOpen = false;
  #isLate = false;
  #isBehind = false;
  /** @type {unknown} what last went wrong here */ trouble = null;
  /** @type {Promise<void>} changes are made in the order in which they were made in the first copy */ #line =
    Promise.resolve();

  /**
   * @param {string} name of the first copy's database
   * @param {Buckets} buckets
   */
  constructor(name, buckets) {
    this.#name = name;
    this.#buckets = buckets;
  }

  /** @param {string} name @returns {Spare|null} null where the browser has no storage buckets */
  static of(name) {
    const { storageBuckets } = /** @type {{storageBuckets?:Buckets}} */ (globalThis.navigator ?? {});
    return storageBuckets ? new Spare(name, storageBuckets) : null;
  }

  /** Ends the connection; a later change opens it again. */
  close() {
    void this.#opening?.then(
      (db) => db.close(),
      () => undefined,
    );
    this.#opening = null;
    this.#isOpen = false;
  }

  /**
   * Makes the changes here that a transaction made in the first copy.
   * @param {Change[]} changes
   * @returns {Promise<void>} when they are durable, where something was promised; it does not reject
   */
  async follow(changes) {
    const worth = changes.filter(({ name, key }) => !isPassing(name, key));
    if (worth.length === 0) return;
    if (this.#isLate) {
      this.#isBehind = true; // what does not answer must neither be waited for nor fill the memory
      return;
    }
    const made = this.#inLine((db) => apply(db, worth));
    if (worth.some(({ name }) => PROMISED.has(name))) await this.#waitFor(made, PATIENCE_MS);
  }

  /**
   * Gives the room of its pictures to the first copy, if that has them.
   * @returns {Promise<boolean>} false: there is none to give
   */
  async giveRoom() {
    const isWhole = this.#first !== null && (await this.#first.count("meta", MARK)) > 0;
    if (!isWhole || this.#isLate) return false;
    let given = 0;
    const giving = this.#inLine(async (db) => {
      given = await db.count("rows", rowsOf("blob_bytes"));
      await db.delete("rows", rowsOf("blob_bytes"));
    });
    await this.#waitFor(giving, PATIENCE_MS);
    return given > 0;
  }

  /**
   * Fills a database that was made anew, because the one before is gone. One that has its mark is whole: nothing is read.
   * @param {IDBPDatabase<Tables>} db the first copy, just opened
   * @returns {Promise<void>} it does not reject: a phone starts without it as well
   */
  async bringBack(db) {
    this.#first = db;
    if ((await db.count("meta", MARK)) > 0) return;
    // A bucket that does not open must not keep the app from opening; one that does is waited for.
    await this.#waitFor(
      this.#inLine(async () => undefined),
      OPEN_WITHIN_MS,
    );
    if (this.#isOpen) await this.#inLine((spare) => bringBack(spare, db));
  }

  /**
   * Finds what the two copies differ in (a kill between the two writes, a phone that had no second copy yet).
   * @param {IDBPDatabase<Tables>} db
   * @returns {Promise<void>} it does not reject
   */
  async level(db) {
    if ((await db.count("meta", MARK)) === 0) return; // made anew, and what stands here did not come back yet
    /** @type {Change[]} */ let bytes = [];
    await this.#inLine(async (spare) => {
      const { changes, lacking } = await compare(spare, db);
      bytes = lacking;
      if (changes.length > 0) await apply(spare, changes);
    });
    for (const { name, key } of bytes) {
      await this.#inLine(async (spare) => {
        const value = await db.get("blob_bytes", /** @type {[string, string]} */ (key));
        if (value) await apply(spare, [{ name, key, value }]);
      });
    }
  }

  /**
   * @param {(db: IDBPDatabase<Rows>) => Promise<void>} work
   * @returns {Promise<void>} it does not reject: `level` finds what was not done
   */
  #inLine(work) {
    const done = this.#line.then(async () => {
      try {
        this.#opening ??= this.#open();
        const db = await this.#opening;
        this.#isOpen = true;
        await work(db);
      } catch (error) {
        this.close();
        this.trouble = error;
      }
    });
    this.#line = done;
    return done;
  }

  /**
   * What is late is not waited for again until it answered; then what was left out meanwhile is looked for.
   * @param {Promise<void>} work
   * @param {number} ms
   * @returns {Promise<void>} when it is done, or that time is over
   */
  async #waitFor(work, ms) {
    if (this.#isLate || (await isDone(work, ms))) return;
    this.#isLate = true;
    void work.then(() => {
      this.#isLate = false;
      if (this.#isBehind && this.#first) void this.level(this.#first).catch(() => undefined);
      this.#isBehind = false;
    });
  }

  /** @returns {Promise<IDBPDatabase<Rows>>} */
  async #open() {
    const bucket = await this.#buckets.open(BUCKET, { durability: "strict", persisted: true });
    return openIn(bucket.indexedDB, this.#name, () => this.close());
  }
}

/**
 * idb opens in the page's own storage only, so the request is made here and wrapped there.
 * @param {IDBFactory} factory
 * @param {string} name
 * @param {() => void} closed
 * @returns {Promise<IDBPDatabase<Rows>>}
 */
async function openIn(factory, name, closed) {
  const request = factory.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore("rows");
  const db = /** @type {IDBPDatabase<Rows>} */ (/** @type {unknown} */ (await wrap(request)));
  db.addEventListener("versionchange", () => db.close());
  db.addEventListener("close", closed);
  return db;
}

/** @param {Promise<void>} work @param {number} ms @returns {Promise<boolean>} false: that time is over, and it is not */
async function isDone(work, ms) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */ let timer;
  const over = new Promise((/** @type {(isDone: boolean) => void} */ done) => {
    timer = setTimeout(done, ms, false);
  });
  const result = await Promise.race([work.then(() => true), over]);
  clearTimeout(timer);
  return result;
}
