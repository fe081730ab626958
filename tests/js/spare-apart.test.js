/** The second copy of the phone's database: the two went apart, because one could not be asked when the other went back. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { flushInBackground } from "../../webapp/static/js/outbox/background.js";
import { join } from "../../webapp/static/js/storage/spare-back.js";
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
import { collection, deviceOf, picture, sealSome } from "./helpers/world.js";

afterEach(closeAll);

const seqsAt = (server) => [...server.events.values()].map(({ payload }) => payload.seq).sort();

/** A phone whose store went back at a start when the second copy could not be asked. */
async function wentBackUnasked(world, work) {
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  const goBack = await snapshot(world);
  await work(phone);
  await goBack();
  world.buckets.isBroken = true;
  return opened(world);
}

test("what was sealed before the store went back, and after, is all sent, each under the number it was given", async () => {
  const world = await worldWithBuckets();
  let draft;
  const behind = await wentBackUnasked(world, async (phone) => {
    await phone.seal(await collection(phone));
    await sealSome(phone, 1);
    draft = await collection(phone, ["RKPAPG5Y48SQ"], [4_000]);
    await phone.saveDraft(draft);
  });
  await sealSome(behind, 1);
  await behind.saveDraft(behind.newDraft("attempt", { reason: "nobody_home" }));
  world.buckets.isBroken = false;

  const again = await opened(world);
  assert.deepEqual(await again.counts().then(({ unsent, headSeq }) => [unsent, headSeq]), [4, 3]);
  assert.equal((await again.storage()).broughtBack.events, 2);
  assert.equal((await again.loadDraft(draft.id)).photos.length, 1);
  const next = await again.seal(await again.loadDraft(draft.id));
  assert.equal(next.seq, 4);
  await again.kick("user");
  assert.deepEqual(seqsAt(world.server), [1, 2, 2, 3, 4]);
  assert.equal((await again.counts()).unsentBlobs, 0);
  await settled();
  await throwAway(world);
  assert.equal((await (await opened(world)).outbox()).length, 5);
});

test("a chain that only the second copy went on with goes on without a fork", async () => {
  const world = await worldWithBuckets();
  const behind = await wentBackUnasked(world, (phone) => sealSome(phone, 2));
  await behind.saveDraft(behind.newDraft("attempt", { reason: "nobody_home" }));
  world.buckets.isBroken = false;
  const again = await opened(world);
  await sealSome(again, 1);
  await again.kick("user");
  assert.deepEqual(seqsAt(world.server), [1, 2, 3, 4]);
  const links = [...world.server.events.values()].sort((a, b) => a.payload.seq - b.payload.seq);
  assert.equal(new Set(links.map(({ payload }) => payload.prev)).size, 4);
});

test("a chain that both went on with goes on from the longer one", async () => {
  const world = await worldWithBuckets();
  const behind = await wentBackUnasked(world, (phone) => sealSome(phone, 1));
  await sealSome(behind, 2);
  world.buckets.isBroken = false;
  const again = await opened(world);
  await sealSome(again, 1);
  await again.kick("user");
  assert.deepEqual(seqsAt(world.server), [1, 2, 2, 3, 4]);
});

test("the same handover sealed on both sides is sent twice, and lost on neither", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const goBack = await snapshot(world);
  const one = await phone.seal(draft);
  await goBack();
  world.buckets.isBroken = true;
  const behind = await opened(world);
  const other = await behind.seal(await behind.loadDraft(draft.id));
  world.buckets.isBroken = false;
  const again = await opened(world);
  await again.kick("user");
  assert.deepEqual([...world.server.events.keys()].sort(), [one.id, other.id].sort());
  assert.equal((await again.counts()).unsent, 0);
});

test("two that join at once do it once, and who is removed then stays removed", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const device = deviceOf(phone);
  await sealSome(phone, 1);
  await phone.kick("user");
  await sealSome(phone, 1);
  await settled();
  await throwAway(world);
  world.buckets.isBroken = true;
  const without = await opened(world);
  await without.enrol("CODE2", { label: "Connected anew" });
  world.buckets.isBroken = false;
  const [one, two] = [new Store(world.databaseName), new Store(world.databaseName)];
  await Promise.all([one.open(), two.open()]);
  [one, two].forEach((store) => store.close());
  const first = await openDB(world.databaseName);
  assert.equal(await first.count("outbox"), 1);
  assert.equal(await first.count("receipts"), 1);
  first.close();
  world.buckets.isBroken = true;
  const still = await opened(world);
  await still.people.remove(device, 1);
  world.buckets.isBroken = false;
  const [second, own] = [await openSpare(world), await openDB(world.databaseName)];
  await join(second, own); // of a tab that was slower
  [second, own].forEach((db) => db.close());
  const last = await opened(world);
  assert.deepEqual(
    (await last.people.list()).map((person) => person.device),
    [deviceOf(without)],
  );
});

