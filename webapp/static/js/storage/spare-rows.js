/**
 * What stands in the second copy: one row for each of the first, under its store's name and its key there. Pictures are
 * kept in it only until the office has them.
 * @module
 */
import { outboxRow } from "./events.js";

/** @import {IDBPDatabase, IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {BlobRow, EventRow} from '../domain/types.js' */
/** @import {Change, Name} from './changes.js' */
/** @import {ChainRow, MetaRow, Tables} from './schema.js' */

/** @typedef {IDBValidKey[]} RowKey the store's name, then the parts of the row's key in it */
/** @typedef {{rows:{key:RowKey, value:unknown}}} Rows */
/** @typedef {IDBPTransaction<Tables, Name[], 'readonly'>} Reading of the whole first copy */
/** `at` is null while nothing was ever brought back. @typedef {{at:string|null, events:number, pictures:number}} Mark */

export const MARK = /** @type {[string, string]} */ (["", "spare"]); // of a first copy that is whole
/** Rows that change, and are compared; of the others the key says enough. */
const CHANGING = /** @type {const} */ ([
  ...["identities", "chains", "drafts", "events"],
  ...["outbox", "blobs", "meta"],
]);
const FIXED = /** @type {const} */ ([
  ...["keys", "sealed", "receipts"],
  ...["parcels", "runs", "tasks", "notices"],
]);
/** @type {Name[]} */ const ALL = [...CHANGING, ...FIXED];
const AT_ONCE = 8; // pictures in memory
/** Of one moment, of one tab, or of one copy. */
const PASSING = new Set(["lease", "heartbeat", "beat", MARK[1]]);

/** @param {Name} name @param {IDBValidKey|IDBKeyRange} key @returns {boolean} the row is not worth a second copy */
export function isPassing(name, key) {
  if (name === "keys") return key === ""; // the probe
  return name === "meta" && Array.isArray(key) && PASSING.has(String(key[1]));
}

/** @param {unknown} row of `blobs` @returns {boolean} the office has the picture, or nobody has */
function isHome(row) {
  const { state } = /** @type {BlobRow} */ (row);
  return state === "held" || state === "lost";
}

/** @param {Name} name @param {IDBValidKey} key @returns {RowKey} */
function rowKey(name, key) {
  return [name, ...(Array.isArray(key) ? key : [key])];
}

/** @param {string} name @returns {IDBKeyRange} every row of that store */
export function rowsOf(name) {
  return IDBKeyRange.bound([name], [name, []]); // an array sorts after every string and number
}

/** @param {Name} name @param {IDBValidKey|IDBKeyRange} key @returns {RowKey|IDBKeyRange} */
function hereOf(name, key) {
  if (!(key instanceof IDBKeyRange)) return rowKey(name, key);
  return IDBKeyRange.bound(rowKey(name, key.lower), rowKey(name, key.upper), key.lowerOpen, key.upperOpen);
}

/**
 * @param {IDBPDatabase<Rows>} spare
 * @param {Change[]} changes all made, in their order, or none
 * @returns {Promise<void>} when they are durable
 */
export async function apply(spare, changes) {
  const tx = spare.transaction("rows", "readwrite", { durability: "strict" });
  const asked = changes.flatMap(({ name, key, value }) => {
    if (value === undefined) return [tx.store.delete(hereOf(name, key))];
    const row = tx.store.put(value, rowKey(name, /** @type {IDBValidKey} */ (key)));
    if (name !== "blobs" || !isHome(value)) return [row];
    return [row, tx.store.delete(hereOf("blob_bytes", key))];
  });
  await Promise.all([...asked, tx.done]);
}

/**
 * @param {IDBPDatabase<Rows>} spare
 * @param {string} name
 * @returns {Promise<unknown[]>}
 */
function rowsIn(spare, name) {
  return spare.getAll("rows", rowsOf(name));
}

/**
 * Puts into the first copy what it lacks and marks it whole, in one transaction but for the pictures, which come before.
 * @param {IDBPDatabase<Rows>} spare
 * @param {IDBPDatabase<Tables>} db
 * @returns {Promise<void>}
 */
export async function bringBack(spare, db) {
  const pictures = await bringPictures(spare, db);
  const found = await Promise.all(ALL.map(async (name) => ({ name, rows: await rowsIn(spare, name) })));
  const kept = Object.fromEntries(found.map(({ name, rows }) => [name, rows]));
  kept.chains = kept.chains.map((row) => chainEnd(/** @type {ChainRow} */ (row), kept.events));
  kept.outbox = [...kept.outbox, ...toOffer(kept.events, kept.outbox)];
  kept.meta = kept.meta.map((row) => withoutCursor(/** @type {MetaRow} */ (row)));
  const isAny = kept.identities.length > 0;
  /** @type {Mark} */
  const value = isAny
    ? { at: new Date().toISOString(), events: kept.outbox.length, pictures }
    : { at: null, events: 0, pictures: 0 };
  const tx = db.transaction(ALL, "readwrite", { durability: "strict" });
  if ((await tx.objectStore("meta").count(MARK)) === 0) {
    if (isAny) for (const name of ALL) await putAbsent(tx, name, kept[name]);
    await tx.objectStore("meta").put({ device: MARK[0], name: MARK[1], value });
  }
  await tx.done;
}

/** @param {IDBPDatabase<Rows>} spare @param {IDBPDatabase<Tables>} db @returns {Promise<number>} how many there are */
async function bringPictures(spare, db) {
  const keys = await spare.getAllKeys("rows", rowsOf("blob_bytes"));
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    const some = await Promise.all(keys.slice(from, from + AT_ONCE).map((key) => spare.get("rows", key)));
    const tx = db.transaction(["blob_bytes"], "readwrite", { durability: "strict" });
    await putAbsent(tx, "blob_bytes", some);
    await tx.done;
  }
  return keys.length;
}

