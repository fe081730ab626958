/** The second copy of the phone's database: what comes back when the browser throws the first away. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { bringBack } from "../../webapp/static/js/storage/spare-rows.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { openDB, wrap } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import { World, collection, deviceOf, picture, sealSome } from "./helpers/world.js";

/** A browser's storage buckets: each has databases of its own. */
class Buckets {
  all = new Map();
  isBroken = false;
  delayMs = 0;

  async open(name) {
    await new Promise((done) => setTimeout(done, this.delayMs));
    if (this.isBroken) throw new DOMException("not now", "UnknownError");
    if (!this.all.has(name)) this.all.set(name, { indexedDB: new IDBFactory() });
    return this.all.get(name);
  }
}

const open = [];
afterEach(() => {
  for (const phone of open.splice(0)) phone.close();
  haveBuckets(undefined);
});

function haveBuckets(storageBuckets) {
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { storageBuckets } });
}

async function worldWithBuckets() {
  const world = await World.make();
  world.buckets = new Buckets();
  haveBuckets(world.buckets);
  return world;
}

async function opened(world, isNew = false) {
  const phone = await (isNew ? world.enrolled() : world.open());
  open.push(phone);
  return phone;
}

/** What Chromium does to a database that it takes for damaged. */
async function throwAway(world) {
  for (const phone of open.splice(0)) phone.close();
  await new Promise((resolve, reject) => {
    const request = globalThis.indexedDB.deleteDatabase(world.databaseName);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
}

async function openSpare(world) {
  const { indexedDB } = await world.buckets.open("baton-spare");
  return wrap(indexedDB.open(world.databaseName));
}

/** The rows of the second copy, by their keys. */
async function rowsOf(world) {
  const db = await openSpare(world);
  const [keys, rows] = await Promise.all([db.getAllKeys("rows"), db.getAll("rows")]);
  db.close();
  return new Map(keys.map((key, at) => [JSON.stringify(key), rows[at]]));
}

async function change(world, work) {
  const db = await openSpare(world);
  const tx = db.transaction("rows", "readwrite");
  work(tx.store);
  await tx.done;
  db.close();
}

/** What was not waited for, as the rows of what is settled, is done. */
const settled = () => new Promise((done) => setTimeout(done, 100));
const named = (rows, name) => [...rows.keys()].filter((key) => key.startsWith(`["${name}"`));

test("a store thrown away comes back with its person, key, queue, pictures and unfinished handover", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.kick("user");
  const sealed = await phone.seal(await collection(phone));
  const draft = await collection(phone, ["F7ANY0M5J7AJ"], [7_000]);
  await phone.saveDraft(draft);
  const before = {
    device: deviceOf(phone),
    counts: await phone.counts(),
    parcels: phone.worklist.parcels.size,
  };
  await throwAway(world);

  const again = await opened(world);
  assert.equal(deviceOf(again), before.device);
  assert.equal(again.identity.keyLost, false);
  assert.deepEqual(await again.counts(), before.counts);
  assert.equal(again.worklist.parcels.size, before.parcels);
  const kept = await again.loadDraft();
  assert.equal(kept.id, draft.id);
  assert.equal((await again.blob(kept.photos[0].sha256)).byteLength, 7_000);
  const next = await again.seal(kept);
  const asked = [];
  world.server.instead = ({ path, search }) => void (path.endsWith("/worklist") && asked.push(search));
  assert.equal((await again.kick("user")).state, "idle");
  assert.equal(asked[0], "", "a list that may lack a change is asked for anew");
  assert.deepEqual([...world.server.events.keys()].sort(), [sealed.id, next.id].sort());
  const { unsent, unsentBlobs } = await again.counts();
  assert.equal(unsent + unsentBlobs, 0);
});

test("what is sent leaves its pictures in the first copy only, and comes back as sent", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { id } = await phone.seal(await collection(phone));
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 2);
  await phone.kick("user");
  await phone.kick("user");
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 0);
  await throwAway(world);

  const again = await opened(world);
  const [handover] = (await again.outbox()).filter((one) => one.id === id);
  assert.equal(handover.state, "safe");
  assert.equal(
    (await again.receiptsOf(id)).length,
    (await again.receiptsOf(id)).filter((one) => one.verified).length,
  );
  assert.equal((await again.receiptsOf(id)).length > 0, true);
  await again.kick("user");
  assert.equal(world.server.events.size, 1);
});

