/** A browser with storage buckets, and ways to lose the first copy of a phone's database. */
import { IDBFactory } from "fake-indexeddb";
import { openDB, wrap } from "../../../webapp/static/vendor/idb-8.0.4/index.js";
import { World } from "./world.js";

/** A browser's storage buckets: each has databases of its own. */
export class Buckets {
  all = new Map();
  isBroken = false;
  delayMs = 0;

  async open(name) {
    await new Promise((done) => setTimeout(done, this.delayMs));
    if (this.isBroken) throw new DOMException("not now", "UnknownError");
    if (!this.all.has(name)) this.all.set(name, { indexedDB: new IDBFactory() });
    return this.all.get(name);
  }

  async keys() {
    return [...this.all.keys()];
  }
}

/** Phones that a test opened. */
export const open = [];

export function closeAll() {
  for (const phone of open.splice(0)) phone.close();
  haveBuckets(undefined);
}

export function haveBuckets(storageBuckets) {
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { storageBuckets } });
}

export async function worldWithBuckets() {
  const world = await World.make();
  world.buckets = new Buckets();
  haveBuckets(world.buckets);
  return world;
}

export async function opened(world, isNew = false) {
  const phone = await (isNew ? world.enrolled() : world.open());
  open.push(phone);
  return phone;
}

/** What Chromium does to a database that it takes for damaged. */
export async function throwAway(world) {
  for (const phone of open.splice(0)) phone.close();
  await new Promise((resolve, reject) => {
    const request = globalThis.indexedDB.deleteDatabase(world.databaseName);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
}

export async function openSpare(world) {
  const { indexedDB } = await world.buckets.open("baton-spare");
  return wrap(indexedDB.open(world.databaseName));
}

/** The rows of the second copy, by their keys. */
export async function rowsOf(world) {
  const db = await openSpare(world);
  const [keys, rows] = await Promise.all([db.getAllKeys("rows"), db.getAll("rows")]);
  db.close();
  return new Map(keys.map((key, at) => [JSON.stringify(key), rows[at]]));
}

export async function change(world, work) {
  const db = await openSpare(world);
  const tx = db.transaction("rows", "readwrite");
  work(tx.store);
  await tx.done;
  db.close();
}

/** What was not waited for, as the rows of what is settled, is done. */
export const settled = () => new Promise((done) => setTimeout(done, 100));
export const named = (rows, name) => [...rows.keys()].filter((key) => key.startsWith(`["${name}"`));

/** All rows of the first copy, and a way to make it what it was, as LevelDB does that reads up to a torn record only. */
export async function snapshot(world) {
  const db = await openDB(world.databaseName);
  const names = [...db.objectStoreNames];
  const rows = await Promise.all(names.map(async (name) => [name, await db.getAll(name)]));
  db.close();
  return async () => {
    for (const phone of open.splice(0)) phone.close();
    const back = await openDB(world.databaseName);
    const tx = back.transaction(names, "readwrite");
    for (const [name, kept] of rows) {
      await tx.objectStore(name).clear();
      for (const row of kept) await tx.objectStore(name).put(row);
    }
    await tx.done;
    back.close();
  };
}

/** Nobody else reads or writes the second copy until it is released. */
export async function hang(world) {
  const db = await openSpare(world);
  const tx = db.transaction("rows", "readwrite");
  let isHanging = true;
  const again = () => isHanging && tx.store.get(["hang"]).then(again);
  void again();
  return async () => {
    isHanging = false;
    await tx.done;
    db.close();
  };
}
