/** What is kept over time: restored servers, retention, identities, receipts, the worklist. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { reply } from "./helpers/fake_server.js";
import { isSignedBy, readJws } from "../../webapp/static/js/outbox/keys.js";
import { CODES, World, collection, deviceOf, sealSome } from "./helpers/world.js";

test("a server restored from a backup gets everything again, pictures too", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.kick("user");
  const { server } = world;
  const saved = {
    events: new Map(server.events),
    blobs: new Map(server.blobs),
    effects: [...server.effects],
  };
  await phone.seal(await collection(phone, CODES.slice(3)));
  await phone.kick("user");
  assert.equal(server.events.size, 2);
  Object.assign(server, saved, { epoch: "epoch-2" });
  world.time += 700_000;
  await phone.kick("user");
  assert.equal(server.audit(assert).length, 2);
  assert.equal(server.blobs.size, 4);
  assert.ok((await phone.outbox()).every(({ state }) => state === "safe"));
  phone.close();
});

test("under a new epoch no picture counts as held on the old one's word", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.kick("user");
  Object.assign(world.server, { epoch: "epoch-2", blobs: new Map() });
  world.server.after = async ({ path }, response) =>
    path === "/sync/v1/events" ? reply(200, { ...(await response.json()), want: [] }) : response;
  world.time += 700_000;
  await phone.kick("user");
  assert.equal(world.server.blobs.size, 2);
  phone.close();
});

test("when a restored server holds all pictures still, the office is told that none is left", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.kick("user");
  Object.assign(world.server, { epoch: "epoch-2" });
  world.time += 700_000;
  await phone.kick("user");
  assert.equal(world.server.bodies.at(-1).queue.unsent_blobs, 0);
  phone.close();
});

test("a server that fell back without saying so is noticed by its high_seq", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 3);
  await phone.kick("user");
  const last = [...world.server.events.keys()].at(-1);
  world.server.events.delete(last);
  world.server.effects.pop();
  world.time += 700_000;
  await phone.kick("user");
  assert.equal(world.server.audit(assert).length, 3);
  phone.close();
});

test("receipts are kept, and one that the server's key did not sign proves nothing", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 1);
  await phone.kick("user");
  const [item] = await phone.outbox();
  const [receipt, ...more] = await phone.receiptsOf(item.id);
  assert.deepEqual([receipt.verified, receipt.receivedAt, more.length], [true, item.receiptAt, 0]);
  assert.ok(await isSignedBy(webcrypto.subtle, world.server.jwk, readJws(receipt.jws)));
  const other = await World.make();
  world.server.signingKey = other.server.signingKey;
  await sealSome(phone, 1);
  await phone.kick("user");
  const [forged] = await phone.outbox();
  assert.equal((await phone.receiptsOf(forged.id))[0].verified, false);
  assert.equal(forged.receiptAt, null);
  phone.close();
});

test("an earlier identity's unsent work goes out under its own name and token", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  const before = deviceOf(phone);
  await phone.enrol("https://baton.test/app/#/enrol/CODE2", { label: "Again" });
  assert.notEqual(deviceOf(phone), before);
  assert.equal((await phone.counts()).othersUnsent, 1);
  await phone.seal(await collection(phone, [CODES[5]]));
  await phone.kick("user");
  assert.equal((await phone.counts()).othersUnsent, 0);
  const all = world.server.audit(assert);
  assert.deepEqual(new Set(all.map(({ device }) => device)), new Set([before, deviceOf(phone)]));
  phone.close();
});

test("somebody is added beside an unfinished handover, which stays its own person’s, and what is left unsent stays in sight", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  await phone.saveDraft(draft);
  const before = deviceOf(phone);
  await phone.enrol("CODE2", { label: "Again" });
  assert.equal(await phone.loadDraft(), null);
  await assert.rejects(phone.seal(draft), { code: "person-changed" });
  await phone.people.switchTo(before);
  assert.equal((await phone.loadDraft())?.id, draft.id);
  const { id } = await phone.seal(draft);
  const own = await phone.eventJws(id);
  await phone.enrol("CODE3", { label: "Again" });
  const [item, ...more] = await phone.othersOutbox();
  assert.deepEqual([item.id, item.state, more.length], [id, "sealed", 0]);
  assert.ok(item.by);
  assert.equal(await phone.eventJws(id, item.device), own);
  const { unsent, othersUnsent, othersUnsentBlobs } = await phone.counts();
  assert.deepEqual([unsent, othersUnsent, othersUnsentBlobs], [0, 1, 2]);
  phone.close();
});

test("a refused enrolment changes nothing and names its reason", async () => {
  const world = await World.make();
  const phone = await world.open();
  assert.equal(phone.identity, null);
  await assert.rejects(phone.enrol("NOPE", { label: "x" }), {
    name: "PhoneError",
    code: "enrolment-unknown",
  });
  world.server.instead = () => new Response("<html>", { status: 200 });
  await assert.rejects(phone.enrol("CODE1", { label: "x" }), { code: "offline" });
  assert.equal(phone.identity, null);
  await assert.rejects(phone.seal(phone.newDraft("pack")), { code: "not-enrolled" });
  phone.close();
});

test("an enrolment whose answer was lost is asked for again with the same key, and the next code with another", async () => {
  const world = await World.make();
  const phone = await world.open();
  const keys = [];
  const enrol = world.server.enrol.bind(world.server);
  world.server.enrol = (said) => {
    keys.push(JSON.stringify(said.jwk));
    return keys.length === 1 ? new Response("<html>", { status: 502 }) : enrol(said);
  };
  await assert.rejects(phone.enrol("CODE1", { label: "x" }), { code: "offline" });
  await phone.enrol("CODE1", { label: "x" });
  await phone.enrol("CODE2", { label: "x" });
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[1], keys[2]);
  phone.close();
});

test("the worklist and its cursor arrive together, resets replace it, and it is there after a restart", async () => {
  const world = await World.make();
  const none = { upserts: [], removes: [] };
  const parcel = (code, tracking_number = null) => ({
    code,
    tracking_number,
    carrier: "jnt",
    status: "ready",
    flags: {},
    fragile: false,
    count: 1,
    place: null,
    cancel: null,
    recipient: null,
  });
  const page = (cursor, upserts, more = {}) => ({
    cursor,
    more: false,
    reset: false,
    as_of: "2026-11-22T07:00:00.000Z",
    parcels: { upserts, removes: [] },
    runs: none,
    tasks: none,
    notices: none,
    ...more,
  });
  const run = {
    id: "r1",
    kind: "collect",
    title: "Morning",
    day: "2026-11-22",
    carrier: "jnt",
    place: null,
    parcels: [CODES[0]],
    state: "open",
  };
  world.server.pages = [
    page("c1", [parcel(CODES[0], "JP1")], { more: true, reset: true, runs: { upserts: [run], removes: [] } }),
    page("c2", [parcel(CODES[1])]),
  ];
  const phone = await world.enrolled();
  await phone.kick("user");
  assert.equal(phone.parcelByTracking("jp1").code, CODES[0]);
  assert.ok(phone.parcel(CODES[1]));
  assert.deepEqual(
    phone.runs("2026-11-22").map(({ id }) => id),
    ["r1"],
  );
  assert.equal(phone.rules.version, "r1");
  phone.close();

  const again = await world.open();
  assert.ok(again.parcel(CODES[0]));
  assert.equal(again.worklistAsOf, "2026-11-22T07:00:00.000Z");
  world.server.pages.push(page("c3", [], { parcels: { upserts: [], removes: [CODES[0]] } }));
  await again.kick("user");
  assert.equal(again.parcel(CODES[0]), null);
  world.server.pages.push(page("c4", [parcel(CODES[2])], { more: true, reset: true }));
  world.server.instead = ({ search }) => (search === "?cursor=c4" ? new Response("portal") : undefined);
  await again.kick("user");
  assert.ok(again.parcel(CODES[1]), "half a reset changes nothing");
  world.server.instead = null;
  await again.kick("user");
  assert.equal(again.parcel(CODES[1]), null);
  assert.ok(again.parcel(CODES[2]));
  again.close();
});
