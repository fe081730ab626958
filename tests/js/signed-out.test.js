/** A phone that the office has signed out: its pictures come home all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problem, reply } from "./helpers/fake_server.js";
import { CODES, World, collection } from "./helpers/world.js";

/** Signs this phone out: its events are kept in quarantine, and only pictures that they speak of are taken. */
function signOut({ server }, named) {
  server.instead = async (request) => {
    if (request.path === "/sync/v1/events") {
      const kept = await (await server.answer(request)).json();
      const results = kept.results.map((result) => ({ ...result, status: "quarantined" }));
      return reply(403, { ...kept, results, code: "device-revoked", title: "Signed out", status: 403 });
    }
    const isOther = request.path === "/sync/v1/worklist" || request.path === "/sync/v1/rules";
    if (isOther) return problem(403, "device-revoked");
    if (request.path !== "/sync/v1/blobs") return undefined;
    const digest = (request.headers.get("Upload-Metadata").match(/sha256 (\S+?),/) ?? [])[1];
    return named.has(Buffer.from(digest, "base64").toString()) ? undefined : problem(403, "device-revoked");
  };
}

test("a phone that was signed out by a restored server offers again what that one has lost", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [20_000]);
  await phone.seal(draft);
  await phone.kick("user");
  const named = new Set([...draft.photos, draft.signature].map(({ sha256 }) => sha256));
  Object.assign(world.server, { epoch: "epoch-2", events: new Map(), blobs: new Map(), effects: [] });
  signOut(world, named);
  world.time += 300_000; // it knows who the server was for another five minutes, and asks for its list alone
  assert.equal((await phone.kick("timer")).state, "paused");
  assert.equal(world.server.events.size, 0);
  world.time += 400_000;
  assert.equal((await phone.kick("timer")).state, "paused");
  assert.deepEqual([world.server.events.size, world.server.blobs.size], [1, 2]);
  const before = world.server.requests.length;
  world.time += 700_000;
  await phone.kick("timer");
  assert.deepEqual(world.server.requests.slice(before), ["GET /sync/v1/hello"], "and then it is at rest");
  phone.close();
});

test("a phone that is signed out brings its pictures home all the same, and then pauses", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [20_000, 300_000]);
  await phone.seal(draft);
  const named = new Set([...draft.photos, draft.signature].map(({ sha256 }) => sha256));
  signOut(world, named);
  const state = await phone.kick("user");
  assert.deepEqual([state.state, state.problem.code], ["paused", "device-revoked"]);
  assert.deepEqual(new Set(world.server.blobs.keys()), named);
  const { unsent, unsentBlobs } = await phone.counts();
  assert.deepEqual([unsent, unsentBlobs], [0, 0]);
  assert.equal(world.server.bodies.at(-1).queue.unsent_blobs, 0, "the office has heard that nothing is left");
  phone.close();
});

test("a picture that had to wait when the phone was signed out comes home by itself", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [20_000]);
  await phone.seal(draft);
  signOut(world, new Set([...draft.photos, draft.signature].map(({ sha256 }) => sha256)));
  const usual = world.server.instead;
  let isWell = false;
  world.server.instead = (request) =>
    !isWell && request.path === "/sync/v1/blobs" ? problem(500, "internal") : usual(request);
  assert.equal((await phone.kick("user")).state, "paused");
  assert.equal((await phone.counts()).unsentBlobs, 2);
  isWell = true;
  world.time += 4_000_000;
  assert.equal((await phone.kick("timer")).state, "paused");
  assert.equal((await phone.counts()).unsentBlobs, 0);
  const before = world.server.requests.length;
  world.time += 700_000;
  await phone.kick("timer");
  assert.deepEqual(world.server.requests.slice(before), ["GET /sync/v1/hello"], "and then it is at rest");
  phone.close();
});

test("a picture that a signed-out phone may not bring holds back no other, and is kept", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [20_000, 90_000]);
  await phone.seal(draft);
  signOut(world, new Set([draft.photos[1].sha256]));
  assert.equal((await phone.kick("user")).state, "paused");
  assert.deepEqual([...world.server.blobs.keys()], [draft.photos[1].sha256]);
  assert.equal((await phone.counts()).unsentBlobs, 2);
  world.server.instead = null;
  world.time += 4_000_000;
  await phone.kick("user");
  assert.equal((await phone.counts()).unsentBlobs, 0);
  phone.close();
});

test("what is sealed on a phone that was signed out before goes to the office by itself", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const first = await collection(phone, CODES.slice(0, 1), [20_000]);
  await phone.seal(first);
  const named = new Set([...first.photos, first.signature].map(({ sha256 }) => sha256));
  signOut(world, named);
  assert.equal((await phone.kick("user")).state, "paused");
  const second = await collection(phone, CODES.slice(1, 2), [30_000]);
  for (const { sha256 } of [...second.photos, second.signature]) named.add(sha256);
  await phone.seal(second);
  assert.equal((await phone.kick("seal")).state, "paused");
  const { unsent, unsentBlobs } = await phone.counts();
  assert.deepEqual([unsent, unsentBlobs], [0, 0]);
  phone.close();
});

test("a phone that is signed out tries again by its own time what the server had no room for", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [20_000]);
  const named = new Set([...draft.photos, draft.signature].map(({ sha256 }) => sha256));
  signOut(world, named);
  assert.equal((await phone.kick("user")).state, "paused");
  await phone.seal(draft);
  const usual = world.server.instead;
  world.server.instead = (request) =>
    request.path === "/sync/v1/blobs"
      ? problem(507, "storage-full", { "Retry-After": "60" })
      : usual(request);
  const held = await phone.kick("seal");
  assert.equal(held.state, "idle", "a full server is no reason to wait for a hand");
  assert.ok(Date.parse(held.nextAt) - world.time <= 120_000);
  world.server.instead = usual;
  world.time += 130_000;
  assert.equal((await phone.kick("timer")).state, "paused");
  assert.equal((await phone.counts()).unsentBlobs, 0);
  phone.close();
});

test("an event that a signed-out phone is to send again goes by its own time", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const named = new Set();
  for (const code of CODES.slice(0, 2)) {
    const draft = await collection(phone, [code], []);
    named.add(draft.signature.sha256);
    await phone.seal(draft);
  }
  signOut(world, named);
  const usual = world.server.instead;
  let isWell = false;
  world.server.instead = async (request) => {
    const answer = await usual(request);
    if (isWell || request.path !== "/sync/v1/events") return answer;
    const kept = await answer.json();
    const results = kept.results.map((result, index) =>
      index === 1 ? { ...result, status: "retry" } : result,
    );
    return reply(403, { ...kept, results });
  };
  assert.equal((await phone.kick("user")).state, "paused");
  assert.equal((await phone.counts()).unsent, 1);
  isWell = true;
  for (let minutes = 0; minutes < 120; minutes += 10) {
    world.time += 600_000;
    await phone.kick("timer");
  }
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});

test("a signed-out phone whose events nobody keeps does not ask without end", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [20_000]));
  world.server.instead = ({ path }) =>
    path === "/sync/v1/events" ? problem(403, "device-revoked") : undefined;
  assert.equal((await phone.kick("user")).state, "paused");
  const asked = world.server.requests.length;
  assert.ok(asked < 5, `${asked} requests`);
  await phone.kick("online");
  assert.equal(world.server.requests.length, asked);
  phone.close();
});
