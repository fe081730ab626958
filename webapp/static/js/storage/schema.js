/**
 * The phone's database: its stores, their keys, and how it came to be. Stores are only ever added; every row
 * carries the device (identity) it belongs to, because several people may share one phone.
 * @module
 */

/** @import {BlobRow, Draft, EventRow, Notice, OutboxRow, Parcel, PublicJwk, Run, Task} from '../domain/types.js' */
/** @import {IDBPDatabase} from '../../vendor/idb-8.0.4/index.js' */

export const DATABASE = "baton";
export const VERSION = 1;

/**
 * One enrolment: who, for whom, and what the server answers by.
 * @typedef {object} IdentityRow
 * @property {string} device
 * @property {string} token
 * @property {{id:string, name:string, role:string}} actor
 * @property {{id:string, name:string}} org
 * @property {string} label
 * @property {boolean} signed
 * @property {PublicJwk|null} jwk        the phone's own
 * @property {string|null} kid           its RFC 7638 thumbprint
 * @property {PublicJwk|null} serverJwk  receipts are checked with it
 * @property {number} enrolledAt         ms
 */

/** @typedef {{device:string, privateKey:CryptoKey}} KeyRow */
/** @typedef {{device:string, seq:number, prev:string|null}} ChainRow */
/** `rev` counts the savings, `by` is the tab that saved last. @typedef {{device:string, id:string, draft:Draft, savedAt:number, rev?:number, by?:string}} DraftRow */
/** @typedef {{device:string, seq:number, jws:string}} SealedRow the bytes that were signed, verbatim, written once */
/** @typedef {{device:string, sha256:string, bytes:ArrayBuffer}} BytesRow */
/** @typedef {{n?:number, device:string, epoch:string, receivedAt:string, jws:string, verified:boolean, events:string[]}} ReceiptRow */
/** @typedef {{device:string, name:string, value:unknown}} MetaRow */
/** @template T @typedef {T & {device:string}} Owned */

/**
 * @typedef {{
 *   identities: {key:string, value:IdentityRow},
 *   keys: {key:string, value:KeyRow},
 *   chains: {key:string, value:ChainRow},
 *   drafts: {key:[string, string], value:DraftRow},
 *   events: {key:[string, number], value:EventRow, indexes:{byId:[string, string], byDraft:[string, string]}},
 *   sealed: {key:[string, number], value:SealedRow},
 *   outbox: {key:[string, number], value:OutboxRow},
 *   blobs: {key:[string, string], value:BlobRow},
 *   blob_bytes: {key:[string, string], value:BytesRow},
 *   receipts: {key:number, value:ReceiptRow, indexes:{byDevice:string}},
 *   parcels: {key:[string, string], value:Owned<Parcel>},
 *   runs: {key:[string, string], value:Owned<Run>},
 *   tasks: {key:[string, string], value:Owned<Task>},
 *   notices: {key:[string, string], value:Owned<Notice>},
 *   meta: {key:[string, string], value:MetaRow},
 * }} Tables
 */

/**
 * @param {IDBPDatabase<Tables>} db
 * @param {number} from the version found on the phone, 0 when there was none
 * @returns {void}
 */
export function upgrade(db, from) {
  if (from < 1) createFirst(db);
}

/** @param {IDBPDatabase<Tables>} db */
function createFirst(db) {
  db.createObjectStore("identities", { keyPath: "device" });
  db.createObjectStore("keys", { keyPath: "device" });
  db.createObjectStore("chains", { keyPath: "device" });
  db.createObjectStore("drafts", { keyPath: ["device", "id"] });
  const events = db.createObjectStore("events", { keyPath: ["device", "seq"] });
  events.createIndex("byId", ["device", "id"], { unique: true });
  events.createIndex("byDraft", ["device", "draft"], { unique: true });
  db.createObjectStore("sealed", { keyPath: ["device", "seq"] });
  db.createObjectStore("outbox", { keyPath: ["device", "seq"] });
  db.createObjectStore("blobs", { keyPath: ["device", "sha256"] });
  db.createObjectStore("blob_bytes", { keyPath: ["device", "sha256"] });
  db.createObjectStore("receipts", { keyPath: "n", autoIncrement: true }).createIndex("byDevice", "device");
  db.createObjectStore("parcels", { keyPath: ["device", "code"] });
  for (const name of /** @type {const} */ (["runs", "tasks", "notices"])) {
    db.createObjectStore(name, { keyPath: ["device", "id"] });
  }
  db.createObjectStore("meta", { keyPath: ["device", "name"] });
}

/**
 * Every row of one identity in a store whose key begins with the device.
 * @param {string} device
 * @returns {IDBKeyRange}
 */
export function ownRows(device) {
  return IDBKeyRange.bound([device], [device, []]); // an array sorts after every string and number
}
