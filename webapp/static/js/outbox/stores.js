/**
 * When the phone's database will not open: a new one in its place, which takes over what the second copy has, and every
 * start another try with the old, whose work then goes home by its own credentials.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { listIdentities } from "../storage/identities.js";
import { unsentOf } from "../storage/removal.js";
import { spareNames } from "../storage/spare.js";
import { spareOf } from "../storage/place.js";
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
  return (await spareNames()).includes(spareOf(shelf.read().current));
}

/** What came of it: the name of the new database, and whether the people of the old one are in it. @typedef {{name:string, isCopied:boolean}} Begun */

/**
 * Begins a new database; it is in use from the next start on. The old one is not touched.
 * @param {unknown} error what the old one failed with
 * @param {Shelf} [shelf]
 * @returns {Promise<Begun>}
 * @throws {PhoneError} `storage-unavailable` when a new one does not open either
 */
export async function beginAnew(error, shelf = new Shelf()) {
  const begun = await firstToOpen(freeNames(shelf.read(), await existingNames()));
  const cause = error instanceof PhoneError ? error.cause : error;
  const why =
    cause instanceof DOMException ? cause.name : error instanceof PhoneError ? error.code : "unknown";
  const { isCopied } = begun;
  if (shelf.moveTo(begun.name, { at: new Date().toISOString(), why, isCopied })) return begun;
  throw new PhoneError(
    "storage-unavailable",
    "This browser keeps nothing at all.",
    "Switch off its private mode, or use another browser. What is in the old store stays there.",
  );
}

/** @param {string[]} names at least one @returns {Promise<Begun>} */
async function firstToOpen(names) {
  const [name = "", ...others] = names;
  const store = new Store(name);
  try {
    await store.open(); // and what its second copy has comes back, as after any loss of the first
    return { name, isCopied: (await listIdentities(store)).length > 0 };
  } catch (error) {
    if (others.length === 0 || !isBroken(error)) throw error;
    return await firstToOpen(others);
  } finally {
    store.close();
  }
}

/**
 * Tries the other databases of this phone, sends what they hold, and closes them again.
 * @param {Context} context of the one in use
 * @returns {Promise<string[]>} the names of those that opened
 */
export async function serveOthers(context) {
  const { shelf } = context;
  const { lost } = shelf.read();
  const names = new Set([...lost.map(({ name }) => name), ...(await existingNames())]);
  names.delete(context.store.name);
  for (const { name, isEmpty } of lost) if (isEmpty) names.delete(name);
  const opened = [];
  for (const name of names) {
    const store = Store.other(name, context.store.name, 1);
    try {
      await store.open();
      opened.push(name);
      await bringHome({ ...context, store, channel: null });
      if ((await leftIn(store)).every(({ total }) => total === 0)) shelf.markEmpty(name);
    } catch (error) {
      if (!(error instanceof PhoneError)) throw error; // still broken: the next start tries again
    } finally {
      store.close();
    }
  }
  return opened;
}

/** The store in use sends by the same line, one at a time: when it is busy, this one comes after it. @param {Context} context */
async function bringHome(context) {
  const engine = new SyncEngine(context);
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const { state } = await engine.kick("start");
    const left = await leftIn(context.store);
    if (state === "offline" || left.every(({ handovers, photos }) => handovers + photos === 0)) return;
    await new Promise((done) => setTimeout(done, PAUSE_MS * tried));
  }
}

/** @param {Store} store @returns {Promise<Unsent[]>} of each person in it */
async function leftIn(store) {
  const left = [];
  for (const { device } of await listIdentities(store)) left.push(await unsentOf(store, device));
  return left;
}
