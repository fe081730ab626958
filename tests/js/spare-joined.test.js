/** The second copy of the phone's database: what is left of two copies that went apart, and of what was on its way. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { restId } from "../../webapp/static/js/domain/draft.js";
import { listBlobs } from "../../webapp/static/js/storage/blobs.js";
import { existingNames } from "../../webapp/static/js/storage/shelf.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { openDB } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import {
  change,
  closeAll,
  hang,
  haveBuckets,
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

/** A handover that was begun in both copies, went on in the second as `work` does, and is as begun in the first. */
async function begunInBoth(work) {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const draft = await collection(phone, ["F7ANY0M5J7AJ"], []);
  await phone.saveDraft(draft);
  const goBack = await snapshot(world);
  const done = await work(phone, draft);
  await goBack();
  world.buckets.isBroken = true;
  const behind = await opened(world);
  return { world, behind, draft, done };
}

/** The same draft, further on. */
async function goOn(phone, draft, code, size) {
  const scans = [...draft.scans, { code, raw: code, verdict: "known", at: "", typed: false, override: null }];
  const photo = {
    ...(await phone.storePhoto(picture(size), "image/jpeg")),
    role: "photo",
    parcel: null,
  };
  await phone.saveDraft({ ...draft, scans, photos: [...draft.photos, photo] });
}

test("a handover that went on in both has the parcels and photos of both", async () => {
  const { world, behind, draft } = await begunInBoth((phone, begun) =>
    goOn(phone, begun, "RKPAPG5Y48SQ", 4_000),
  );
  await goOn(behind, await behind.loadDraft(draft.id), "3ZSQC4M9ZGCB", 3_000);
  world.buckets.isBroken = false;
  const again = await opened(world);
  const kept = await again.loadDraft(draft.id);
  assert.deepEqual(kept.scans.map(({ code }) => code).sort(), [
    "3ZSQC4M9ZGCB",
    "F7ANY0M5J7AJ",
    "RKPAPG5Y48SQ",
  ]);
  const sizes = await Promise.all(
    kept.photos.map(async ({ sha256 }) => (await again.blob(sha256)).byteLength),
  );
  assert.deepEqual(sizes.sort(), [3_000, 4_000]);
  await again.seal(kept);
  assert.equal((await again.kick("user")).state, "idle");
});

test("what was sealed in one copy is no unfinished handover of the other", async () => {
  const { world, behind } = await begunInBoth((phone, begun) => phone.seal(begun));
  await behind.saveDraft(behind.newDraft("attempt", { reason: "nobody_home" }));
  world.buckets.isBroken = false;
  const again = await opened(world);
  assert.equal(await again.loadDraft(), null);
  await again.kick("user");
  assert.equal((await again.people.list())[0].unsent.total, 0);
});

test("what one copy did after the other had sealed goes on as a handover of its own", async () => {
  const { world, behind, draft } = await begunInBoth((phone, begun) => phone.seal(begun));
  await goOn(behind, await behind.loadDraft(draft.id), "3ZSQC4M9ZGCB", 3_000);
  world.buckets.isBroken = false;
  const again = await opened(world);
  const rest = await again.loadDraft();
  assert.equal(rest.id, restId(draft.id)); // another tab that seals the old one goes on with this one too
  assert.deepEqual(
    rest.scans.map(({ code }) => code),
    ["3ZSQC4M9ZGCB"],
  );
  assert.equal(rest.photos.length, 1);
  assert.equal(rest.signature, null);
});

test("what was sealed in the one goes on with what the other did beyond it", async () => {
  const { world, behind, draft } = await begunInBoth((phone, begun) =>
    goOn(phone, begun, "RKPAPG5Y48SQ", 4_000),
  );
  await behind.seal(await behind.loadDraft(draft.id));
  world.buckets.isBroken = false;
  const rest = await (await opened(world)).loadDraft();
  assert.deepEqual(
    rest.scans.map(({ code }) => code),
    ["RKPAPG5Y48SQ"],
  );
  assert.equal(rest.photos.length, 1);
});

test("what went on with the rest already has what the other copy did beyond it as well", async () => {
  const { world, behind, draft } = await begunInBoth((phone, begun) =>
    goOn(phone, begun, "RKPAPG5Y48SQ", 4_000),
  );
  await behind.seal(await behind.loadDraft(draft.id));
  const rest = { ...behind.newDraft("collect", { id: restId(draft.id) }), scans: [], photos: [] };
  await goOn(behind, rest, "3ZSQC4M9ZGCB", 3_000);
  world.buckets.isBroken = false;
  const kept = await (await opened(world)).loadDraft(restId(draft.id));
  assert.deepEqual(kept.scans.map(({ code }) => code).sort(), ["3ZSQC4M9ZGCB", "RKPAPG5Y48SQ"]);
  assert.equal(kept.photos.length, 2);
});

