/**
 * The pictures of the second copy: those that the office has not got, as far as there is room for them twice.
 * @module
 */
import { ask, change, isHome, ownKey, rowKey, rowsOf } from "./spare-rows.js";
import { look, quiet, whole } from "./whole.js";

/** @import {Change} from './changes.js' */
/** @import {BytesRow} from './schema.js' */
/** @import {First, RowKey, Second} from './spare-rows.js' */

/** @typedef {() => Promise<boolean>} HasRoom for another copy of a picture */

/**
 * Pictures that the office wants again are copied again.
 * @param {Second} second
 * @param {First} first
 * @param {Change[]} changes that were made
 * @param {HasRoom} hasRoom
 * @returns {Promise<boolean>} false: one is not there, for want of room
 */
export async function copyWanted(second, first, changes, hasRoom) {
  let isWhole = true;
  for (const { name, key, value } of changes) {
    if (name !== "blobs" || value === undefined || isHome(value)) continue;
    const here = rowKey("blob_bytes", /** @type {IDBValidKey} */ (key));
    if ((await ask(second, (store) => store.count(here))) > 0) continue;
    if (await hasRoom()) await copyPicture(second, first, here);
    else isWhole = false;
  }
  return isWhole;
}

/** @param {Second} second @param {First} first @param {RowKey} here */
async function copyPicture(second, first, here) {
  const key = ownKey(here);
  const bytes = await look(first, "blob_bytes", (store) => store.get(key));
  if (!bytes) return;
  await change(second, async (tx) => {
    const row = await tx.store.get(rowKey("blobs", key));
    if (row && !isHome(row)) await tx.store.put(bytes, here); // sent, or thrown away, since it was looked at
  });
}

/**
 * Every picture that is not home is in both copies then, whichever had it.
 * @param {Second} second
 * @param {First} first
 * @param {HasRoom} hasRoom for a copy in the second
 * @returns {Promise<boolean>} false: one is not there, for want of room
 */
export async function matchPictures(second, first, hasRoom) {
  const there = await keysOf(second);
  const tx = first.transaction(["blobs", "blob_bytes"], "readonly");
  quiet(tx.done);
  const [rows, keys] = await Promise.all([
    tx.objectStore("blobs").getAll(),
    tx.objectStore("blob_bytes").getAllKeys(),
  ]);
  const own = new Set(keys.map((key) => JSON.stringify(key)));
  let isRoom = true;
  for (const { device, sha256 } of rows.filter((row) => !isHome(row))) {
    const id = JSON.stringify([device, sha256]);
    if (own.has(id) === there.has(id)) continue;
    const here = rowKey("blob_bytes", [device, sha256]);
    if (there.has(id)) isRoom = (await bringPicture(second, first, here)) && isRoom;
    else if (isRoom && (isRoom = await hasRoom())) await copyPicture(second, first, here);
  }
  return isRoom;
}

/** @param {Second} second @returns {Promise<Set<string>>} own keys of the pictures in it */
async function keysOf(second) {
  const keys = await ask(second, (store) => store.getAllKeys(rowsOf("blob_bytes")));
  return new Set(keys.map((key) => JSON.stringify(ownKey(key))));
}

/** @param {Second} second @param {First} first @param {RowKey} here @returns {Promise<boolean>} false: there is no room for it */
async function bringPicture(second, first, here) {
  const bytes = /** @type {BytesRow|undefined} */ (await ask(second, (store) => store.get(here)));
  if (!bytes) return true;
  const tx = first.transaction(["blobs", "blob_bytes"], "readwrite", { durability: "strict" });
  try {
    await whole(tx, async () => {
      if (await tx.objectStore("blobs").get(ownKey(here))) await tx.objectStore("blob_bytes").put(bytes);
    });
    return true;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

/** @param {Second} second @param {string} device @param {string} sha256 @returns {Promise<ArrayBuffer|null>} */
export async function bytesIn(second, device, sha256) {
  const row = await ask(second, (store) => store.get(rowKey("blob_bytes", [device, sha256])));
  return /** @type {BytesRow|undefined} */ (row)?.bytes ?? null;
}

/** @param {unknown} error @returns {boolean} */
export function isFull(error) {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

/**
 * Takes out of the second copy the pictures that the first one has as well.
 * @param {Second} second
 * @param {First} first
 * @returns {Promise<number>} how many
 */
export async function dropPictures(second, first) {
  const keys = await ask(second, (store) => store.getAllKeys(rowsOf("blob_bytes")));
  const own = await look(first, "blob_bytes", (store) => store.getAllKeys());
  const there = new Set(own.map((key) => JSON.stringify(key)));
  const dropped = keys.filter((key) => there.has(JSON.stringify(ownKey(key))));
  await change(second, async (tx) => {
    await Promise.all(dropped.map((key) => quiet(tx.store.delete(key))));
  });
  return dropped.length;
}
