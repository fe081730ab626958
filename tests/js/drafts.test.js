/** An unfinished handover: in two tabs, over a store that falters, when it becomes empty, and while a photo is on its way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dropOrphans, listBlobs } from "../../webapp/static/js/storage/blobs.js";
import { Flow } from "../../webapp/static/js/pages/flow.js";
import { CODES, World, collection, deviceOf, picture, storeOf } from "./helpers/world.js";

const scan = (code) => ({ code, raw: code, verdict: "known", at: "", typed: false, override: null });
const codesOf = (draft) => draft.scans.map(({ code }) => code);
const photoFor = async (phone) => ({
  ...(await phone.storePhoto(picture(), "image/jpeg")),
  role: "photo",
  parcel: null,
});

/** One draft, open in two tabs; the second has gone on with it. */
async function wentOn() {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  flow.draft = await collection(phone, CODES.slice(0, 1));
  await flow.save();
  const other = await world.open();
  const theirs = new Flow(other);
  await theirs.load();
  theirs.draft.scans.push(scan(CODES[1]));
  theirs.draft.photos.push(await photoFor(other));
  assert.equal(await theirs.save(), true);
  other.close();
  return { world, phone, flow, digests: theirs.draft.photos.map(({ sha256 }) => sha256) };
}

test("a tab that is behind seals nothing, and loads what another has added", async () => {
  const { world, phone, flow, digests } = await wentOn();
  let told = 0;
  flow.addEventListener("elsewhere", () => (told += 1));
  await assert.rejects(flow.seal(), { code: "draft-elsewhere" });
  assert.equal(await flow.save(), false);
  assert.equal(told, 2, "a way out is offered each time");
  assert.deepEqual(await phone.outbox(), []);
  await flow.loadAgain();
  assert.deepEqual(codesOf(flow.draft), CODES.slice(0, 2));
  await flow.seal();
  const [sealed] = await phone.outbox();
  assert.deepEqual([sealed.parcels, sealed.photosTotal], [CODES.slice(0, 2), 3]);
  const store = storeOf(world);
  const kept = (await listBlobs(store, deviceOf(phone))).map(({ sha256 }) => sha256);
  assert.ok(digests.every((sha256) => kept.includes(sha256)));
  store.close();
  phone.close();
});

test("nobody is asked about a handover that is put away while another tab has it", async () => {
  const { phone, flow } = await wentOn();
  let told = 0;
  for (const kind of ["elsewhere", "problem"]) flow.addEventListener(kind, () => (told += 1));
  flow.putAway();
  assert.equal(await flow.added(), undefined);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual([flow.draft, told], [null, 0]);
  assert.deepEqual(codesOf(await phone.loadDraft()), CODES.slice(0, 2), "the other's is what is kept");
  phone.close();
});

test("a tab that is behind discards nothing, and asks", async () => {
  const { phone, flow } = await wentOn();
  let told = 0;
  flow.addEventListener("elsewhere", () => (told += 1));
  assert.equal(await flow.discard(), false);
  assert.equal(told, 1);
  assert.deepEqual(codesOf(await phone.loadDraft()), CODES.slice(0, 2), "the other's work is there");
  assert.deepEqual(codesOf(flow.draft), CODES.slice(0, 1), "and this one is still open");
  await flow.loadAgain();
  assert.equal(await flow.discard(), true);
  assert.equal(await phone.loadDraft(), null);
  phone.close();
});

test("a parcel that another tab has taken off does not come back from a tab that is behind", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  flow.begin("collect").scans.push(scan(CODES[0]));
  await flow.save();
  const other = await world.open();
  const theirs = new Flow(other);
  await theirs.load();
  theirs.draft.scans = [];
  assert.equal(await theirs.save(), true);
  assert.equal(await flow.save(), false);
  await assert.rejects(flow.seal(), { code: "draft-elsewhere" });
  other.close();
  phone.close();
});

test("a save that is tried again does not overtake a newer one", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  flow.begin("collect").scans.push(scan(CODES[0]));
  await flow.save();
  const { transaction } = globalThis.IDBDatabase.prototype;
  let deaths = 1;
  globalThis.IDBDatabase.prototype.transaction = function dying(...args) {
    if (deaths-- > 0) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
    return transaction.apply(this, args);
  };
  flow.draft.scans.push(scan(CODES[1]));
  const second = flow.save();
  await new Promise((done) => setTimeout(done, 30)); // it failed, and rests before it is tried again
  flow.draft.scans.push(scan(CODES[2]));
  assert.deepEqual(await Promise.all([second, flow.save()]), [true, true]);
  globalThis.IDBDatabase.prototype.transaction = transaction;
  assert.deepEqual(codesOf(await phone.loadDraft()), CODES.slice(0, 3));
  phone.close();
});

test("a save that waits does not bring back what was thrown away meanwhile", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  flow.begin("collect").scans.push(scan(CODES[0]));
  const saves = [flow.save(), flow.save()];
  await flow.discard();
  await Promise.all(saves);
  assert.equal(await phone.loadDraft(), null);
  phone.close();
});

test("an emptied handover stands in no other's way, though the clock went back", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  flow.begin("collect").scans.push(scan(CODES[0]));
  await flow.save();
  Object.assign(flow.draft, { scans: [], counterpart: { name: "Ibu Sari", role: "seller" }, note: "wet" });
  await flow.save();
  assert.equal(await phone.loadDraft(), null, "nothing of it is offered");
  const store = storeOf(world);
  const device = deviceOf(phone);
  const rows = () => store.read(["drafts"], (tx) => tx.objectStore("drafts").getAll());
  assert.doesNotMatch(JSON.stringify(await rows()), /Ibu Sari|wet/);
  await dropOrphans(store, device, world.time + 1);
  assert.deepEqual(await rows(), []);
  const empty = { device, id: "old", draft: phone.newDraft("pack", { id: "old" }), savedAt: world.time };
  await store.write(["drafts"], (tx) => tx.objectStore("drafts").put(empty)); // as an older Baton left it
  world.time -= 30 * 86_400_000;
  flow.begin("collect").scans.push(scan(CODES[1]));
  await flow.save();
  assert.deepEqual(codesOf(await phone.loadDraft()), [CODES[1]]);
  store.close();
  phone.close();
});

test("a photo that comes while it is being sealed is not taken for another tab's seal", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  const draft = (flow.draft = await collection(phone, CODES.slice(0, 1)));
  const late = await photoFor(phone);
  const { seal } = phone;
  phone.seal = async (given) => {
    const sealing = seal.call(phone, given);
    await new Promise((done) => setTimeout(done, 2));
    draft.photos.push(late);
    return sealing;
  };
  await flow.seal();
  assert.equal(flow.draft, null);
  phone.close();
});

test("the seal waits for what is being added", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  const draft = (flow.draft = await collection(phone, CODES.slice(0, 1)));
  const slow = flow.add(async () => {
    await new Promise((done) => setTimeout(done, 30));
    draft.photos.push(await photoFor(phone));
    void flow.add(async () => draft.photos.push(await photoFor(phone)));
  });
  await flow.seal();
  await slow;
  assert.equal((await phone.outbox())[0].photosTotal, 4, "two more beside the first and the signature");
  phone.close();
});
