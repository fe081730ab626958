/**
 * Pictures, by digest: ArrayBuffers (WebKit loses Blobs), read by primary key, bytes apart from what is known of them.
 * @module
 */
import { draftDigests, isEmpty } from "../domain/draft.js";
import { mustBeKnown } from "./identities.js";
import { ownRows } from "./schema.js";

/** @import {BlobRow} from '../domain/types.js' */
/** @import {Store} from './store.js' */

/**
 * @param {Store} store
 * @param {{device:string, sha256:string, type:string, bytes:ArrayBuffer, at:number}} picture
 * @returns {Promise<void>} when it is durable
 * @throws {PhoneError} `storage-full`
 */
export async function storeBlob(store, { device, sha256, type, bytes, at }) {
  if (!(bytes instanceof ArrayBuffer)) throw new TypeError("a picture is kept as an ArrayBuffer");
  await store.write(["blobs", "blob_bytes", "identities"], async (tx) => {
    await mustBeKnown(tx, device);
    await tx.objectStore("blob_bytes").put({ device, sha256, bytes });
    const known = await tx.objectStore("blobs").get([device, sha256]);
    if (known && known.state !== "lost") return;
    await tx.objectStore("blobs").put({
      device,
      sha256,
      type,
      size: bytes.byteLength,
      role: known?.role ?? null,
      state: known ? "wanted" : "local",
      events: known?.events ?? [],
      storedAt: at,
      upload: null,
      tries: 0,
      notBefore: 0,
      problem: null,
    });
  });
}

/**
 * @param {Store} store
 * @param {string} device
 * @param {string} sha256
 * @returns {Promise<ArrayBuffer|null>} null: it is not on this phone
 * @throws {DOMException} it is not in the first copy, and the second does not answer
 */
export async function readBlob(store, device, sha256) {
  const row = await store.read(["blob_bytes"], (tx) => tx.objectStore("blob_bytes").get([device, sha256]));
  return row?.bytes ?? (await store.spareBytes(device, sha256)); // when it came back there was no room for its pictures
}

/** @param {Store} store @param {string} device @returns {Promise<BlobRow[]>} */
export async function listBlobs(store, device) {
  return store.read(["blobs"], (tx) => tx.objectStore("blobs").getAll(ownRows(device)));
}

/**
 * @param {Store} store
 * @param {string} device
 * @param {string} sha256
 * @param {Partial<BlobRow>} change
 * @returns {Promise<void>}
 */
export async function patchBlob(store, device, sha256, change) {
  await store.write(["blobs"], async (tx) => {
    const row = await tx.objectStore("blobs").get([device, sha256]);
    if (row) await tx.objectStore("blobs").put({ ...row, ...change });
  });
}

/**
 * Takes what the server said it lacks, and by that what it holds, of the digests asked about.
 * @param {Store} store
 * @param {string} device
 * @param {string[]} asked
 * @param {Set<string>} missing
 * @returns {Promise<void>}
 */
export async function markHeldBut(store, device, asked, missing) {
  await store.write(["blobs"], async (tx) => {
    for (const sha256 of asked) {
      const row = await tx.objectStore("blobs").get([device, sha256]);
      if (row?.state === "wanted" && !missing.has(sha256)) {
        await tx.objectStore("blobs").put({ ...row, state: "held", upload: null });
      }
    }
  });
}

/**
 * Removes pictures that nothing refers to (a photo taken again, a draft lost in a crash) once they are a day old.
 * @param {Store} store
 * @param {string} device
 * @param {number} before ms
 * @returns {Promise<number>} how many
 */
export async function dropOrphans(store, device, before) {
  return store.write(["drafts", "blobs", "blob_bytes"], async (tx) => {
    const drafts = await tx.objectStore("drafts").getAll(ownRows(device));
    for (const { id, draft, savedAt } of drafts) {
      if (isEmpty(draft) && savedAt < before) await tx.objectStore("drafts").delete([device, id]);
    }
    const inUse = new Set(drafts.flatMap(({ draft }) => draftDigests(draft)));
    const blobs = await tx.objectStore("blobs").getAll(ownRows(device));
    const orphans = blobs.filter(
      (row) => row.state === "local" && row.storedAt < before && !inUse.has(row.sha256),
    );
    for (const { sha256 } of orphans) {
      await tx.objectStore("blobs").delete([device, sha256]);
      await tx.objectStore("blob_bytes").delete([device, sha256]);
    }
    return orphans.length;
  });
}
