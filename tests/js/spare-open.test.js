/** The second copy of the phone's database: two that went apart are joined under a page that is open. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Store } from "../../webapp/static/js/storage/store.js";
import { openDB } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import {
  closeAll,
  hang,
  named,
  opened,
  rowsOf,
  settled,
  snapshot,
  throwAway,
  worldWithBuckets,
} from "./helpers/buckets.js";
import { collection, deviceOf, picture, sealSome } from "./helpers/world.js";

afterEach(closeAll);

test("a page that shows one side of a handover cannot save it over both", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const draft = await collection(phone, ["F7ANY0M5J7AJ"], []);
  await phone.saveDraft(draft);
  const goBack = await snapshot(world);
  const [scan] = draft.scans;
  await phone.saveDraft({ ...draft, scans: [scan, { ...scan, code: "RKPAPG5Y48SQ" }] });
  await goBack();
  world.buckets.isBroken = true;
  const page = await opened(world);
  const shown = await page.loadDraft(draft.id);
  shown.scans.push({ ...scan, code: "3ZSQC4M9ZGCB" });
  await page.saveDraft(shown);
  world.buckets.isBroken = false;
  await page.kick("user");
  await assert.rejects(page.saveDraft(shown), { code: "draft-elsewhere" });
  await assert.rejects(page.seal(shown), { code: "draft-elsewhere" });
  assert.equal((await page.loadDraft(draft.id)).scans.length, 3);
});

test("people who come back in a round are shown at once, signal or not", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  const device = deviceOf(phone);
  await throwAway(world);
  world.buckets.isBroken = true;
  const page = await opened(world);
  assert.equal(page.identity, null);
  world.buckets.isBroken = false;
  world.server.instead = () => {
    throw new TypeError("network");
  };
  await page.kick("user");
  await settled();
  assert.equal(page.identity.device, device);
});

test("a number given three times keeps nobody from sealing", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 4);
  const goBack = await snapshot(world);
  await sealSome(phone, 1);
  for (let time = 0; time < 3; time += 1) {
    await goBack();
    world.buckets.isBroken = true;
    await sealSome(await opened(world), 1);
    world.buckets.isBroken = false;
    await (await opened(world)).kick("offline"); // the copies are made the same, and all is sent
  }
  const last = await opened(world);
  await sealSome(last, 2);
  await last.kick("user");
  const seqs = [...world.server.events.values()].map(({ payload }) => payload.seq);
  assert.deepEqual(seqs.sort(), [1, 2, 3, 4, 5, 5, 5, 5, 6, 7]);
});

test("who signed out stays signed out", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const goBack = await snapshot(world);
  await sealSome(phone, 1);
  await goBack();
  world.buckets.isBroken = true;
  await (await opened(world)).people.signOut();
  world.buckets.isBroken = false;
  const later = await opened(world);
  assert.equal(later.identity, null);
  await later.kick("user");
  assert.equal(world.server.events.size, 1);
});

test("a full phone gets its people and handovers back, and sends pictures from the second copy", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { id } = await phone.seal(await collection(phone));
  await throwAway(world);
  const { put } = globalThis.IDBObjectStore.prototype;
  globalThis.IDBObjectStore.prototype.put = function full(...args) {
    if (this.name === "blob_bytes") throw new DOMException("no room", "QuotaExceededError");
    return put.apply(this, args);
  };
  try {
    const again = await opened(world);
    await again.kick("user");
    assert.deepEqual([...world.server.events.keys()], [id]);
    assert.equal((await again.counts()).unsentBlobs, 0);
    assert.equal((await again.outbox())[0].state, "safe");
  } finally {
    globalThis.IDBObjectStore.prototype.put = put;
  }
});

test("a picture is not told as lost because the second copy does not answer just then", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { id } = await phone.seal(await collection(phone));
  await settled();
  const first = await openDB(world.databaseName);
  await first.clear("blob_bytes");
  first.close();
  phone.close();
  const again = await opened(world);
  const release = await hang(world);
  await again.kick("user");
  assert.equal(await again.blob("any"), null);
  await release();
  await settled();
  assert.deepEqual([...world.server.events.keys()], [id], "and no loss was sealed");
  const { now } = globalThis.performance;
  globalThis.performance.now = () => now.call(globalThis.performance) + 61_000;
  try {
    world.time += 240_000;
    await again.kick("user");
    assert.equal((await again.counts()).unsentBlobs, 2, "it is asked again by the time");
    world.time += 61_000;
    await again.kick("user");
  } finally {
    globalThis.performance.now = now;
  }
  assert.equal((await again.outbox())[0].state, "safe");
});

test("when room is short a round reads no more than it must", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.storePhoto(picture(3_000), "image/jpeg");
  await phone.storePhoto(picture(3_000), "image/jpeg");
  const { storageBuckets } = globalThis.navigator;
  let estimates = 0;
  const estimate = async () => {
    estimates += 1;
    return { usage: 99, quota: 100 };
  };
  const value = { storageBuckets, storage: { estimate } };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value });
  const store = new Store(world.databaseName);
  await store.open();
  await store.giveRoom();
  await store.level();
  const { getAll } = globalThis.IDBObjectStore.prototype;
  let reads = 0;
  globalThis.IDBObjectStore.prototype.getAll = function counted(...args) {
    if (this.name === "rows") reads += 1;
    return getAll.apply(this, args);
  };
  estimates = 0;
  try {
    await store.level();
  } finally {
    globalThis.IDBObjectStore.prototype.getAll = getAll;
  }
  store.close();
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 0);
  assert.deepEqual({ reads, estimates }, { reads: 0, estimates: 1 });
});

test("a second copy that gave no answer is asked again by the first save a minute later", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  phone.close();
  await settled();
  world.buckets.delayMs = 4_500;
  const page = await opened(world);
  world.buckets.delayMs = 0;
  await sealSome(page, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 0);
  const { now } = globalThis.performance;
  globalThis.performance.now = () => now.call(globalThis.performance) + 61_000;
  try {
    await page.saveDraft(page.newDraft("attempt", { reason: "nobody_home" }));
  } finally {
    globalThis.performance.now = now;
  }
  assert.equal(named(await rowsOf(world), "sealed").length, 1);
});
