/** The second copy of the phone's database: what comes back when the browser throws the first away. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { listBlobs, patchBlob } from "../../webapp/static/js/storage/blobs.js";
import { bringBack, level } from "../../webapp/static/js/storage/spare-rows.js";
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
  assert.equal((await again.kick("user")).state, "idle");
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

/** All rows of the first copy, and a way to make it what it was, as LevelDB does that reads up to a torn record only. */
async function snapshot(world) {
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

test("a store that is silently what it was before is made again what it was last", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  const goBack = await snapshot(world);
  const sealed = await phone.seal(await collection(phone));
  await phone.kick("user");
  const unsent = await phone.seal(await collection(phone, ["F7ANY0M5J7AJ"]));
  const draft = await collection(phone, ["RKPAPG5Y48SQ"]);
  await phone.saveDraft(draft);
  const before = await phone.counts();
  await goBack();

  const again = await opened(world);
  assert.deepEqual(await again.counts(), before);
  assert.equal((await again.loadDraft()).id, draft.id);
  assert.equal((await again.outbox()).find(({ id }) => id === sealed.id).state, "safe");
  const next = await again.seal(await again.loadDraft());
  assert.equal(next.seq, unsent.seq + 1);
  await again.kick("user");
  assert.deepEqual([...world.server.events.values()].map(({ payload }) => payload.seq).sort(), [1, 2, 3, 4]);
  assert.equal((await again.storage()).broughtBack.events, 1);
});

test("a change that the second copy refused is in it after all", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { put } = globalThis.IDBObjectStore.prototype;
  for (const failures of [1, 5]) {
    let left = failures;
    globalThis.IDBObjectStore.prototype.put = function refusing(...args) {
      if (this.name === "rows" && left-- > 0) throw new DOMException("no room", "QuotaExceededError");
      return put.apply(this, args);
    };
    try {
      await sealSome(phone, 1); // refused once: tried again at once; for good: with the next change
    } finally {
      globalThis.IDBObjectStore.prototype.put = put;
    }
  }
  await sealSome(phone, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 3);
  await throwAway(world);
  const again = await opened(world);
  assert.equal((await again.counts()).headSeq, 3);
});

test("a levelling in one tab does not undo what another tab does meanwhile", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  world.buckets.isBroken = true;
  phone.close();
  const without = await opened(world);
  await without.storePhoto(picture(3_000), "image/jpeg");
  world.buckets.isBroken = false;
  const other = await opened(world);
  const [second, first] = [await openSpare(world), await openDB(world.databaseName)];
  const isMade = await level(second, first, async () => {
    await other.people.remove(deviceOf(other), null); // its own turn makes the second copy like the first
    return true;
  });
  [second, first].forEach((db) => db.close());
  assert.equal(isMade, false);
  assert.equal(named(await rowsOf(world), "identities").length, 0);
});

test("a phone whose second copy came late was never lost, and who was removed meanwhile stays removed", async () => {
  const world = await worldWithBuckets();
  world.buckets.isBroken = true;
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  world.buckets.isBroken = false;
  await sealSome(phone, 1);
  phone.close();
  const later = await opened(world);
  assert.equal((await later.storage()).broughtBack, null);
  world.buckets.isBroken = true;
  const without = await opened(world);
  const [{ device, unsent }] = await without.people.list();
  await without.people.remove(device, unsent.total);
  world.buckets.isBroken = false;
  const last = await opened(world);
  assert.deepEqual(await last.people.list(), []);
});

test("the receipts of a phone that was taken over by a new connection are kept beside its own", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { id } = await phone.seal(await collection(phone));
  await phone.kick("user");
  const device = deviceOf(phone);
  await settled();
  await throwAway(world);
  world.buckets.isBroken = true;
  const without = await opened(world);
  await without.enrol("CODE2", { label: "Connected anew" });
  await sealSome(without, 1);
  await without.kick("user");
  world.buckets.isBroken = false;
  const both = await opened(world);
  const [{ id: newer }] = await both.outbox();
  assert.equal((await both.receiptsOf(newer)).length, 1);
  await both.people.switchTo(device);
  assert.equal((await both.receiptsOf(id)).length, 1);
});

test("a picture that the office wants again is in the second copy again", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.seal(await collection(phone));
  await phone.kick("user");
  await settled();
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 0);
  const store = new Store(world.databaseName);
  await store.open();
  const [row] = await listBlobs(store, deviceOf(phone));
  await patchBlob(store, deviceOf(phone), row.sha256, { state: "wanted" });
  await settled();
  store.close();
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 1);
});

/** Nobody else reads or writes the second copy until it is released. */
async function hang(world) {
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

test("a second copy that hangs at its first answer keeps the app from opening for some seconds only", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  await throwAway(world);
  const release = await hang(world);
  const began = Date.now();
  await opened(world);
  assert.equal(Date.now() - began < 10_000, true);
  await release();
  const again = await opened(world);
  assert.equal((await again.counts()).unsent, 1);
});

