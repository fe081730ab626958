/**
 * Makes the two copies the same, whichever is right.
 * @module
 */
import { bringBack, join } from "./spare-back.js";
import { matchPictures } from "./spare-pictures.js";
import {
  ALL,
  change,
  isHome,
  isPassing,
  ownKey,
  put,
  readAll,
  rowKey,
  turnOfFirst,
  turnOfSecond,
} from "./spare-rows.js";
import { covers, isSame, readTurn, turnIn, TURN_KEY } from "./turns.js";
import { quiet } from "./whole.js";

/** @import {IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Change, Name} from './changes.js' */
/** @import {Tables} from './schema.js' */
/** @import {First, RowKey, Second} from './spare-rows.js' */

/**
 * Makes the first copy right, where it is not.
 * @param {Second} second
 * @param {First} first
 * @returns {Promise<boolean>} it was not; the second may be behind
 */
export async function rightFirst(second, first) {
  // The second is read before: every turn that it has taken was in the first by then.
  const theirs = await turnOfSecond(second);
  const ours = await turnOfFirst(first);
  if (covers(ours, theirs)) return false;
  if (ours.n > 0 && covers(theirs, ours)) await bringBack(second, first, ours);
  else await join(second, first);
  await matchPictures(second, first, async () => false); // rows came first: they may go home when there is no room for pictures
  return true;
}

/**
 * Makes the second copy like the first, in one transaction; pictures that are copied already stay.
 * @param {Second} second
 * @param {First} first
 * @returns {Promise<boolean>} false: the first is not on top of the second, or something was done meanwhile
 */
export async function level(second, first) {
  const before = await turnOfSecond(second);
  const there = (await readAll(second)).flatMap(({ keys, rows }) =>
    keys.map((key, at) => /** @type {const} */ ([JSON.stringify(key), JSON.stringify(rows[at])])),
  );
  const ours = await readFirst(first);
  if (!covers(ours.turn, before)) return false;
  const texts = new Map(there);
  // A key cannot be looked into: it is the same.
  const changes = ours.rows.filter(({ id, value }) => texts.get(id) !== JSON.stringify(value));
  let isMade = false;
  await change(second, async (tx) => {
    if (!isSame(turnIn(await tx.store.get(rowKey("meta", TURN_KEY))), before)) return;
    const here = await tx.store.getAllKeys();
    await put(tx, [...changes, ...here.filter((key) => !ours.stays(key)).map(gone)]);
    isMade = true;
  });
  return isMade;
}

/** @param {RowKey} key @returns {Change} */
function gone(key) {
  return { name: /** @type {Name} */ (key[0]), key: ownKey(key) };
}

/** @param {First} first */
async function readFirst(first) {
  const tx = first.transaction(ALL, "readonly");
  quiet(tx.done);
  const [turn, ...stores] = await Promise.all([
    readTurn(/** @type {any} */ (tx)),
    ...ALL.map((name) => readStore(tx, name)),
  ]);
  const rows = stores.flat();
  const ids = new Set(rows.map(({ id }) => id));
  for (const { name, key, value } of rows) {
    if (name === "blobs" && !isHome(value)) ids.add(JSON.stringify(rowKey("blob_bytes", key)));
  }
  const own = new Set(/** @type {unknown[]} */ ([...ALL, "blob_bytes"]));
  /** @param {RowKey} key @returns {boolean} also what a later version keeps */
  const stays = (key) => !own.has(key[0]) || ids.has(JSON.stringify(key));
  return { turn, rows, stays };
}

/** @param {IDBPTransaction<Tables, any, 'readonly'>} tx @param {Name} name @returns {Promise<(Change & {id:string, key:IDBValidKey})[]>} but for what is passing */
async function readStore(tx, name) {
  const store = tx.objectStore(name);
  const [keys, rows] = await Promise.all([quiet(store.getAllKeys()), quiet(store.getAll())]);
  return keys
    .map((/** @type {IDBValidKey} */ key, at) => ({
      ...{ name, key, value: rows[at] },
      id: JSON.stringify(rowKey(name, key)),
    }))
    .filter((row) => !isPassing(row));
}
