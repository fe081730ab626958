/**
 * One connection to the phone's database that survives what browsers do to it: it is opened once, opened again
 * when it died, closed when a newer version of the app asks, and never waits for ever.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { isBehind, noteBehind } from "./behind.js";
import { recording } from "./changes.js";
import { takeOld } from "./old.js";
import { openPlaced, spareOf } from "./place.js";
import { isPassing } from "./spare-rows.js";
import { Spare } from "./spare.js";
import { DATABASE, VERSION, upgrade } from "./schema.js";
import { countTurn } from "./turns.js";
import { whole } from "./whole.js";

/** @import {IDBPDatabase, IDBPTransaction, StoreNames} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Change} from './changes.js' */
/** @import {Taken} from './old.js' */
/** @import {Tables} from './schema.js' */

const BLOCKED_AFTER_MS = 8_000;
const HUNG_AFTER_MS = 20_000; // WebKit has been seen to never answer an open at all
const TRIES = 4;
const PAUSE_MS = 150;

/** `blockedAfter`: ms to wait for another tab to let go; `tries` at opening; `spare` null: without a second copy. @typedef {{version?:number, blockedAfter?:number, tries?:number, spare?:Spare|null}} StoreTerms */

/** What browsers throw when the connection is gone, not when the data is wrong. */
const LOST = new Set(["InvalidStateError", "UnknownError", "AbortError", "TransactionInactiveError"]);

/** @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** @param {unknown} error @returns {boolean} */
function isLost(error) {
  return error instanceof DOMException && LOST.has(error.name);
}

/** Transactions over the phone's stores. A transaction's work must be harmless to run twice. */
export class Store {
  /** @type {Promise<IDBPDatabase<Tables>>|null} */ #opening = null;
  /** @type {string} of the database */ name;
  #version;
  #blockedAfter;
  #tries;
  #spare;
  #closed = false;

  /**
   * @param {string} [name]
   * @param {StoreTerms} [terms]
   */
  constructor(name = DATABASE, terms = {}) {
    const {
      version = VERSION,
      blockedAfter = BLOCKED_AFTER_MS,
      tries = TRIES,
      spare = Spare.of(spareOf(name)),
    } = terms;
    this.name = name;
    this.#tries = tries;
    this.#version = version;
    this.#blockedAfter = blockedAfter;
    this.#spare = spare;
  }

  /** @returns {number} how often every picture is kept until it is sent */
  get copies() {
    return this.#spare ? 2 : 1;
  }

  /** Makes the two copies, where there are two, the same. @returns {Promise<boolean>} something came back */
  async level() {
    await this.#connect();
    return (await this.#spare?.level()) ?? false;
  }

  /**
   * Takes in what an earlier database has that this one, which stands in its place, lacks.
   * @param {Store} old without its second copy, which is this one's
   * @returns {Promise<Taken|null>} null: it is not in the second copy yet, so it is to be tried again
   * @throws {PhoneError} `storage-full`, `storage-failed`: nothing, or only some pictures, were taken in
   */
  async takeIn(old) {
    const [name, spare] = [spareOf(this.name), this.#spare];
    return this.#retried(async () => {
      if (spare) noteBehind(name, true); // past `write`: levelling takes that back
      const how = await takeOld(await old.#connect(), await this.#connect());
      await spare?.level();
      return spare && isBehind(name) ? null : how;
    });
  }

  /**
   * @param {string} device
   * @param {string} sha256
   * @returns {Promise<ArrayBuffer|null>} of a picture that the first copy has not; null: nor has the second
   * @throws {DOMException} the second does not answer
   */
  async spareBytes(device, sha256) {
    return (await this.#spare?.bytes(device, sha256)) ?? null;
  }

  /** @returns {Promise<boolean>} the second copy had pictures, and they are gone from it */
  async giveRoom() {
    return (await this.#spare?.giveRoom()) ?? false;
  }

  /**
   * @returns {Promise<void>}
   * @throws {PhoneError} `storage-blocked` (another tab holds an older version), `storage-unavailable`
   */
  async open() {
    this.#closed = false;
    for (let tried = 1; ; tried += 1) {
      try {
        await this.#connect();
        return;
      } catch (error) {
        this.#opening = null;
        if (error instanceof PhoneError) throw error;
        const isMute = error instanceof DOMException && error.name === "TimeoutError";
        if (isMute || tried >= this.#tries) {
          throw new PhoneError(
            "storage-unavailable",
            "This phone’s storage will not open.",
            "Close the browser completely and open Baton again. Do not clear its data.",
            error,
          );
        }
        await pause(PAUSE_MS * tried);
      }
    }
  }

  /** Ends the connection; a later call to `open` begins a new one. */
  close() {
    this.#closed = true;
    this.#spare?.close();
    void this.#opening?.then(
      (db) => db.close(),
      () => undefined,
    );
    this.#opening = null;
  }

  /**
   * @template {StoreNames<Tables>} N
   * @template T
   * @param {N[]} names
   * @param {(tx: IDBPTransaction<Tables, N[], 'readonly'>) => Promise<T>} work awaits nothing but requests of `tx`
   * @returns {Promise<T>}
   */
  async read(names, work) {
    return this.#retried(async () => {
      const tx = (await this.#connect()).transaction(names, "readonly");
      return whole(tx, work);
    });
  }

  /**
   * One strict read-write transaction: resolves only when it is on the disk, and does all or nothing.
   * @template {StoreNames<Tables>} N
   * @template T
   * @param {N[]} names
   * @param {(tx: IDBPTransaction<Tables, N[], 'readwrite'>) => Promise<T>} work awaits nothing but requests of `tx`
   * @returns {Promise<T>}
   * @throws {PhoneError} `storage-full`, `storage-failed`; and whatever `work` throws, with nothing written
   */
  async write(names, work) {
    return this.#retried(async () => {
      const db = await this.#connect();
      const spare = this.#spare;
      /** @type {Change[]} */ const changes = [];
      let isNewLine = false;
      const tx = db.transaction(this.#withTurn(names), "readwrite", { durability: "strict" });
      const result = await whole(tx, async () => {
        const own = spare ? recording(tx, changes) : tx;
        const done = await work(own);
        isNewLine = spare?.isUnsure ?? false;
        if (changes.some((change) => !isPassing(change))) await countTurn(own, { isNewLine });
        return done;
      });
      const lasting = changes.filter((change) => !isPassing(change));
      if (spare && lasting.length > 0) {
        if (isNewLine) spare.isUnsure = false;
        await spare.follow(lasting);
      }
      return result;
    });
  }

