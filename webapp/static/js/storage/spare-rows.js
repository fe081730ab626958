/**
 * What stands in the second copy: one row for each of the first, under its store's name and its key there, as they were
 * after some turn. Of pictures it has those that the office has not.
 * @module
 */
import { answered } from "./patience.js";
import { covers, isNext, isTurn, turnIn, TURN_KEY } from "./turns.js";
import { look, quiet, whole } from "./whole.js";

/** @import {IDBPDatabase, IDBPObjectStore, IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {BlobRow} from '../domain/types.js' */
/** @import {Change, Name} from './changes.js' */
/** @import {Tables} from './schema.js' */
/** @import {Turn} from './turns.js' */

/** @typedef {IDBValidKey[]} RowKey the store's name, then the parts of the row's key in it */
/** @typedef {{rows:{key:RowKey, value:unknown}}} Rows */
/** @typedef {IDBPDatabase<Rows>} Second */
/** @typedef {IDBPDatabase<Tables>} First */
/** @typedef {IDBPTransaction<Rows, ['rows'], 'readwrite'>} Writing */
/** Rows of one store. @typedef {{name:Name, rows:unknown[]}} Kept */

/** All but the bytes of pictures. */
export const ALL = /** @type {Name[]} */ ([
  ...["identities", "keys", "chains", "drafts", "events", "sealed", "outbox", "blobs", "receipts"],
  ...["parcels", "runs", "tasks", "notices", "meta"],
]);
/** Of one moment, of one tab, or of one copy. */
const PASSING = new Set(["lease", "heartbeat", "beat", "brought"]);

/** @param {Change} change @returns {boolean} it is not worth a second copy */
export function isPassing({ name, key }) {
  if (name === "keys") return key === ""; // the probe
  return name === "meta" && Array.isArray(key) && PASSING.has(String(key[1]));
}

/** @param {unknown} row of `blobs` @returns {boolean} the office has the picture, or nobody has */
export function isHome(row) {
  const { state } = /** @type {BlobRow} */ (row);
  return state === "held" || state === "lost";
}

/** @param {Name} name @param {IDBValidKey} key @returns {RowKey} */
export function rowKey(name, key) {
  return [name, ...(Array.isArray(key) ? key : [key])];
}

/** @param {RowKey} key @returns {any} of the row in its own store */
export function ownKey([, ...parts]) {
  return parts.length > 1 ? parts : parts[0];
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
 * @template R
 * @param {Second} second
 * @param {(store: IDBPObjectStore<Rows, ['rows'], 'rows', 'readonly'>) => Promise<R>} work
 * @returns {Promise<R>}
 * @throws {DOMException} `TimeoutError`: it does not answer
 */
export function ask(second, work) {
  return answered(look(second, "rows", work));
}

/** @param {Second} second @returns {Promise<Turn>} */
export async function turnOfSecond(second) {
  return turnIn(await ask(second, (store) => store.get(rowKey("meta", TURN_KEY))));
}

/** @param {First} first @returns {Promise<Turn>} */
export async function turnOfFirst(first) {
  return turnIn(await look(first, "meta", (store) => store.get(TURN_KEY)));
}

/** @param {Second} second @returns {Promise<(Kept & {keys:RowKey[]})[]>} all but the bytes of pictures, of one moment */
export async function readAll(second) {
  return ask(second, (store) =>
    Promise.all(
      ALL.map(async (name) => {
        const asked = [quiet(store.getAllKeys(rowsOf(name))), quiet(store.getAll(rowsOf(name)))];
        const [keys, rows] = /** @type {[RowKey[], unknown[]]} */ (await Promise.all(asked));
        return { name, keys, rows };
      }),
    ),
  );
}

/** @param {Second} second @param {(tx: Writing) => Promise<void>} work @returns {Promise<void>} when it is durable */
export function change(second, work) {
  return whole(second.transaction("rows", "readwrite", { durability: "strict" }), work);
}

/**
 * Makes the changes of one transaction, if it is the next.
 * @param {Second} second
 * @param {Change[]} changes in their order, the turn among them
 * @returns {Promise<'made'|'was made'|'not the next'>} when they are durable
 */
export async function follow(second, changes) {
  const turn = turnIn(changes.findLast(({ name, key }) => isTurn(name, key))?.value);
  /** @type {'made'|'was made'|'not the next'} */ let how = "made";
  await change(second, async (tx) => {
    const here = turnIn(await tx.store.get(rowKey("meta", TURN_KEY)));
    if (here.n > 0 && covers(here, turn)) how = "was made";
    else if (!isNext(turn, here)) how = "not the next";
    else await put(tx, changes);
  });
  return how;
}

/**
 * @param {Writing} tx
 * @param {Change[]} changes made in their order
 * @returns {Promise<void>}
 */
export async function put(tx, changes) {
  await Promise.all(
    changes.flatMap(({ name, key, value }) => {
      if (value === undefined) return [quiet(tx.store.delete(hereOf(name, key)))];
      const row = quiet(tx.store.put(value, rowKey(name, /** @type {IDBValidKey} */ (key))));
      if (name !== "blobs" || !isHome(value)) return [row];
      return [row, quiet(tx.store.delete(hereOf("blob_bytes", key)))];
    }),
  );
}