test("many starts without the second copy do not make it another line, nor the turn long", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  phone.close();
  world.buckets.isBroken = true;
  for (let start = 0; start < 3; start += 1) {
    const store = new Store(world.databaseName);
    await store.open();
    for (const value of [1, 2]) {
      await store.write(["meta"], (tx) => tx.objectStore("meta").put({ device: "x", name: "beat2", value }));
    }
    store.close();
  }
  world.buckets.isBroken = false;
  const first = await openDB(world.databaseName);
  const { value: turn } = await first.get("meta", ["", "turn"]);
  first.close();
  assert.equal(turn.past.length, 3);
  const again = await opened(world);
  assert.equal((await again.storage()).broughtBack, null);
  await sealSome(again, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 2);
});

test("a connection that is lost while the second copy hangs is opened again within seconds", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const release = await hang(world);
  await sealSome(phone, 1); // waited for, and late
  const { transaction } = globalThis.IDBDatabase.prototype;
  let isLost = true;
  globalThis.IDBDatabase.prototype.transaction = function lost(...args) {
    if (!isLost || this.name !== world.databaseName) return transaction.apply(this, args);
    isLost = false;
    this.close();
    throw new DOMException("The connection was closed", "UnknownError");
  };
  const began = Date.now();
  try {
    await sealSome(phone, 1);
  } finally {
    globalThis.IDBDatabase.prototype.transaction = transaction;
  }
  assert.equal(Date.now() - began < 8_000, true);
  await release();
});

test("the worker sends nothing that only the first copy has", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  phone.close();
  world.buckets.isBroken = true;
  const without = await opened(world);
  await sealSome(without, 1);
  without.close();
  world.buckets.isBroken = false;
  let had = null;
  await flushInBackground({
    fetch: async (...request) => {
      had ??= named(await rowsOf(world), "sealed").length;
      return world.server.fetch(...request);
    },
    locks: world.locks,
    now: () => (world.time += 1),
    random: () => 0.5,
    base: "https://baton.test",
    databaseName: world.databaseName,
    storageManager: null,
    auto: false,
    pause: async (ms) => void (world.time += ms),
  });
  assert.equal(had, 1);
  assert.equal(world.server.events.size, 1);
});

test("pictures that were given up for room are copied again when there is some", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.storePhoto(picture(3_000), "image/jpeg");
  const store = new Store(world.databaseName);
  await store.open();
  assert.equal(await store.giveRoom(), true);
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 0);
  await store.level();
  assert.equal(named(await rowsOf(world), "blob_bytes").length, 1);
  store.close();
});

test("what the second copy refuses is told to nobody but itself", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const unheard = [];
  const listen = (error) => unheard.push(error);
  process.on("unhandledRejection", listen);
  const { put, get } = globalThis.IDBObjectStore.prototype;
  const failing = (original, how) =>
    function failed(...args) {
      if (this.name !== "rows") return original.apply(this, args);
      return how(this, () => original.apply(this, args));
    };
  const aborts = (store, ask) => {
    const request = ask();
    store.transaction.abort();
    return request;
  };
  let puts = 0;
  const throwsLater = (_store, ask) => {
    puts += 1;
    if (puts % 3 === 0) throw new DOMException("no room", "QuotaExceededError");
    return ask();
  };
  try {
    for (const [name, original, how] of [
      ["put", put, aborts],
      ["get", get, aborts],
      ["put", put, throwsLater],
    ]) {
      globalThis.IDBObjectStore.prototype[name] = failing(original, how);
      await sealSome(phone, 1);
      await phone.kick("user");
      globalThis.IDBObjectStore.prototype[name] = original;
    }
    await settled();
  } finally {
    Object.assign(globalThis.IDBObjectStore.prototype, { put, get });
    process.off("unhandledRejection", listen);
  }
  assert.deepEqual(unheard, []);
  await sealSome(phone, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 4);
});