  /**
   * @template {StoreNames<Tables>} N
   * @param {N[]} names
   * @returns {N[]} and where the turns are counted
   */
  #withTurn(names) {
    const meta = /** @type {N} */ ("meta");
    return this.#spare && !names.includes(meta) ? [...names, meta] : names;
  }

  /**
   * @template T
   * @param {() => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  async #retried(attempt) {
    let isDoubtful = false;
    for (let tried = 1; ; tried += 1) {
      try {
        const result = await attempt();
        if (isDoubtful) await this.#spare?.level(); // what was told as failed may have been done
        return result;
      } catch (error) {
        if (error instanceof DOMException && error.name === "QuotaExceededError") {
          if (tried < TRIES && (await this.giveRoom())) continue;
          throw fullError(error);
        }
        if (!isLost(error) || tried >= TRIES || this.#closed) throw failure(error);
        isDoubtful = true;
        this.#forget();
        await pause(PAUSE_MS * tried);
      }
    }
  }

  /** @returns {Promise<IDBPDatabase<Tables>>} */
  #connect() {
    if (this.#closed) return Promise.reject(new PhoneError("storage-closed", "The storage was closed."));
    this.#opening ??= this.#begin();
    return this.#opening;
  }

  /** @returns {Promise<IDBPDatabase<Tables>>} a failed one is forgotten, so that the next call tries anew */
  #begin() {
    const opening = withDeadline(this.#blockedAfter, (blocked) => this.#ask(blocked)).then(async (db) => {
      await this.#spare?.meet(db);
      return db;
    });
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    return opening;
  }

  /**
   * A page of an older version goes on with the stores of a newer one as they are: stores are only ever added, and work must
   * not wait for a page to be loaded again.
   * @param {() => void} blocked
   * @returns {Promise<IDBPDatabase<Tables>>}
   */
  async #ask(blocked) {
    const watch = {
      blocking: () => this.#forget(), // a newer version wants in: let go at once
      terminated: () => this.#forget(),
    };
    return this.#openAny({ blocked, ...watch });
  }

  /**
   * @param {Omit<import('../../vendor/idb-8.0.4/index.js').OpenDBCallbacks<Tables>, 'upgrade'>} watch
   * @returns {Promise<IDBPDatabase<Tables>>}
   */
  async #openAny(watch) {
    try {
      return await openPlaced(this.name, this.#version, { upgrade, ...watch });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "VersionError") throw error;
      const { blocking, terminated } = watch;
      return openPlaced(this.name, undefined, /** @type {typeof watch} */ ({ blocking, terminated }));
    }
  }

  #forget() {
    void this.#opening?.then(
      (db) => db.close(),
      () => undefined,
    );
    this.#opening = null;
  }
}

/** @param {unknown} cause @returns {PhoneError} */
function fullError(cause) {
  return new PhoneError(
    "storage-full",
    "This phone has no room left.",
    "Nothing was saved just now; what you did before is kept. Delete videos, photos or apps you do not need, then try again.",
    cause,
  );
}

/**
 * What a browser throws, in words for the person; the page's own errors, and the probe for keys, go as they are.
 * @param {unknown} error
 * @returns {unknown}
 */
function failure(error) {
  if (!(error instanceof DOMException) || error.name === "DataCloneError") return error;
  return new PhoneError(
    "storage-failed",
    "This phone’s storage does not answer.",
    "Close Baton and open it again. Do not clear its data.",
    error,
  );
}

/**
 * A blocked open gets no further event when it stays blocked, so a clock has to end the wait; a connection that comes
 * after that is closed again.
 * @param {number} blockedAfter ms
 * @param {(blocked: () => void) => Promise<IDBPDatabase<Tables>>} open
 * @returns {Promise<IDBPDatabase<Tables>>}
 */
function withDeadline(blockedAfter, open) {
  return new Promise((resolve, reject) => {
    let isLate = false;
    /** @param {unknown} error */
    const giveUp = (error) => {
      isLate = true;
      reject(error);
    };
    const hung = setTimeout(() => giveUp(new DOMException("no answer", "UnknownError")), HUNG_AFTER_MS);
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let waiting;
    open(() => {
      waiting ??= setTimeout(() => giveUp(blockedError()), blockedAfter);
    })
      .then(
        (db) => (isLate ? db.close() : resolve(db)),
        (error) => giveUp(error),
      )
      .finally(() => [hung, waiting].forEach(clearTimeout));
  });
}

/** @returns {PhoneError} */
function blockedError() {
  return new PhoneError(
    "storage-blocked",
    "Baton is open in another tab with an older version.",
    "Close Baton’s other tabs, then try again.",
  );
}
