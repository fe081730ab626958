/** The second copy of the phone's database: how it keeps up with the first, and what it may cost. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { listBlobs, patchBlob } from "../../webapp/static/js/storage/blobs.js";
import { level } from "../../webapp/static/js/storage/spare-level.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { openDB } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import {
  change,
  closeAll,
  hang,
  haveBuckets,
  named,
  open,
  openSpare,
  opened,
  rowsOf,
  settled,
  throwAway,
  worldWithBuckets,
} from "./helpers/buckets.js";
import { World, collection, deviceOf, picture, sealSome } from "./helpers/world.js";

afterEach(closeAll);

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
  let removing = null;
  const meanwhile = async (asked) => {
    const read = await asked;
    removing ??= other.people.remove(deviceOf(other), null); // its own turn makes the second copy like the first
    await removing;
    return read;
  };
  const slow = (store) => ({
    get: (key) => store.get(key),
    getAll: () => meanwhile(store.getAll()),
    getAllKeys: () => meanwhile(store.getAllKeys()),
  });
  const reading = (tx) => ({ done: tx.done, objectStore: (name) => slow(tx.objectStore(name)) });
  const isMade = await level(second, {
    get: (...asked) => first.get(...asked),
    transaction: (...asked) => reading(first.transaction(...asked)),
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

test("a phone whose turns were not counted yet has all of it in the second copy after its next change", async () => {
  const world = await World.make();
  const phone = await opened(world, true);
  await phone.seal(await collection(phone));
  world.buckets = (await worldWithBuckets()).buckets;
  const later = await opened(world);
  await sealSome(later, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 2);
  assert.equal(named(await rowsOf(world), "keys").length, 1);
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 2);
});