/**
 * @param {any} tx over that store, among others
 * @param {Name} name
 * @param {unknown[]} rows
 */
async function putAbsent(tx, name, rows) {
  const store = tx.objectStore(name);
  await Promise.all(
    rows.map(async (row) => {
      const { keyPath } = store;
      const fields = /** @type {Record<string, IDBValidKey>} */ (row);
      const key = Array.isArray(keyPath) ? keyPath.map((part) => fields[part]) : fields[keyPath];
      if ((await store.count(key)) === 0) await store.put(row);
    }),
  );
}

/** Another tab's event may be here before its link of the chain is. @param {ChainRow} row @param {unknown[]} events @returns {ChainRow} */
function chainEnd(row, events) {
  const own = /** @type {EventRow[]} */ (events).filter(({ device }) => device === row.device);
  const last = own.reduce(
    (end, event) => (event.seq > end.seq ? { ...row, seq: event.seq, prev: event.sha256 } : end),
    row,
  );
  return last;
}

/** What is not sent goes, though its place in the line is not here. @param {unknown[]} events @param {unknown[]} outbox */
function toOffer(events, outbox) {
  const inLine = new Set(/** @type {EventRow[]} */ (outbox).map(({ device, seq }) => `${device} ${seq}`));
  return /** @type {EventRow[]} */ (events)
    .filter(({ state, device, seq }) => state !== "settled" && !inLine.has(`${device} ${seq}`))
    .map((event) => ({ ...outboxRow(event), parked: event.state === "parked" }));
}

/** The list is brought back to be looked at, and asked for anew: a change of it may not have got here. @param {MetaRow} row @returns {MetaRow} */
function withoutCursor(row) {
  if (row.name !== "worklist") return row;
  return { ...row, value: { .../** @type {object} */ (row.value), cursor: null, etag: null } };
}

/**
 * @param {IDBPDatabase<Rows>} spare
 * @param {IDBPDatabase<Tables>} db
 * @returns {Promise<{changes:Change[], lacking:Change[]}>} what makes the second copy like the first; `lacking` the
 *   pictures to be copied, without their bytes
 */
export async function compare(spare, db) {
  // Read before the first copy is: what stood here stood there, so what is not there now was deleted.
  const here = new Map((await spare.getAllKeys("rows")).map((key) => [JSON.stringify(key), key]));
  const texts = await textsIn(spare);
  const tx = /** @type {Reading} */ (db.transaction([...ALL, "blob_bytes"], "readonly"));
  const found = [];
  for (const name of CHANGING) found.push(await changed(tx, name, here, texts));
  for (const name of FIXED) found.push(await added(tx, name, here));
  const lacking = await picturesLacking(tx, here);
  await tx.done;
  return { changes: [...found.flat(), ...[...here.values()].map(gone)], lacking };
}

/** @param {RowKey} key @returns {Change} */
function gone([name, ...parts]) {
  const key = parts.length > 1 ? parts : /** @type {IDBValidKey} */ (parts[0]);
  return { name: /** @type {Name} */ (name), key };
}

/** @param {IDBPDatabase<Rows>} spare @returns {Promise<Map<string, string>>} by key, of the rows that change */
async function textsIn(spare) {
  const texts = new Map();
  for (const name of CHANGING) {
    const keys = await spare.getAllKeys("rows", rowsOf(name));
    const rows = await rowsIn(spare, name);
    keys.forEach((key, at) => texts.set(JSON.stringify(key), JSON.stringify(rows[at])));
  }
  return texts;
}

/**
 * @param {Reading} tx
 * @param {Name} name
 * @param {Map<string, RowKey>} here keys of the second copy; those of rows that are there are taken out
 * @param {Map<string, string>} texts
 * @returns {Promise<Change[]>}
 */
async function changed(tx, name, here, texts) {
  const keys = await tx.objectStore(name).getAllKeys();
  const rows = await tx.objectStore(name).getAll();
  return keys.flatMap((key, at) => {
    const id = JSON.stringify(rowKey(name, key));
    here.delete(id);
    const isSame = isPassing(name, key) || texts.get(id) === JSON.stringify(rows[at]);
    return isSame ? [] : [{ name, key, value: rows[at] }];
  });
}

/**
 * @param {Reading} tx
 * @param {Name} name
 * @param {Map<string, RowKey>} here keys of the second copy; those of rows that are there are taken out
 * @returns {Promise<Change[]>}
 */
async function added(tx, name, here) {
  const store = tx.objectStore(name);
  /** @type {Change[]} */ const changes = [];
  for (const key of await store.getAllKeys()) {
    const isHere = here.delete(JSON.stringify(rowKey(name, key))) || isPassing(name, key);
    if (!isHere) changes.push({ name, key, value: await store.get(/** @type {any} */ (key)) });
  }
  return changes;
}

/**
 * @param {Reading} tx
 * @param {Map<string, RowKey>} here keys of the second copy; those that are right are taken out
 * @returns {Promise<Change[]>}
 */
async function picturesLacking(tx, here) {
  /** @type {Change[]} */ const lacking = [];
  const bytes = new Set((await tx.objectStore("blob_bytes").getAllKeys()).map((key) => JSON.stringify(key)));
  for (const row of await tx.objectStore("blobs").getAll()) {
    const key = [row.device, row.sha256];
    const id = JSON.stringify(rowKey("blob_bytes", key));
    if (isHome(row) || !bytes.has(JSON.stringify(key))) continue;
    if (!here.delete(id)) lacking.push({ name: "blob_bytes", key });
  }
  return lacking;
}
