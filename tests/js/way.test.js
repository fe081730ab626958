/** What a proxy does to a batch, a photo, an enrolment and a last word; each was found by a simulated day. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problem } from "./helpers/fake_server.js";
import { CODES, World, collection, sealSome } from "./helpers/world.js";

const proxys = (status) => new Response("<h1>no</h1>", { status, headers: { "Content-Type": "text/html" } });

test("a photo larger than a proxy lets through goes home in pieces that pass, in one round", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, [CODES[0]], [120_000, 400_000]));
  let refused = 0;
  world.server.instead = ({ body }) => {
    if (!body || body.length <= 65_536) return undefined;
    refused += 1;
    return proxys(413);
  };
  const state = await phone.kick("user");
  assert.equal(state.state, "idle");
  assert.equal((await phone.counts()).unsentBlobs, 0);
  assert.ok(refused > 0 && refused < 6, `what does not pass is not tried again and again: ${refused}`);
  phone.close();
});

test("a proxy that lets nothing through is waited for, not asked without end", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, [CODES[0]], [400_000]));
  world.server.instead = ({ method }) => (method === "PATCH" ? proxys(413) : undefined);
  assert.equal((await phone.kick("user")).state, "offline");
  assert.ok(world.server.requests.filter((line) => line.startsWith("PATCH")).length < 10);
  world.server.instead = null;
  world.time += 400_000;
  await phone.kick("user");
  assert.equal((await phone.counts()).unsentBlobs, 0);
  phone.close();
});

test("a batch that a proxy made unreadable goes plain before anything is parked", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 3);
  world.server.instead = ({ path, headers }) =>
    path === "/sync/v1/events" && headers.get("Content-Encoding")
      ? problem(400, "malformed-batch")
      : undefined;
  await phone.kick("user");
  assert.equal((await phone.counts()).unsent, 0);
  assert.ok((await phone.outbox()).every(({ state }) => state === "safe"));
  phone.close();
});

test("an enrolment whose answer is cut on its way says so, and the same code gets through", async () => {
  const world = await World.make();
  const phone = await world.open();
  world.server.instead = ({ path }) =>
    path === "/sync/v1/devices"
      ? new Response('{"device":"', {
          status: 201,
          headers: { "Sync-Protocol": "1", "Content-Type": "application/json" },
        })
      : undefined;
  await assert.rejects(phone.enrol("CODE1", { label: "Test" }), { code: "offline" });
  world.server.instead = null;
  assert.ok(await phone.enrol("CODE1", { label: "Test" }));
  phone.close();
});

test("a batch tells what is left once it is taken: nothing, when it holds all", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 1);
  await phone.kick("user");
  const { queue, events } = world.server.bodies.at(-1);
  assert.deepEqual([events.length, queue.unsent, queue.oldest_at, queue.head_seq], [1, 0, null, 1]);
  phone.close();
});

test("who is not signed in offers again what a restored server lost", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 2);
  await phone.kick("user");
  await phone.enrol("CODE2", { label: "Somebody else" });
  await phone.kick("user");
  Object.assign(world.server, { epoch: "epoch-2", events: new Map(), effects: [] });
  world.time += 700_000;
  await phone.kick("user");
  assert.equal(world.server.audit(assert).length, 2);
  phone.close();
});

test("the last word of who is not signed in is said again until it is heard", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, [CODES[0]]));
  await phone.enrol("CODE2", { label: "Somebody else" });
  const [first] = [...world.server.devices.keys()];
  const isLast = ({ path, events, headers }) =>
    path === "/sync/v1/events" && events.length === 0 && headers.get("Authorization") === `Bearer ${first}`;
  let cut = 0;
  world.server.instead = (request) => {
    if (!isLast(request)) return undefined;
    cut += 1;
    return proxys(502);
  };
  await phone.kick("user");
  assert.ok(cut > 0);
  let heard = 0;
  world.server.instead = null;
  world.server.after = (request, response) => {
    if (isLast(request)) heard += 1;
    return response;
  };
  world.time += 400_000;
  await phone.kick("user");
  assert.equal(heard, 1);
  phone.close();
});
