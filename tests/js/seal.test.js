/** Sealing and what is stored before it: drafts, pictures, keys, room. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { CODES, World, collection, picture, sha256 } from "./helpers/world.js";
import { Flow } from "../../webapp/static/js/pages/flow.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { isSignedBy, readJws } from "../../webapp/static/js/outbox/keys.js";

test("a sealed handover reaches the server signed, chained, with its pictures, once", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  assert.equal(phone.identity.signed, true);
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const sealed = await phone.seal(draft);
  assert.equal(sealed.seq, 1);
  assert.equal(await phone.loadDraft(), null);
  const jws = await phone.eventJws(sealed.id);
  assert.equal(sha256(jws), sealed.sha256);
  const parts = readJws(jws);
  assert.deepEqual(Object.keys(parts.header), ["alg", "kid", "typ"]);
  const [{ jwk }] = world.server.devices.values();
  assert.ok(await isSignedBy(webcrypto.subtle, jwk, parts));
  assert.deepEqual(await phone.counts(), {
    unsent: 1,
    unsentBlobs: 2,
    oldestAt: parts.payload.at,
    headSeq: 1,
    othersUnsent: 0,
    othersUnsentBlobs: 0,
  });

  const second = await phone.seal(await collection(phone, [CODES[4]]));
  const state = await phone.kick("user");
  assert.equal(state.state, "idle");
  assert.equal(state.problem, null);
  const [one, two] = world.server.audit(assert);
  assert.equal(one.id, sealed.id);
  assert.equal(two.prev, sealed.sha256);
  assert.equal(two.id, second.id);
  assert.equal(world.server.blobs.size, 4);
  const [newest, oldest] = await phone.outbox();
  assert.deepEqual(
    [newest.seq, oldest.seq, oldest.state, oldest.photosHeld, oldest.photosTotal],
    [2, 1, "safe", 2, 2],
  );
  assert.ok(oldest.receiptAt);
  assert.deepEqual(await phone.counts(), {
    unsent: 0,
    unsentBlobs: 0,
    oldestAt: null,
    headSeq: 2,
    othersUnsent: 0,
    othersUnsentBlobs: 0,
  });
  phone.close();
});

test("sealing the same draft twice, even at once, makes one event", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  const both = await Promise.all([phone.seal(draft), phone.seal(draft)]);
  assert.deepEqual(both[0], both[1]);
  assert.deepEqual(await phone.seal(draft), both[0]);
  await phone.saveDraft(draft);
  assert.equal(await phone.loadDraft(), null, "a late save does not bring the draft back");
  assert.equal((await phone.outbox()).length, 1);
  phone.close();
});

test("two tabs sealing at the same time get different places in one chain", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const other = await world.open();
  const drafts = [];
  for (let i = 0; i < 8; i += 1) drafts.push(await collection(i % 2 ? phone : other, [CODES[i % 6]]));
  const sealed = await Promise.all(drafts.map((draft, i) => (i % 2 ? phone : other).seal(draft)));
  assert.deepEqual(
    sealed.map(({ seq }) => seq).sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  await Promise.all([phone.kick("user"), other.kick("user")]);
  await phone.kick("user");
  assert.equal(world.server.audit(assert).length, 8);
  phone.close();
  other.close();
});

test("what a second tab added to a handover sealed in the first is not swallowed", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const other = await world.open();
  const draft = await collection(phone, CODES.slice(0, 2));
  const more = structuredClone(draft);
  more.scans.push({ ...more.scans[0], code: CODES[2], raw: CODES[2] });
  const photo = { ...(await other.storePhoto(picture(900), "image/jpeg")), role: "photo", parcel: null };
  more.photos.push(photo);
  await phone.seal(draft);
  assert.equal(await other.saveDraft(more), false, "it is said that nothing was saved");
  await assert.rejects(other.seal(more), ({ code, cause }) => {
    assert.equal(code, "sealed-elsewhere");
    assert.deepEqual([cause.scans.map((scan) => scan.code), cause.photos], [[CODES[2]], [photo]]);
    return true;
  });
  const rest = new Flow(other);
  rest.draft = more;
  await assert.rejects(rest.seal(), { code: "sealed-elsewhere" });
  rest.draft.photos = [photo];
  assert.equal((await other.seal(rest.draft)).seq, 2, "it goes on as a handover of its own");
  phone.close();
  other.close();
});

test("a tab that is behind does not overwrite what another went on with", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const other = await world.open();
  const taken = await other.loadDraft();
  taken.scans.pop();
  assert.equal(await other.saveDraft(taken), true);
  assert.equal(await other.saveDraft(taken), true, "a tab is never behind itself");
  await assert.rejects(phone.saveDraft(draft), { code: "draft-elsewhere" });
  assert.equal((await phone.loadDraft()).scans.length, taken.scans.length);
  assert.equal(await phone.saveDraft(await phone.loadDraft()), true, "once read again it goes on here");
  phone.close();
  other.close();
});

test("the room kept for scans is not given to photos", async () => {
  const world = await World.make();
  const storageManager = {
    estimate: async () => ({ usage: 95e6, quota: 110e6 }),
    persisted: async () => false,
  };
  const phone = await world.enrolled({ storageManager });
  await assert.rejects(phone.storePhoto(picture(200_000), "image/jpeg"), { code: "storage-full" });
  const draft = await collection(phone, CODES.slice(0, 2), []);
  assert.equal((await phone.seal(draft)).seq, 1);
  assert.equal((await phone.storage()).photosLeft, 0);
  phone.close();
});

test("a browser that will not say how much room there is stops neither photos nor sending", async () => {
  const world = await World.make();
  const no = () => Promise.reject(new TypeError("no estimate"));
  const phone = await world.enrolled({ storageManager: { estimate: no, persisted: no } });
  await phone.storePhoto(picture(200_000), "image/jpeg");
  await phone.seal(await collection(phone));
  assert.equal((await phone.kick("user")).problem, null);
  assert.equal((await phone.counts()).unsent, 0);
  assert.equal((await phone.storage()).photosLeft, null);
  phone.close();
});

test("nothing is sealed over a picture that is not in the store", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  draft.photos[0].sha256 = "0".repeat(64);
  await phone.saveDraft(draft);
  await assert.rejects(phone.seal(draft), { code: "blob-missing" });
  assert.deepEqual((await phone.loadDraft()).id, draft.id);
  assert.equal((await phone.counts()).headSeq, 0);
  phone.close();
});

test("a phone that cannot keep a key works unsigned, and says so", async () => {
  const world = await World.make();
  const write = Store.prototype.write;
  Store.prototype.write = function refuseKeys(names, work) {
    if (names.length === 1 && names[0] === "keys") {
      return Promise.reject(new DOMException("no", "DataCloneError"));
    }
    return write.call(this, names, work);
  };
  const phone = await world.enrolled();
  Store.prototype.write = write;
  assert.equal(phone.identity.signed, false);
  const { id } = await phone.seal(await collection(phone));
  assert.deepEqual(readJws(await phone.eventJws(id)).header, { alg: "none", typ: "baton-event+jws" });
  await phone.kick("user");
  assert.equal((await phone.outbox())[0].state, "safe");
  phone.close();
});

test("the clock's offset is measured at the middle of the request and signed into events", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const first = await phone.seal(await collection(phone));
  assert.equal(readJws(await phone.eventJws(first.id)).payload.offset_ms, null);
  world.server.skew = -412_000;
  await phone.kick("user");
  const second = await phone.seal(await collection(phone, [CODES[5]]));
  const { offset_ms } = readJws(await phone.eventJws(second.id)).payload;
  assert.ok(Math.abs(offset_ms + 412_000) < 50 && Number.isInteger(offset_ms), String(offset_ms));
  phone.close();
});

test("a discarded draft takes its pictures along, but not those that are still used", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const one = await collection(phone);
  const two = await collection(phone);
  two.photos.push(one.photos[0]);
  await phone.saveDraft(one);
  await phone.saveDraft(two);
  await phone.discardDraft(one);
  assert.ok(await phone.blob(one.photos[0].sha256));
  assert.equal(await phone.blob(one.signature.sha256), null);
  assert.equal((await phone.loadDraft()).id, two.id);
  phone.close();
});

test("a void withdraws an own event and both stay visible", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const { id } = await phone.seal(await collection(phone));
  await phone.voidEvent(id, "mistake");
  await phone.voidEvent(id, "mistake");
  await phone.kick("user");
  const [first, second, ...more] = world.server.audit(assert);
  assert.deepEqual(
    [second.kind, second.ref, second.reason, second.parcels, more.length],
    ["void", first.id, "mistake", first.parcels, 0],
  );
  const items = await phone.outbox();
  assert.deepEqual(
    items.map(({ voided }) => voided),
    [false, true],
  );
  phone.close();
});

test("a late withdrawal is only asked for, before the office says so and after", async () => {
  const world = await World.make();
  world.server.rules.policies = { undo_within_s: 600 };
  const phone = await world.enrolled();
  await phone.kick("user");
  const early = await phone.seal(await collection(phone));
  await phone.voidEvent(early.id, "mistake");
  const late = await phone.seal(await collection(phone, [CODES[5]]));
  world.time += 601_000;
  await phone.voidEvent(late.id, "mistake");
  const told = async () => {
    const items = await phone.outbox();
    const of = (id) => items.find((item) => item.id === id);
    return [early, late].map(({ id }) => [of(id).voided, of(id).voidAsked]);
  };
  assert.deepEqual(await told(), [
    [true, false],
    [false, true],
  ]);
  phone.close();
});

test("a phone whose key is gone seals on, and says that it did not sign", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  const store = new Store(world.databaseName);
  await store.open();
  await store.write(["keys"], (tx) => tx.objectStore("keys").clear());
  store.close();
  await phone.seal(await collection(phone, [CODES[5]]));
  assert.deepEqual(
    (await phone.outbox()).map(({ signed }) => signed),
    [false, true],
  );
  assert.equal(phone.identity.keyLost, true);
  phone.close();
});

test("a full disk is said as such, and the seal is all or nothing", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const add = globalThis.IDBObjectStore.prototype.add;
  globalThis.IDBObjectStore.prototype.add = function full(...args) {
    if (this.name === "outbox") throw new DOMException("full", "QuotaExceededError");
    return add.apply(this, args);
  };
  await assert.rejects(phone.seal(draft), { code: "storage-full" });
  globalThis.IDBObjectStore.prototype.add = add;
  assert.equal((await phone.counts()).headSeq, 0);
  assert.equal((await phone.loadDraft()).id, draft.id);
  assert.equal((await phone.seal(draft)).seq, 1);
  phone.close();
});

test("a database connection that died is opened again", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const { transaction } = globalThis.IDBDatabase.prototype;
  let failures = 2;
  globalThis.IDBDatabase.prototype.transaction = function dying(...args) {
    if (failures-- > 0) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
    return transaction.apply(this, args);
  };
  const sealed = await phone.seal(await collection(phone));
  globalThis.IDBDatabase.prototype.transaction = transaction;
  assert.equal(sealed.seq, 1);
  phone.close();
});

test("photos left counts down from the quota and keeps a reserve for scans", async () => {
  const world = await World.make();
  const storageManager = {
    estimate: async () => ({ usage: 10e6, quota: 110e6 }),
    persisted: async () => true,
    persist: async () => true,
  };
  const phone = await world.enrolled({ storageManager });
  const report = await phone.storage();
  assert.deepEqual([report.persisted, report.usage, report.quota], [true, 10e6, 110e6]);
  assert.ok(report.photosLeft > 100 && report.photosLeft < 250, String(report.photosLeft));
  assert.equal(await phone.persist(), true);
  phone.close();
});

test("storePhoto answers the digest, and the bytes come back the same", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const bytes = picture(12_345);
  const kept = await phone.storePhoto(bytes, "image/jpeg");
  assert.deepEqual(kept, { sha256: sha256(Buffer.from(bytes)), size: 12_345, type: "image/jpeg" });
  assert.deepEqual(Buffer.from(await phone.blob(kept.sha256)), Buffer.from(bytes));
  await assert.rejects(phone.storePhoto(new Uint8Array(bytes), "image/jpeg"), TypeError);
  phone.close();
});
