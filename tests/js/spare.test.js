/** The second copy of the phone's database: what comes back when the browser loses the first. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { bringBack } from "../../webapp/static/js/storage/spare-back.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { openDB } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import {
  closeAll,
  hang,
  named,
  openSpare,
  opened,
  rowsOf,
  settled,
  snapshot,
  throwAway,
  worldWithBuckets,
} from "./helpers/buckets.js";
import { collection, deviceOf, sealSome } from "./helpers/world.js";

afterEach(closeAll);

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
  assert.equal((await again.storage()).broughtBack.events, 0);
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

test("a row that cannot be put undoes the whole bringing back", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 2);
  const [second, first] = [await openSpare(world), await openDB(world.databaseName)];
  await second.put("rows", null, ["outbox", "x", 9]);
  const { value: from } = await first.get("meta", ["", "turn"]);
  await assert.rejects(bringBack(second, first, from));
  assert.equal(await first.count("outbox"), 2);
  [second, first].forEach((db) => db.close());
});
