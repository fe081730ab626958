/**
 * What stands in the second copy: one row for each of the first, under its store's name and its key there, as they were
 * after some turn. Of pictures it has those that the office has not.
 * @module
 */

/** @import {IDBPDatabase, IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {BlobRow} from '../domain/types.js' */
/** @import {Change, Name} from './changes.js' */
/** @import {BytesRow, IdentityRow, MetaRow, Tables} from './schema.js' */

/** @typedef {IDBValidKey[]} RowKey the store's name, then the parts of the row's key in it */
/** @typedef {{rows:{key:RowKey, value:unknown}}} Rows */
/** @typedef {IDBPDatabase<Rows>} Second */
/** @typedef {IDBPDatabase<Tables>} First */
/** How many transactions changed a database since it was made; `id` tells one that was made anew from the one before. @typedef {{id:string, n:number}} Turn */
/** @typedef {IDBPTransaction<Tables, Name[], 'readwrite'>} Whole */

const TURN_KEY = /** @type {[string, string]} */ (["", "turn"]);
/** All but the bytes of pictures. */
const ALL = /** @type {Name[]} */ ([
  ...["identities", "keys", "chains", "drafts", "events", "sealed", "outbox", "blobs", "receipts"],
  ...["parcels", "runs", "tasks", "notices", "meta"],
]);
/** Of one moment, of one tab, or of one copy. */
const PASSING = new Set(["lease", "heartbeat", "beat", "brought"]);
/** @type {Name[]} */ const WHOLE = [...ALL, "blob_bytes"];
const AT_ONCE = 8; // pictures in memory
const FIRST_TURN = 2; // never the next of nothing: what the first copy had before its turns were counted is levelled first
const NO_TURN = { id: "", n: 0 };

