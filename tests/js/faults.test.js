/** What storage and clocks do to a phone: full, broken, without a key, in 1970 and in 2099. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problem } from "./helpers/fake_server.js";
import { PhoneError } from "../../webapp/static/js/domain/problems.js";
import { beginAnew, isBroken } from "../../webapp/static/js/outbox/stores.js";
import { readJws } from "../../webapp/static/js/outbox/keys.js";
import { setMeta } from "../../webapp/static/js/storage/meta.js";
import { Shelf } from "../../webapp/static/js/storage/shelf.js";
import { CODES, World, collection, deviceOf, picture, sealSome, storeOf } from "./helpers/world.js";

const DAY = 86_400_000;

/** localStorage of one phone. */
class FakeStorage {
  kept = new Map();
  getItem = (name) => this.kept.get(name) ?? null;
  setItem = (name, value) => void this.kept.set(name, value);
}

/** Fails what is asked of IndexedDB until `mend`; `what` says which calls: (name, ...args) => DOMException|null. */
function breaking(prototype, method, what) {
  const original = prototype[method];
  prototype[method] = function broken(...args) {
    const error = what(this, ...args);
    if (error) throw error;
    return original.apply(this, args);
  };
  return () => {
    prototype[method] = original;
  };
}

/** The names of the databases that will not open. */
function refusing(...names) {
  return breaking(globalThis.IDBFactory.prototype, "open", (_, name) =>
    names.includes(name) ? new DOMException("Internal error opening backing store", "UnknownError") : null,
  );
}

const full = () => new DOMException("full", "QuotaExceededError");

test("a full phone refuses the photo and takes the scan; full at the event, nothing is half and the draft stays", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, [CODES[0]]);
  await phone.saveDraft(draft);
  const stores = (...names) =>
    breaking(globalThis.IDBObjectStore.prototype, "put", (store) =>
      names.includes(store.name) ? full() : null,
    );
  let mend = stores("blob_bytes");
  await assert.rejects(phone.storePhoto(picture(9_000), "image/jpeg"), { code: "storage-full" });
  draft.scans.push({ ...draft.scans[0], code: CODES[1] });
  assert.equal(await phone.saveDraft(draft), true);
  mend();
  mend = stores("chains");
  await assert.rejects(
    phone.seal(draft),
    (error) => error.code === "storage-full" && /Delete/.test(error.detail),
  );
  mend();
  assert.deepEqual(await phone.outbox(), []);
  const kept = await phone.loadDraft();
  assert.equal(kept.scans.length, 2);
  const { seq } = await phone.seal(kept);
  assert.equal(seq, 1);
  await phone.kick("user");
  assert.equal(world.server.audit(assert).length, 1);
  phone.close();
});

test("a key that is gone stops nobody: what is sealed without it says so", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 1);
  const db = await new Promise((resolve) => {
    const request = globalThis.indexedDB.open(world.databaseName);
    request.onsuccess = () => resolve(request.result);
  });
  await new Promise((resolve) => {
    const tx = db.transaction("keys", "readwrite");
    tx.objectStore("keys").clear();
    tx.oncomplete = resolve;
  });
  db.close();
  await sealSome(phone, 1);
  assert.equal(phone.identity.keyLost, true);
  assert.deepEqual(
    (await phone.outbox()).map(({ seq, signed }) => [seq, signed]),
    [
      [2, false],
      [1, true],
    ],
  );
  phone.close();
});