test("somebody removed from the phone does not come back", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const device = deviceOf(phone);
  await phone.seal(await collection(phone));
  const [{ unsent }] = await phone.people.list();
  await phone.people.remove(device, unsent.total);
  assert.deepEqual(
    [...(await rowsOf(world)).keys()].filter((key) => key.includes(device)),
    [],
  );
  await throwAway(world);
  assert.equal((await opened(world)).identity, null);
});

test("a phone that had no second copy gets one, and one that fell behind catches up", async () => {
  const world = await worldWithBuckets();
  world.buckets.isBroken = true;
  const phone = await opened(world, true);
  const sealed = await phone.seal(await collection(phone));
  const thrown = await collection(phone, ["F7ANY0M5J7AJ"], [3_000]);
  await phone.saveDraft(thrown);
  world.buckets.isBroken = false;
  const store = new Store(world.databaseName);
  await store.open();
  await store.level();
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 4);

  world.buckets.isBroken = true;
  await phone.discardDraft(thrown);
  world.buckets.isBroken = false;
  await store.level();
  assert.deepEqual(named(await rowsOf(world), "drafts"), []);
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 2);
  store.close();
  await throwAway(world);
  const again = await opened(world);
  await again.kick("user");
  assert.deepEqual([...world.server.events.keys()], [sealed.id]);
});

test("a store thrown away under an open page is filled again at the next step", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.seal(await collection(phone));
  const { transaction } = globalThis.IDBDatabase.prototype;
  let isLost = true;
  globalThis.IDBDatabase.prototype.transaction = function lost(...args) {
    if (!isLost || this.name !== world.databaseName) return transaction.apply(this, args);
    isLost = false;
    this.close();
    globalThis.indexedDB.deleteDatabase(world.databaseName);
    throw new DOMException("The connection was closed", "UnknownError");
  };
  try {
    const next = await phone.seal(await collection(phone, ["F7ANY0M5J7AJ"]));
    assert.equal(next.seq, 2);
  } finally {
    globalThis.IDBDatabase.prototype.transaction = transaction;
  }
  await phone.kick("user");
  assert.equal(world.server.events.size, 2);
});

test("a second copy that never answers, or refuses, costs nobody their work", async () => {
  for (const [buckets, withinMs] of [
    [{ open: () => new Promise(() => undefined) }, 8_000], // waited for once, at the start
    [{ open: () => Promise.reject(new DOMException("no", "InvalidCharacterError")) }, 3_000],
    [{ open: () => Promise.reject(new TypeError("forbidden")) }, 3_000],
  ]) {
    const world = await worldWithBuckets();
    haveBuckets(buckets);
    const began = Date.now();
    const phone = await opened(world, true);
    const { id } = await phone.seal(await collection(phone));
    await phone.kick("user");
    assert.deepEqual([...world.server.events.keys()], [id]);
    assert.equal(Date.now() - began < withinMs, true);
    phone.close();
  }
});

test("what stands only in the second copy is never taken for something deleted", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { id } = await phone.seal(await collection(phone));
  await throwAway(world);
  world.buckets.isBroken = true; // the bucket does not open at this start: the app is as new
  const without = await opened(world);
  assert.equal(without.identity, null);
  await without.enrol("CODE2", { label: "Connected anew" });
  const behind = new Store(world.databaseName);
  await behind.open();
  world.buckets.isBroken = false;
  await behind.level();
  behind.close();
  assert.equal(named(await rowsOf(world), "events").length, 1);
  const store = new Store(world.databaseName);
  await store.open(); // and at this one it does
  await store.level();
  store.close();
  const later = await opened(world);
  assert.equal(deviceOf(later), deviceOf(without));
  const [other] = (await without.people.list()).filter(({ isCurrent }) => !isCurrent);
  assert.equal(other.unsent.handovers, 1);
  await without.kick("user");
  assert.equal(world.server.events.has(id), true);
});

