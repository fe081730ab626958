/**
 * What earlier enrolments left on this phone: counted and shown until the office has it, read only.
 * @module
 */
import { describeEvents } from "../domain/counts.js";
import { listBlobs } from "../storage/blobs.js";
import { listEvents, peekOutbox } from "../storage/events.js";
import { listIdentities } from "../storage/identities.js";

/** @import {OutboxItem} from '../domain/types.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Store} from '../storage/store.js' */

/** `device` is whose it is; `by` the name of the person. @typedef {OutboxItem & {device:string, by:string}} OthersItem */

/** @param {Store} store @param {string|undefined} device the current one @returns {Promise<IdentityRow[]>} */
async function others(store, device) {
  return (await listIdentities(store)).filter((row) => row.device !== device);
}

/**
 * @param {Store} store
 * @param {string|undefined} device the current one
 * @returns {Promise<{othersUnsent:number, othersUnsentBlobs:number}>}
 */
export async function countOthers(store, device) {
  let othersUnsent = 0;
  let othersUnsentBlobs = 0;
  for (const other of await others(store, device)) {
    othersUnsent += (await peekOutbox(store, other.device)).length;
    const blobs = await listBlobs(store, other.device);
    othersUnsentBlobs += blobs.filter(({ state }) => state === "wanted" || state === "refused").length;
  }
  return { othersUnsent, othersUnsentBlobs };
}

/**
 * @param {Store} store
 * @param {string|undefined} device the current one
 * @returns {Promise<OthersItem[]>} what the office has not got all of
 */
export async function othersItems(store, device) {
  /** @type {OthersItem[]} */
  const items = [];
  for (const other of await others(store, device)) {
    const described = describeEvents(await listEvents(store, other.device), null, new Map(), Date.parse);
    const open = described.filter(({ state }) => state !== "safe");
    items.push(...open.map((item) => ({ ...item, device: other.device, by: other.actor.name })));
  }
  return items;
}