test("a store that will not open is left as it is: a new one beside it, and the server is told", async () => {
  const world = await World.make();
  const shelf = new Shelf(new FakeStorage());
  const options = { databaseName: undefined, shelf };
  const phone = await world.enrolled(options);
  const first = deviceOf(phone);
  world.server.instead = () => new Response("<html>", { status: 200 });
  await phone.seal(await collection(phone, [CODES[0]]));
  phone.close();
  const mend = refusing("baton");
  const failed = await world.open(options).catch((error) => error);
  assert.equal(failed.code, "storage-unavailable");
  assert.ok(isBroken(failed));
  assert.deepEqual(await beginAnew(failed, shelf), { name: "baton-2", isCopied: false });
  world.server.instead = null;
  const next = await world.open(options);
  assert.equal(next.identity, null);
  await next.enrol("CODE2", { label: "x" });
  await sealSome(next, 1);
  await next.kick("user");
  const { storage_lost: lost } = world.server.bodies.at(-1).queue;
  assert.deepEqual(
    lost.map(({ name, why }) => [name, why]),
    [["baton", "UnknownError"]],
  );
  assert.equal(next.lostStores.length, 1);

  // it opens again: what was in it goes home under its own name
  mend();
  const late = await world.open({ ...options, auto: true });
  let shown = 1;
  late.addEventListener("changed", () => (shown = late.lostStores.length));
  late.start();
  for (let i = 0; i < 200 && shown > 0; i += 1) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(late.lostStores, []);
  assert.equal(shown, 0, "and the pages hear of it");
  const devices = new Set(world.server.audit(assert).map(({ device }) => device));
  assert.deepEqual(devices, new Set([first, deviceOf(next)]));
  assert.equal(world.server.blobs.size, 2);
  await next.kick("user");
  world.time += 700_000;
  await next.kick("user");
  assert.equal(world.server.bodies.at(-1).queue.storage_lost, undefined);
  [next, late].forEach((one) => one.close());
});

test("where a new store does not open either, the old one stays the one in use", async () => {
  const shelf = new Shelf(new FakeStorage());
  const mend = refusing("baton", "baton-2", "baton-3");
  const error = new PhoneError("storage-unavailable", "no");
  await assert.rejects(beginAnew(error, shelf), { code: "storage-unavailable" });
  mend();
  assert.deepEqual(shelf.read(), { current: "baton", lost: [] });
  await assert.rejects(
    beginAnew(error, new Shelf(null)),
    { code: "storage-unavailable" },
    "nothing can be noted",
  );
});

for (const [name, time] of [
  ["1970", Date.parse("1970-01-01T00:00:05.000Z")],
  ["2099", Date.parse("2099-12-31T23:00:00.000Z")],
]) {
  test(`a phone whose clock says ${name} seals, says how far it is off, and sends everything at once`, async () => {
    const world = await World.make();
    const right = world.time;
    world.server.now = () => right;
    world.time = time;
    const phone = await world.enrolled();
    await phone.kick("user");
    await phone.seal(await collection(phone));
    const state = await phone.kick("seal");
    assert.equal(state.problem, null);
    const [event] = [...world.server.events.values()];
    assert.ok(Math.abs(Date.parse(event.payload.at) + event.payload.offset_ms - right) < 1_000);
    assert.equal((await phone.outbox())[0].state, "safe");
    phone.close();
  });
}

// by an hour the wait a server asked for seems longer, and the timer ends it, which does not go by the clock
for (const [name, jump, reason] of [
  ["back fifty years", -50 * 365 * DAY, "seal"],
  ["back an hour", -3_600_000, "due"],
  ["on to 2099", 73 * 365 * DAY, "seal"],
]) {
  for (const locks of [undefined, null]) {
    test(`a clock that jumps ${name} in mid-shift makes nothing wait${locks === null ? ", by lease too" : ""}`, async () => {
      const world = await World.make({ locks });
      const phone = await world.enrolled();
      await sealSome(phone, 1);
      await phone.kick("user");
      world.server.instead = ({ path }) =>
        path === "/sync/v1/events" ? problem(503, "busy", { "Retry-After": "30" }) : undefined;
      await sealSome(phone, 1);
      await phone.seal(await collection(phone));
      await phone.kick("user");
      world.time += jump;
      world.server.instead = null;
      await sealSome(phone, 1);
      await phone.kick(reason);
      assert.deepEqual(await phone.counts(), { ...(await phone.counts()), unsent: 0, unsentBlobs: 0 });
      assert.equal(world.server.audit(assert).length, 4);
      phone.close();
    });
  }
}

