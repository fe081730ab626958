/**
 * An earlier database of this phone that opens again: the one that stands in its place takes in what it lacks.
 * @module
 */
import { joinKept } from "./spare-back.js";
import { isFull } from "./spare-pictures.js";
import { ALL, isHome } from "./spare-rows.js";
import { look, quiet, whole } from "./whole.js";

/** @import {BytesRow} from './schema.js' */
/** @import {First, Kept} from './spare-rows.js' */

/**
 * What came of an old database. `joined`: it had what the one in use lacked, which is there now; `known`: it had nothing of
 * the kind; `gone`: it has nobody in it, as when the browser threw it away; `full`: not all of its pictures found room.
 * @typedef {'joined'|'known'|'gone'|'full'} Taken
 */

/**
 * @param {First} old is not changed
 * @param {First} first the one in use
 * @returns {Promise<Taken>}
 */
export async function takeOld(old, first) {
  const kept = await readWhole(old);
  if (kept.every(({ name, rows }) => name !== "identities" || rows.length === 0)) return "gone";
  const isJoined = await joinKept(kept, first, { pictures: 0, isOld: true });
  if (!(await takePictures(old, first))) return "full";
  return isJoined ? "joined" : "known";
}

/** @param {First} db @returns {Promise<Kept[]>} all but the bytes of pictures, of one moment */
async function readWhole(db) {
  const tx = db.transaction(ALL, "readonly");
  quiet(tx.done);
  return Promise.all(ALL.map(async (name) => ({ name, rows: await quiet(tx.objectStore(name).getAll()) })));
}

/** Those that the one in use speaks of and has not. @param {First} old @param {First} first @returns {Promise<boolean>} */
async function takePictures(old, first) {
  const rows = await look(first, "blobs", (store) => store.getAll());
  for (const { device, sha256 } of rows.filter((row) => !isHome(row))) {
    /** @type {[string, string]} */ const key = [device, sha256];
    if ((await look(first, "blob_bytes", (store) => store.count(key))) > 0) continue;
    const bytes = await look(old, "blob_bytes", (store) => store.get(key));
    if (bytes && !(await keepPicture(first, key, bytes))) return false;
  }
  return true;
}

/** @param {First} first @param {[string, string]} key @param {BytesRow} bytes @returns {Promise<boolean>} false: there is no room */
async function keepPicture(first, key, bytes) {
  const tx = first.transaction(["blobs", "blob_bytes"], "readwrite", { durability: "strict" });
  try {
    await whole(tx, async () => {
      if (await tx.objectStore("blobs").get(key)) await tx.objectStore("blob_bytes").put(bytes);
    });
    return true;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}
