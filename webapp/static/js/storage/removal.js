/**
 * Takes one identity off this phone for good: every row of theirs, and of nobody else, in one transaction.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { ownRows } from "./schema.js";
import { t } from "../domain/words.js";

/** @import {IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Store} from './store.js' */
/** @import {Tables} from './schema.js' */

/** What the office has not got, or nobody has sealed yet. @typedef {{handovers:number, photos:number, drafts:number, total:number}} Unsent */

/** Stores whose keys begin with the device. */
const OWN = /** @type {const} */ ([
  ...["drafts", "events", "sealed", "outbox", "blobs", "blob_bytes"],
  ...["parcels", "runs", "tasks", "notices", "meta"],
]);
/** Stores whose key is the device. */
const ONE = /** @type {const} */ (["identities", "keys", "chains"]);

/** @param {Store} store @param {string} device @returns {Promise<Unsent>} */
export async function unsentOf(store, device) {
  return store.read(["outbox", "blobs", "drafts"], (tx) => count(tx, device));
}

/**
 * @param {Store} store
 * @param {string} device
 * @param {number|null} typed how many unsent items the person says will be lost; counted again in the transaction
 * @returns {Promise<void>}
 * @throws {PhoneError} `count-differs`, and then nothing was removed
 */
export async function removeIdentity(store, device, typed) {
  await store.write([...OWN, ...ONE, "receipts"], async (tx) => {
    const { total } = await count(/** @type {any} */ (tx), device); // it is over more stores than these
    if (total > 0 && typed !== total) {
      throw new PhoneError(
        "count-differs",
        t(total === 1 ? "1 unsent item is on this phone." : "{total} unsent items are on this phone.", {
          total,
        }),
        "Type that number to remove them for good, or send them first.",
      );
    }
    for (const name of OWN) await tx.objectStore(name).delete(ownRows(device));
    for (const name of ONE) await tx.objectStore(name).delete(device);
    const receipts = tx.objectStore("receipts");
    for (const key of await receipts.index("byDevice").getAllKeys(device)) await receipts.delete(key);
    const current = await tx.objectStore("meta").get(["", "current"]);
    if (current?.value === device) await tx.objectStore("meta").delete(["", "current"]);
  });
}

/**
 * @param {Pick<IDBPTransaction<Tables, ('outbox'|'blobs'|'drafts')[], 'readonly'|'readwrite'>, 'objectStore'>} tx
 * @param {string} device
 * @returns {Promise<Unsent>}
 */
async function count(tx, device) {
  const [handovers, blobs, kept] = await Promise.all([
    tx.objectStore("outbox").count(ownRows(device)),
    tx.objectStore("blobs").getAll(ownRows(device)),
    tx.objectStore("drafts").getAll(ownRows(device)),
  ]);
  const photos = blobs.filter(({ state }) => state === "wanted" || state === "refused").length;
  const drafts = kept.filter(({ draft }) => draft.scans.length + draft.photos.length > 0).length;
  return { handovers, photos, drafts, total: handovers + photos + drafts };
}
