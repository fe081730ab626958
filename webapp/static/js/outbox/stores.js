/**
 * When the phone's database will not open: a new one in its place, which takes over what the second copy has, and every
 * start another try with the old, whose work then goes home by its own credentials.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { listIdentities } from "../storage/identities.js";
import { unsentOf } from "../storage/removal.js";
import { isBehind } from "../storage/behind.js";
import { newestFirst, spareOf } from "../storage/place.js";
import { Spare } from "../storage/spare.js";
import { Shelf, existingNames, freeNames } from "../storage/shelf.js";
import { Store } from "../storage/store.js";
import { SyncEngine } from "./sync.js";

/** @import {Unsent} from '../storage/removal.js' */
/** @import {Context} from './context.js' */

const TRIES = 5;
const PAUSE_MS = 1_500;

/** What says that the database itself does not do its work; anything else is no reason to leave it. */
const BROKEN = new Set(["storage-unavailable", "storage-failed"]);

/** @param {unknown} error @returns {boolean} a new store beside the old one would help */
export function isBroken(error) {
  return error instanceof PhoneError && BROKEN.has(error.code);
}

/** @param {Shelf} [shelf] @returns {Promise<boolean>} a new one would have what this one kept twice */
export async function isKeptTwice(shelf = new Shelf()) {
  const spare = Spare.of(spareOf(shelf.read().current));
  if (!spare) return false;
  const hasPeople = await spare.hasPeople();
  spare.close();
  return hasPeople;
}

/** What came of it: the name of the new database, and whether the people of the old one are in it. @typedef {{name:string, isCopied:boolean}} Begun */

/**
 * Begins a new database; it is in use from the next start on. The old one is not touched. It is noted first: what is killed
 * meanwhile goes on with it at the next start.
 * @param {unknown} error what the old one failed with
 * @param {Shelf} [shelf]
 * @returns {Promise<Begun>}
 * @throws {PhoneError} `storage-unavailable` when a new one does not open either
 */
export async function beginAnew(error, shelf = new Shelf()) {
  const before = shelf.read();
  const isAllTwice = !isBehind(spareOf(before.current));
  /** @type {unknown} */ let failed = null;
  for (const name of freeNames(before, await existingNames())) {
    if (!shelf.moveTo(name, { at: new Date().toISOString(), why: wordOf(error) })) throw nothingKept();
    try {
      const hasPeople = await opens(name);
      shelf.markLeft(before.current, { isCopied: hasPeople && isAllTwice, isShort: !isAllTwice });
      return { name, isCopied: hasPeople };
    } catch (again) {
      shelf.moveBack(before); // nothing is deleted: what the browser did not tell of may be somebody's work
      if (!isBroken(again)) throw again;
      failed = again;
    }
  }
  throw failed;
}

/** @param {unknown} error @returns {string} the browser's own word for it */
function wordOf(error) {
  const cause = error instanceof PhoneError ? error.cause : error;
  if (cause instanceof DOMException) return cause.name;
  return error instanceof PhoneError ? error.code : "unknown";
}

/** @returns {PhoneError} */
function nothingKept() {
  return new PhoneError(
    "storage-unavailable",
    "This browser keeps nothing at all.",
    "Switch off its private mode, or use another browser. What is in the old store stays there.",
  );
}

/**
 * What the second copy has comes back at once, as after any loss of the first.
 * @param {string} name
 * @returns {Promise<boolean>} people are in it
 */
async function opens(name) {
  const store = new Store(name);
  try {
    await store.open();
    return (await listIdentities(store)).length > 0;
  } finally {
    store.close();
  }
}

/**
 * Tries the other databases of this phone and closes them again. What one holds that the one in use stands for is taken
 * in there: a device must not seal, or tell of itself, from two. Others send what they hold.
 * @param {Context} context of the one in use
 * @returns {Promise<string[]>} the names of those that opened
 */
export async function serveOthers(context) {
  const { shelf } = context;
  const { lost } = shelf.read();
  const { name: own } = context.store;
  const isOurs = (/** @type {string} */ name) => spareOf(name) === spareOf(own);
  const isDone = (/** @type {string} */ name) => lost.some((one) => one.name === name && one.isEmpty);
  const names = new Set([...lost.map(({ name }) => name), ...(await existingNames())]);
  /** @type {string[]} */ const opened = [];
  for (const name of newestFirst([...names])) {
    // A page that was open on one of ours may have written to it since: it is looked at again.
    if (name === own || (isDone(name) && !isOurs(name))) continue;
    if (opened.some((one) => spareOf(one) === spareOf(name)) && !isOurs(name)) continue; // only one may have the second copy
    const store = new Store(name, isOurs(name) ? { tries: 1, spare: null } : { tries: 1 });
    try {
      await store.open();
      opened.push(name);
      if (isOurs(name)) await takeIn(context, store);
      else if (await isBroughtHome({ ...context, store, channel: null })) shelf.markEmpty(name);
    } catch (error) {
      if (!(error instanceof PhoneError)) throw error; // still broken: the next start tries again
    } finally {
      store.close();
    }
  }
  return opened;
}

/** @param {Context} context @param {Store} old */
async function takeIn({ store, shelf }, old) {
  const how = await store.takeIn(old);
  const isShort = shelf.read().lost.some(({ name, isShort: is }) => name === old.name && is);
  if (how === "gone") shelf.markGone(old.name);
  // Where the old one had something that it has not any more, it was put back to what it was before.
  else if (how === "joined" || (how === "known" && !isShort)) shelf.markEmpty(old.name);
}

/**
 * The store in use sends by the same line, one at a time: when it is busy, this one comes after it.
 * @param {Context} context
 * @returns {Promise<boolean>} nothing is left in it
 */
async function isBroughtHome(context) {
  const engine = new SyncEngine(context);
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const { state } = await engine.kick("start");
    const left = await leftIn(context.store);
    if (state === "offline" || left.every(({ handovers, photos }) => handovers + photos === 0)) break;
    await new Promise((done) => setTimeout(done, PAUSE_MS * tried));
  }
  return (await leftIn(context.store)).every(({ total }) => total === 0);
}

/** @param {Store} store @returns {Promise<Unsent[]>} of each person in it */
async function leftIn(store) {
  const left = [];
  for (const { device } of await listIdentities(store)) left.push(await unsentOf(store, device));
  return left;
}
