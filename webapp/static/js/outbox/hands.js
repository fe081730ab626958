/**
 * What is done and not only read: sealing, keeping photos, enrolling, sending. One part, fetched once the first screen
 * stands, so that a start draws before it loads what no hand has asked for yet.
 * @module
 */
export { listReceipts } from "../storage/receipts.js";
export { enrolPhone } from "./enrol.js";
export { Rescue } from "./rescue.js";
export { checkRoom, reportStorage } from "./room.js";
export { sealDraft } from "./seal.js";
export { serveOthers } from "./stores.js";
export { SyncEngine } from "./sync.js";
export { Telling } from "./telling.js";
