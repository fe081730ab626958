/**
 * The server's signed receipts, kept verbatim: the phone owner's own proof.
 * @module
 */

/** @import {Store} from './store.js' */
/** @import {ReceiptRow} from './schema.js' */

/** @param {Store} store @param {string} device @returns {Promise<ReceiptRow[]>} in the order received */
export async function listReceipts(store, device) {
  return store.read(["receipts"], (tx) => tx.objectStore("receipts").index("byDevice").getAll(device));
}