test("the office's receipts, and what a picture is, come with what only the second copy knew", async () => {
  const { world, behind, done } = await begunInBoth(async (phone, begun) => {
    const sealed = await phone.seal(begun);
    await phone.kick("user");
    await settled();
    return sealed;
  });
  await sealSome(behind, 1);
  world.buckets.isBroken = false;
  const again = await opened(world);
  assert.equal((await again.receiptsOf(done.id)).length > 0, true);
  const store = new Store(world.databaseName);
  await store.open();
  assert.deepEqual(
    (await listBlobs(store, deviceOf(again))).map(({ role, state }) => [role, state]),
    [["signature", "held"]],
  );
  store.close();
});

test("of a person who was removed no picture stays when the store goes back", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.saveDraft(await collection(phone));
  const goBack = await snapshot(world);
  await phone.people.remove(deviceOf(phone), 1);
  await goBack();
  const again = await opened(world);
  assert.equal(again.identity, null);
  const first = await openDB(world.databaseName);
  assert.equal(await first.count("blob_bytes"), 0);
  first.close();
});

test("what was written without a turn is in the second copy after the next start", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  const older = new Store(world.databaseName, { spare: null }); // a page of a version that knew of no second copy
  await older.open();
  await older.write(["drafts"], (tx) =>
    tx.objectStore("drafts").put({
      ...{ device: deviceOf(phone), id: "d", savedAt: 1 },
      draft: { ...phone.newDraft("attempt", {}), scans: [{ code: "F7ANY0M5J7AJ" }] },
    }),
  );
  older.close();
  await sealSome(phone, 1);
  phone.close();
  const later = await opened(world);
  await later.kick("user");
  assert.equal(named(await rowsOf(world), "drafts").length, 1);
});

test("what was done while the second copy was late is in it as soon as it answers", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const release = await hang(world);
  await sealSome(phone, 2);
  await release();
  await settled();
  await settled();
  assert.equal(named(await rowsOf(world), "sealed").length, 2);
});

test("a turn that the first lost, still on its way, is not taken for one made since", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  const goBack = await snapshot(world);
  const { value: lost } = (await rowsOf(world)).get('["meta","","turn"]');
  await change(world, (rows) => {
    rows.put({ device: "", name: "turn", value: { ...lost, n: lost.n + 1 } }, ["meta", "", "turn"]);
  });
  await goBack();
  const again = await opened(world); // it is behind by one, and brought back
  const first = await openDB(world.databaseName);
  const { value: now } = await first.get("meta", ["", "turn"]);
  first.close();
  assert.notEqual(now.id, lost.id);
  assert.equal((await again.counts()).headSeq, 1);
});

test("a database of which only the second copy is left is known by its name", async () => {
  const storage = await worldWithBuckets();
  const store = new Store("baton-2");
  await store.open();
  await store.write(["meta"], (tx) => tx.objectStore("meta").put({ device: "x", name: "y", value: 1 }));
  store.close();
  await throwAway({ databaseName: "baton-2" });
  assert.deepEqual(await existingNames(), ["baton-2"]);
  haveBuckets({ open: async () => Promise.reject(new TypeError("forbidden")) });
  assert.deepEqual(await existingNames(), []);
  storage.buckets.all.clear();
});

test("a second copy that stops answering in the middle of coming back holds the app up for seconds", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await sealSome(phone, 1);
  await throwAway(world);
  const { getAll } = globalThis.IDBObjectStore.prototype;
  globalThis.IDBObjectStore.prototype.getAll = function hanging(...args) {
    const request = getAll.apply(this, args);
    if (this.name === "rows") request.addEventListener = () => undefined;
    return request;
  };
  const began = Date.now();
  try {
    await opened(world);
  } finally {
    globalThis.IDBObjectStore.prototype.getAll = getAll;
  }
  assert.equal(Date.now() - began < 12_000, true);
  assert.equal((await (await opened(world)).counts()).unsent, 1);
});

test("a transaction's changes are made in their order", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const store = new Store(world.databaseName);
  await store.open();
  const row = (value) => ({ device: "x", name: "y", value });
  await store.write(["meta"], async (tx) => {
    const meta = tx.objectStore("meta");
    await meta.put(row(1));
    await meta.delete(globalThis.IDBKeyRange.bound(["x"], ["x", []]));
    await meta.put(row(2));
    await meta.put({ ...row(3), name: "z" });
    await meta.delete(["x", "z"]);
  });
  await settled();
  store.close();
  phone.close();
  const second = await openSpare(world);
  assert.equal((await second.get("rows", ["meta", "x", "y"])).value, 2);
  assert.equal(await second.count("rows", ["meta", "x", "z"]), 0);
  second.close();
});