test("a lease that a dead tab took before the clock went back does not hold the line for years", async () => {
  const world = await World.make({ locks: null });
  const phone = await world.enrolled();
  await sealSome(phone, 1);
  await setMeta(storeOf(world), "", "lease", { owner: "a dead tab", until: world.time + 180_000 });
  await phone.kick("user");
  assert.equal(world.server.events.size, 0, "it may be alive still");
  world.time -= 50 * 365 * DAY;
  await phone.kick("user");
  assert.equal(world.server.events.size, 1);
  phone.close();
});

test("a clock that jumps to 2099 and back lets go of nothing early, and of everything in time", async () => {
  const world = await World.make();
  const right = world.time;
  let passed = 0;
  world.server.now = () => right + passed;
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.kick("user");
  world.time += 73 * 365 * DAY;
  await sealSome(phone, 1);
  await phone.kick("user");
  assert.equal((await phone.outbox()).length, 2, "by the server's clock they are new");
  world.time = right + 8 * DAY;
  passed = 8 * DAY;
  await phone.kick("user");
  assert.equal((await phone.outbox()).length, 2);
  world.time = right + 15 * DAY;
  passed = 15 * DAY;
  await phone.kick("user");
  assert.equal((await phone.outbox()).length, 0);
  phone.close();
});

const noNetwork = () => Promise.reject(new TypeError("Failed to fetch"));

test("a clock that runs ahead with no network lets go of nothing that is kept for a while", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.kick("user");
  world.server.instead = noNetwork;
  world.time += 30 * DAY;
  await phone.kick("start");
  assert.equal((await phone.outbox()).length, 1);
  phone.close();
});

test("a phone that is days behind keeps the photo of a handover that is not saved yet", async () => {
  const world = await World.make();
  world.server.skew = 3 * DAY;
  const phone = await world.enrolled();
  const draft = await collection(phone);
  await phone.kick("user");
  assert.ok(await phone.blob(draft.photos[0].sha256));
  await phone.seal(draft);
  phone.close();
});

test("a phone that slept in the middle of a hello takes no measure of its clock from it", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.kick("user");
  for (const [sleep, skew] of [
    [3_600_000, 0],
    [-3_600_000, 0],
    [100, 5_000],
  ]) {
    world.time += 700_000;
    world.server.skew = skew;
    world.server.after = async ({ path }, response) => {
      if (path === "/sync/v1/hello") world.time += sleep;
      return response;
    };
    await phone.kick("user");
    world.server.after = null;
    const { id } = await phone.seal(await collection(phone));
    const { offset_ms } = readJws(await phone.eventJws(id)).payload;
    assert.ok(Math.abs(offset_ms - skew) < 100, `${sleep}: ${offset_ms}`);
  }
  phone.close();
});

test("a store that fails at the end of a round leaves no engine that says it is sending", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 1);
  let isDead = false;
  phone.addEventListener("sync", ({ detail }) => (isDead ||= detail.state === "sending"));
  const mend = breaking(globalThis.IDBDatabase.prototype, "transaction", () =>
    isDead ? new DOMException("the disk is gone", "NotReadableError") : null,
  );
  const state = await phone.kick("user");
  assert.equal(state.state, "idle");
  assert.ok(state.nextAt, "and it is known when it is tried again");
  assert.equal(phone.syncState.state, "idle");
  mend();
  isDead = false;
  await phone.kick("user");
  assert.equal(world.server.events.size, 1);
  phone.close();
});

test("a phone whose date is days off knows the office's day, offline and after a start too", async () => {
  for (const skew of [3 * DAY, -3 * DAY]) {
    const world = await World.make();
    world.server.now = () => world.time + skew;
    const phone = await world.enrolled();
    await phone.kick("user");
    const isRight = (one) => Math.abs(one.officeTime(world.time) - world.time - skew) < 1_000;
    assert.ok(isRight(phone));
    phone.close();
    world.server.instead = noNetwork;
    world.time += DAY;
    const next = await world.open();
    assert.ok(isRight(next));
    if (skew < 0) {
      world.time -= 4 * DAY; // somebody has set it right
      assert.ok(Math.abs(next.officeTime(world.time) - world.time) < 1_000);
    }
    next.close();
  }
});