/** @param {Change} change @returns {boolean} it is not worth a second copy */
export function isPassing({ name, key }) {
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

/** @param {RowKey} key @returns {any} of the row in its own store */
function ownKey([, ...parts]) {
  return parts.length > 1 ? parts : parts[0];
}

/** @param {string} name @returns {IDBKeyRange} every row of that store */
function rowsOf(name) {
  return IDBKeyRange.bound([name], [name, []]); // an array sorts after every string and number
}

/** @param {Name} name @param {IDBValidKey|IDBKeyRange} key @returns {RowKey|IDBKeyRange} */
function hereOf(name, key) {
  if (!(key instanceof IDBKeyRange)) return rowKey(name, key);
  return IDBKeyRange.bound(rowKey(name, key.lower), rowKey(name, key.upper), key.lowerOpen, key.upperOpen);
}

/** @param {unknown} row of `meta` @returns {Turn} */
function turnIn(row) {
  return /** @type {Turn|undefined} */ (/** @type {MetaRow|undefined} */ (row)?.value) ?? NO_TURN;
}

/** @param {Second} second @returns {Promise<Turn>} */
export async function turnOfSecond(second) {
  return turnIn(await second.get("rows", rowKey("meta", TURN_KEY)));
}

/** @param {First} first @returns {Promise<Turn>} */
export async function turnOfFirst(first) {
  return turnIn(await first.get("meta", TURN_KEY));
}

/**
 * Counts this transaction of the first copy.
 * @param {IDBPTransaction<Tables, any, 'readwrite'>} tx over `meta`, among others
 * @returns {Promise<void>}
 */
export async function countTurn(tx) {
  const meta = tx.objectStore("meta");
  const { id, n } = turnIn(await meta.get(TURN_KEY));
  const [device, name] = TURN_KEY;
  await meta.put({
    device,
    name,
    value: { id: id || globalThis.crypto.randomUUID(), n: Math.max(n, FIRST_TURN - 1) + 1 },
  });
}

/**
 * Makes the changes of one transaction, if it is the next.
 * @param {Second} second
 * @param {Change[]} changes in their order, the turn among them
 * @returns {Promise<'made'|'was made'|'not the next'>} when they are durable
 */
export async function follow(second, changes) {
  const turn = turnIn(changes.findLast(({ name, key }) => isTurn(name, key))?.value);
  const tx = second.transaction("rows", "readwrite", { durability: "strict" });
  const here = turnIn(await tx.store.get(rowKey("meta", TURN_KEY)));
  if (here.id === turn.id && here.n >= turn.n) return "was made";
  if (here.n !== turn.n - 1 || (here.n > 0 && here.id !== turn.id)) return "not the next";
  await put(tx, changes);
  return "made";
}

/** @param {Name} name @param {unknown} key @returns {boolean} */
function isTurn(name, key) {
  return name === "meta" && Array.isArray(key) && key[1] === TURN_KEY[1];
}

/**
 * @param {IDBPTransaction<Rows, ['rows'], 'readwrite'>} tx
 * @param {Change[]} changes all made, in their order, or none
 * @returns {Promise<void>} when they are durable
 */
async function put(tx, changes) {
  try {
    const asked = changes.flatMap(({ name, key, value }) => {
      if (value === undefined) return [tx.store.delete(hereOf(name, key))];
      const row = tx.store.put(value, rowKey(name, /** @type {IDBValidKey} */ (key)));
      if (name !== "blobs" || !isHome(value)) return [row];
      return [row, tx.store.delete(hereOf("blob_bytes", key))];
    });
    await Promise.all([...asked, tx.done]);
  } catch (error) {
    try {
      tx.abort();
    } catch {
      // it has ended by itself already
    }
    await tx.done.catch(() => undefined);
    throw error;
  }
}

/**
 * Pictures that the office wants again are copied again.
 * @param {Second} second
 * @param {First} first
 * @param {Change[]} changes that were made
 * @param {() => Promise<boolean>} hasRoom for them
 * @returns {Promise<void>}
 */
export async function copyWanted(second, first, changes, hasRoom) {
  for (const { name, key, value } of changes) {
    if (name !== "blobs" || value === undefined || isHome(value)) continue;
    const here = rowKey("blob_bytes", /** @type {IDBValidKey} */ (key));
    if ((await second.count("rows", here)) > 0 || !(await hasRoom())) continue;
    await copyPicture(second, first, here);
  }
}

/** @param {Second} second @param {First} first @param {RowKey} here */
async function copyPicture(second, first, here) {
  const bytes = await first.get("blob_bytes", ownKey(here));
  if (bytes) await second.put("rows", bytes, here);
}

/**
 * Takes out of the second copy the pictures that the first one has as well.
 * @param {Second} second
 * @param {First} first
 * @returns {Promise<number>} how many
 */
export async function dropPictures(second, first) {
  let dropped = 0;
  for (const key of await second.getAllKeys("rows", rowsOf("blob_bytes"))) {
    if ((await first.count("blob_bytes", ownKey(key))) === 0) continue;
    await second.delete("rows", key);
    dropped += 1;
  }
  return dropped;
}

/**
 * Makes the second copy like the first, in one transaction but for the pictures, which come before.
 * @param {Second} second
 * @param {First} first
 * @param {() => Promise<boolean>} hasRoom for another copy of the pictures
 * @returns {Promise<boolean>} false: something was done meanwhile, and nothing is made; ask again
 */
export async function level(second, first, hasRoom) {
  const before = await turnOfSecond(second);
  const here = new Map((await second.getAllKeys("rows")).map((key) => [JSON.stringify(key), key]));
  const texts = await textsIn(second);
  const tx = first.transaction(WHOLE, "readonly");
  const found = await Promise.all(ALL.map((name) => readStore(tx, name)));
  const pictures = await tx.objectStore("blob_bytes").getAllKeys();
  await tx.done;
  const bytes = new Map(pictures.map((key) => [JSON.stringify(rowKey("blob_bytes", key)), key]));
  /** @type {Change[]} */ const changes = [];
  for (const { name, key, row } of found.flat()) {
    const id = JSON.stringify(rowKey(name, key));
    const isHere = here.delete(id);
    const isSame = isHere && texts.get(id) === JSON.stringify(row); // a key cannot be looked into: it is the same
    if (!isSame) changes.push({ name, key, value: row });
    if (name !== "blobs" || isHome(row)) continue;
    await matchPicture(second, first, { key: rowKey("blob_bytes", key), here, bytes, hasRoom });
  }
  const writing = second.transaction("rows", "readwrite", { durability: "strict" });
  const now = turnIn(await writing.store.get(rowKey("meta", TURN_KEY)));
  if (now.id !== before.id || now.n !== before.n) return false;
  const gone = [...here.values()].filter(([name]) => WHOLE.includes(/** @type {Name} */ (name))); // a later version's stay
  await put(writing, [
    ...changes,
    ...gone.map((key) => ({ name: /** @type {Name} */ (key[0]), key: ownKey(key) })),
  ]);
  return true;
}

/**
 * A picture that is not home is in both copies, whichever has it.
 * @param {Second} second
 * @param {First} first
 * @param {{key:RowKey, here:Map<string, RowKey>, bytes:Map<string, IDBValidKey>, hasRoom:() => Promise<boolean>}} about
 */
async function matchPicture(second, first, { key, here, bytes, hasRoom }) {
  const id = JSON.stringify(key);
  const isHere = here.delete(id);
  if (isHere && !bytes.has(id)) {
    const kept = /** @type {BytesRow} */ (await second.get("rows", key));
    await first.put("blob_bytes", kept);
  } else if (!isHere && bytes.has(id) && (await hasRoom())) {
    await copyPicture(second, first, key);
  }
}

/** @param {IDBPTransaction<Tables, any, 'readonly'>} tx @param {Name} name @returns {Promise<{name:Name, key:IDBValidKey, row:unknown}[]>} but for what is passing */
async function readStore(tx, name) {
  const store = tx.objectStore(name);
  const [keys, rows] = await Promise.all([store.getAllKeys(), store.getAll()]);
  return keys
    .map((key, at) => ({ name, key: /** @type {IDBValidKey} */ (key), row: rows[at] }))
    .filter(({ key }) => !isPassing({ name, key }));
}

/** @param {Second} second @returns {Promise<Map<string, string>>} what stands in its rows, by key */
async function textsIn(second) {
  const texts = new Map();
  for (const name of ALL) {
    const [keys, rows] = await Promise.all([
      second.getAllKeys("rows", rowsOf(name)),
      second.getAll("rows", rowsOf(name)),
    ]);
    keys.forEach((key, at) => texts.set(JSON.stringify(key), JSON.stringify(rows[at])));
  }
  return texts;
}

/**
 * Makes the first copy, which was thrown away or went back, what the second is.
 * @param {Second} second
 * @param {First} first
 * @param {Turn} from the first copy's turn, which must still be it
 * @returns {Promise<void>}
 */
export async function bringBack(second, first, from) {
  const pictures = await bringPictures(second, first);
  const found = await Promise.all(
    ALL.map(async (name) => ({ name, rows: await second.getAll("rows", rowsOf(name)) })),
  );
  await allOrNothing(first, async (tx) => {
    const now = turnIn(await tx.objectStore("meta").get(TURN_KEY));
    if (now.id !== from.id || now.n !== from.n) return;
    for (const { name, rows } of found) {
      const store = tx.objectStore(name);
      await store.clear();
      for (const row of rows) await store.put(/** @type {any} */ (row));
    }
    const events = found.find(({ name }) => name === "outbox")?.rows.length ?? 0;
    await noteBrought(tx, events, pictures);
  });
}

/**
 * @param {First} first
 * @param {(tx: Whole) => Promise<void>} work over all of it but pictures; when it fails, nothing of it is done
 * @returns {Promise<void>} when it is durable
 */
async function allOrNothing(first, work) {
  const tx = /** @type {Whole} */ (
    /** @type {unknown} */ (first.transaction(ALL, "readwrite", { durability: "strict" }))
  );
  const ended = tx.done.then(
    () => null,
    (error) => error ?? new DOMException("aborted", "AbortError"),
  );
  try {
    await work(tx);
  } catch (error) {
    try {
      tx.abort();
    } catch {
      // it has ended by itself already
    }
    await ended;
    throw error;
  }
  const failed = await ended;
  if (failed) throw failed;
}

/** @param {Whole} tx @param {number} events @param {number} pictures */
async function noteBrought(tx, events, pictures) {
  const value = { at: new Date().toISOString(), events, pictures };
  await tx.objectStore("meta").put({ device: "", name: "brought", value });
}

/**
 * Takes over the people of a database that was thrown away, when a new one was begun before that was known.
 * @param {Second} second
 * @param {First} first
 * @returns {Promise<void>} the second copy is not changed: `level` makes it like the first then
 */
export async function merge(second, first) {
  const people = /** @type {IdentityRow[]} */ (await second.getAll("rows", rowsOf("identities")));
  const known = new Set(await first.getAllKeys("identities"));
  const devices = new Set(people.map(({ device }) => device).filter((device) => !known.has(device)));
  if (devices.size === 0) return;
  const pictures = await bringPictures(second, first);
  const found = await Promise.all(
    ALL.map(async (name) => ({ name, rows: await second.getAll("rows", rowsOf(name)) })),
  );
  await allOrNothing(first, async (tx) => {
    // Another tab may have taken them over, and gone on, since they were read.
    for (const device of await tx.objectStore("identities").getAllKeys()) devices.delete(device);
    if (devices.size === 0) return;
    let events = 0;
    for (const { name, rows } of found) {
      for (const row of /** @type {any[]} */ (rows)) {
        if (!devices.has(row.device)) continue;
        if (name === "receipts") delete row.n; // another may have its number here
        await tx.objectStore(name).put(row);
        events += name === "outbox" ? 1 : 0;
      }
    }
    await noteBrought(tx, events, pictures);
    await countTurn(tx);
  });
}

/** @param {Second} second @param {First} first @returns {Promise<number>} how many there are */
async function bringPictures(second, first) {
  const keys = await second.getAllKeys("rows", rowsOf("blob_bytes"));
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    const some = keys.slice(from, from + AT_ONCE);
    const counted = await Promise.all(some.map((key) => first.count("blob_bytes", ownKey(key))));
    const absent = some.filter((_, at) => counted[at] === 0);
    const rows = await Promise.all(absent.map((key) => second.get("rows", key)));
    const tx = first.transaction("blob_bytes", "readwrite", { durability: "strict" });
    await Promise.all([...rows.map((row) => tx.store.put(/** @type {BytesRow} */ (row))), tx.done]);
  }
  return keys.length;
}
