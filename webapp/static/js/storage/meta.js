/**
 * Small facts about one identity (or, under device '', about the phone): one row each.
 * @module
 */
import { mustBeKnown } from "./identities.js";

/** @import {Store} from './store.js' */
/** @import {Limits, Rules} from '../domain/types.js' */

/**
 * @typedef {object} MetaValues
 * @property {string} current   device of the identity in use (kept under device '')
 * @property {string} epoch     the server's, as last settled under
 * @property {{ms:number, at:number}} offset   server minus phone, and when it was measured
 * @property {{limits:Limits, retainDays:number, minClient:string|null}} hello
 * @property {{owner:string, until:number}} lease
 * @property {number} heartbeat   ms, when the sending tab last showed life (device '')
 * @property {number} beat        ms, when the server last took a batch, empty or not
 * @property {import('./turns.js').Turn} turn   of this database (device '')
 * @property {{at:string, events:number, pictures:number}} brought   what last came back from the second copy (device '')
 * @property {{cursor:string, epoch:string, etag:string|null, asOf:string}} worklist
 * @property {{version:string, etag:string|null, rules:Rules}} rules
 * @property {{endpoint:string}} told   the push service's address under which this person agreed to be told
 * @property {{at:string, events:number, pictures:number, files:number, of:number}} rescued  what was last given away in
 *   rescue files: `files` of the `of` that were written
 */

/**
 * @template {keyof MetaValues} K
 * @param {Store} store
 * @param {string} device
 * @param {K} name
 * @returns {Promise<MetaValues[K]|null>}
 */
export async function getMeta(store, device, name) {
  const row = await store.read(["meta"], (tx) => tx.objectStore("meta").get([device, name]));
  return row ? /** @type {MetaValues[K]} */ (row.value) : null;
}

/**
 * @template {keyof MetaValues} K
 * @param {Store} store
 * @param {string} device
 * @param {K} name
 * @param {MetaValues[K]|null} value null takes it away
 * @returns {Promise<void>}
 */
export async function setMeta(store, device, name, value) {
  await store.write(["meta", "identities"], async (tx) => {
    if (device !== "") await mustBeKnown(tx, device);
    if (value === null) await tx.objectStore("meta").delete([device, name]);
    else await tx.objectStore("meta").put({ device, name, value });
  });
}

/**
 * Takes a lease if nobody else's is running: compare and set in one transaction.
 * @param {Store} store
 * @param {string} owner
 * @param {number} now ms
 * @param {number} forMs
 * @returns {Promise<boolean>}
 */
export async function takeLease(store, owner, now, forMs) {
  return store.write(["meta"], async (tx) => {
    const row = await tx.objectStore("meta").get(["", "lease"]);
    const lease = /** @type {{owner:string, until:number}|undefined} */ (row?.value);
    const runsOn = lease && lease.owner !== owner && lease.until > now && lease.until <= now + forMs;
    if (runsOn) return false; // an `until` further off than any lease is a clock that jumped
    await tx.objectStore("meta").put({ device: "", name: "lease", value: { owner, until: now + forMs } });
    return true;
  });
}