test("one failed answer of the second copy does not show a phone that was never connected", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  await throwAway(world);
  const { getAll } = globalThis.IDBObjectStore.prototype;
  let left = 1;
  globalThis.IDBObjectStore.prototype.getAll = function failing(...args) {
    if (this.name === "rows" && left-- > 0) throw new DOMException("lost", "UnknownError");
    return getAll.apply(this, args);
  };
  try {
    assert.equal((await (await opened(world)).counts()).unsent, 1);
  } finally {
    globalThis.IDBObjectStore.prototype.getAll = getAll;
  }
});

test("a photo for which there is no room takes that of the second copy's", async () => {
  const world = await worldWithBuckets();
  let usage = 10_000_000;
  const storageManager = {
    estimate: async () => ({ usage, quota: 100_000_000 }),
    persisted: async () => false,
  };
  const phone = await opened(world, true);
  await phone.storePhoto(picture(90_000), "image/jpeg");
  phone.close();
  const full = await world.open({ storageManager });
  open.push(full);
  usage = 78_900_000; // once more fits above what scans need, twice does not
  await full.storePhoto(picture(100_000), "image/jpeg");
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 1, "the one before was given up");
  usage = 78_990_000;
  await assert.rejects(full.storePhoto(picture(100_000), "image/jpeg"), { code: "storage-full" });
});

test("a picture that only the second copy has is never given up for room", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { sha256 } = await phone.storePhoto(picture(3_000), "image/jpeg");
  const db = await openDB(world.databaseName);
  await db.delete("blob_bytes", [deviceOf(phone), sha256]);
  db.close();
  const store = new Store(world.databaseName);
  await store.open();
  assert.equal(await store.giveRoom(), false);
  store.close();
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 1);
});

test("levelling makes rows the same, brings a picture back, and leaves what a later version keeps", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  await phone.saveDraft({ ...draft, note: "as it is now" });
  const device = deviceOf(phone);
  const before = await rowsOf(world);
  const [{ sha256 }] = draft.photos;
  await change(world, (rows) => {
    rows.put({ device, id: draft.id, draft, savedAt: 1 }, ["drafts", device, draft.id]);
    rows.put(1, ["a later version's", device]);
    const turn = before.get('["meta","","turn"]');
    rows.put({ ...turn, value: { ...turn.value, n: turn.value.n - 1 } }, ["meta", "", "turn"]);
  });
  const db = await openDB(world.databaseName);
  await db.delete("blob_bytes", [device, sha256]);
  const store = new Store(world.databaseName);
  await store.open();
  await store.level();
  store.close();
  assert.equal((await db.get("blob_bytes", [device, sha256])).bytes.byteLength, 5_000);
  db.close();
  const after = await rowsOf(world);
  assert.equal(after.get('["a later version\'s","' + device + '"]'), 1);
  after.delete('["a later version\'s","' + device + '"]');
  assert.deepEqual(after, before);
});

test("a second copy that was late is level again with the next change", async () => {
  const world = await worldWithBuckets();
  (await opened(world, true)).close();
  const phone = await opened(world);
  await phone.saveDraft(phone.newDraft("attempt", { reason: "nobody_home" }));
  const release = await hang(world);
  const began = Date.now();
  await sealSome(phone, 1);
  assert.equal(Date.now() - began >= 2_900, true, "it was waited for");
  await sealSome(phone, 1);
  assert.equal(Date.now() - began < 3_500, true, "and not a second time");
  await release();
  await settled();
  await sealSome(phone, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 3);
});

test("a database is filled once: what was deleted since does not come back by a tab that is slower", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const first = await openDB(world.databaseName);
  const { value: from } = await first.get("meta", ["", "turn"]);
  await phone.discardDraft(draft);
  const second = await openSpare(world);
  await second.put("rows", { device: "x", id: "x", draft, savedAt: 1 }, ["drafts", "x", "x"]);
  await bringBack(second, first, from);
  assert.equal(await first.count("drafts"), 0);
  [second, first].forEach((db) => db.close());
});

test("saved is said when the second copy has it too", async () => {
  const world = await worldWithBuckets();
  (await opened(world, true)).close();
  const phone = await opened(world);
  for (const act of [
    () => phone.saveDraft(phone.newDraft("attempt", { reason: "nobody_home" })),
    () => phone.storePhoto(picture(3_000), "image/jpeg"),
    () => sealSome(phone, 1),
    () => phone.enrol("CODE2", { label: "Second" }),
  ]) {
    const release = await hang(world);
    const began = Date.now();
    setTimeout(release, 300);
    await act();
    assert.equal(Date.now() - began >= 280, true, String(act));
  }
});