test("when no room is left the second copy gives up its pictures first", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.storePhoto(picture(9_000), "image/jpeg");
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 1);
  const { put } = globalThis.IDBObjectStore.prototype;
  let isFull = true;
  globalThis.IDBObjectStore.prototype.put = function full(...args) {
    if (isFull && this.name === "blob_bytes") {
      isFull = false;
      throw new DOMException("no room", "QuotaExceededError");
    }
    return put.apply(this, args);
  };
  try {
    await phone.storePhoto(picture(9_500), "image/jpeg");
  } finally {
    globalThis.IDBObjectStore.prototype.put = put;
  }
  const sizes = [...(await rowsOf(world))].filter(([key]) => key.startsWith('["blob_bytes"'));
  assert.deepEqual(
    sizes.map(([, row]) => row.bytes.byteLength),
    [9_500],
  );
});

test("a connection made anew by two at once is filled once, and what came after stays", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.seal(await collection(phone));
  await throwAway(world);
  const [one, two] = [new Store(world.databaseName), new Store(world.databaseName)];
  await Promise.all([one.open(), two.open()]);
  const again = await opened(world);
  const next = await again.seal(await collection(again, ["F7ANY0M5J7AJ"]));
  assert.equal(next.seq, 2);
  [one, two].forEach((store) => store.close());
  await again.kick("user");
  assert.equal(world.server.events.size, 2);
});

test("the second copy has what the first has after a day of everything, in the order it was done", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.kick("user");
  for (let i = 0; i < 5; i += 1) await phone.seal(await collection(phone));
  await phone.kick("user");
  const draft = await collection(phone, ["F7ANY0M5J7AJ"]);
  await phone.saveDraft(draft);
  await phone.discardDraft(draft);
  await phone.enrol("CODE2", { label: "Second" });
  await phone.seal(await collection(phone));
  await phone.kick("user");
  await settled();
  const before = await rowsOf(world);
  const store = new Store(world.databaseName);
  await store.open();
  await store.level();
  store.close();
  assert.deepEqual(await rowsOf(world), before);
});

test("what another tab wrote last, and in part only, is put in order when it comes back", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 2);
  const device = deviceOf(phone);
  await throwAway(world);
  await change(world, (rows) => {
    rows.put({ device, seq: 1, prev: null }, ["chains", device]);
    rows.delete(["outbox", device, 2]);
  });
  const again = await opened(world);
  await sealSome(again, 1);
  await again.kick("user");
  assert.deepEqual(
    [...world.server.events.values()].map(({ payload }) => payload.seq),
    [1, 2, 3],
  );
  assert.equal(
    (await again.outbox()).every(({ state }) => state === "safe"),
    true,
  );
});

test("a database is filled once: what was deleted since does not come back by a tab that is slower", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const stale = await rowsOf(world);
  await phone.discardDraft(draft);
  await change(world, (rows) => {
    for (const [key, row] of stale) rows.put(row, JSON.parse(key));
  });
  const [spare, first] = [await openSpare(world), await openDB(world.databaseName)];
  await bringBack(spare, first);
  [spare, first].forEach((db) => db.close());
  assert.equal(await phone.loadDraft(), null);
});

test("saved is said when the second copy has it too", async () => {
  const world = await worldWithBuckets();
  (await opened(world, true)).close();
  for (const [act, name] of [
    [(phone) => phone.saveDraft(phone.newDraft("attempt", { reason: "nobody_home" })), "drafts"],
    [(phone) => phone.storePhoto(picture(3_000), "image/jpeg"), "blob_bytes"],
    [(phone) => sealSome(phone, 1), "sealed"],
  ]) {
    world.buckets.delayMs = 150;
    await act(await opened(world)); // its first change: the bucket is opened for it
    world.buckets.delayMs = 0;
    assert.equal(named(await rowsOf(world), name).length, 1, name);
  }
});
