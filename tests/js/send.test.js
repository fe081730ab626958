/** Sending events: every answer and non-answer a server or a network can give. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problem, reply } from "./helpers/fake_server.js";
import { World, collection, sealSome } from "./helpers/world.js";

test("of two tabs one sends at a time, with locks and without", async () => {
  for (const locks of [undefined, null]) {
    const world = await World.make({ locks });
    const phone = await world.enrolled();
    const other = await world.open();
    await phone.seal(await collection(phone));
    let inside = 0;
    let most = 0;
    world.server.instead = async ({ path }) => {
      if (!path.startsWith("/sync/v1/events")) return undefined;
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((done) => setTimeout(done, 20));
      inside -= 1;
      return undefined;
    };
    await Promise.all([phone.kick("user"), other.kick("user")]);
    assert.equal(most, 1);
    await phone.kick("user");
    assert.equal(world.server.audit(assert).length, 1);
    phone.close();
    other.close();
  }
});

test("a lock held by a tab that shows no life is taken over", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.kick("user");
  await phone.seal(await collection(phone));
  void world.locks.request("baton-send", {}, () => new Promise(() => undefined)).catch(() => undefined);
  await phone.kick("user");
  assert.equal((await phone.counts()).unsent, 1, "the holder may still be at work");
  world.time += 200_000;
  await phone.kick("user");
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});

test("an answer lost after the commit makes no second event", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  world.server.after = ({ path }, response) => {
    if (path !== "/sync/v1/events") return response;
    throw new TypeError("network");
  };
  assert.equal((await phone.kick("user")).state, "offline");
  assert.equal(world.server.effects.length, 1);
  assert.equal((await phone.counts()).unsent, 1);
  world.server.after = null;
  await phone.kick("user");
  assert.equal((await phone.outbox())[0].state, "safe");
  assert.equal(world.server.audit(assert).length, 1);
  phone.close();
});

test("a captive portal, a login page, a redirect and an empty 200 are no network", async () => {
  const html = () =>
    new Response("<html>Sign in</html>", { status: 200, headers: { "Content-Type": "text/html" } });
  const portals = [
    html,
    () => new Response(null, { status: 204 }),
    () => new Response("{}", { status: 200, headers: { "Content-Type": "application/json" } }),
    () => new Response("no", { status: 401 }),
    () => new Response("no", { status: 403 }),
    () => {
      throw new TypeError("redirect");
    },
  ];
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.kick("user");
  await phone.seal(await collection(phone));
  for (const portal of portals) {
    world.server.instead = portal;
    assert.equal((await phone.kick("user")).state, "offline");
    world.server.instead = ({ path }) => (path === "/sync/v1/hello" ? undefined : portal());
    assert.equal((await phone.kick("user")).state, "offline");
    assert.equal((await phone.counts()).unsent, 1);
    assert.equal((await phone.counts()).unsentBlobs, 2);
  }
  world.server.instead = null;
  await phone.kick("user");
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});

test("413 halves the batch down to what passes, and the one that never passes is parked, not the others", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 9);
  const poison = (await phone.outbox()).find(({ seq }) => seq === 4);
  const poisonJws = await phone.eventJws(poison.id);
  world.server.instead = ({ path, events }) => {
    if (path !== "/sync/v1/events") return undefined;
    return events.length > 3 || events.includes(poisonJws) ? problem(413, "batch-too-large") : undefined;
  };
  await phone.kick("user");
  const items = await phone.outbox();
  assert.deepEqual(
    items.filter(({ state }) => state === "parked").map(({ seq }) => seq),
    [4],
  );
  assert.equal(items.filter(({ state }) => state === "safe").length, 8);
  assert.equal(items.find(({ seq }) => seq === 4).problem.code, "batch-too-large");
  assert.equal((await phone.counts()).unsent, 1, "a parked event still counts as unsent");
  assert.equal(await phone.eventJws(poison.id), poisonJws);
  world.server.instead = null;
  await phone.retry(poison.id);
  assert.equal((await phone.counts()).unsent, 0);
  assert.equal(world.server.audit(assert).length, 9);
  phone.close();
});

test("a poison event that makes the server fail holds back no other for long", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 6);
  const poisonJws = await phone.eventJws((await phone.outbox()).find(({ seq }) => seq === 3).id);
  world.server.instead = ({ path, events }) =>
    path === "/sync/v1/events" && events.includes(poisonJws) ? problem(500, "internal") : undefined;
  for (let i = 0; i < 12; i += 1) {
    await phone.kick("user");
    world.time += 1_000;
  }
  assert.equal(world.server.effects.length, 5);
  world.server.instead = null;
  world.time += 600_000;
  await phone.kick("user");
  assert.equal(world.server.audit(assert).length, 6);
  phone.close();
});

test("401 and 403 pause, keep everything, say so, and a person's press tries again", async () => {
  for (const [status, code] of [
    [401, "token-unknown"],
    [403, "device-revoked"],
    [426, "client-too-old"],
  ]) {
    const world = await World.make();
    const phone = await world.enrolled();
    await phone.seal(await collection(phone));
    world.server.instead = ({ path }) => (path === "/sync/v1/hello" ? undefined : problem(status, code));
    const state = await phone.kick("seal");
    assert.deepEqual([state.state, state.problem.code, state.nextAt], ["paused", code, null]);
    const asked = world.server.requests.length;
    await phone.kick("timer");
    await phone.kick("online");
    assert.equal(world.server.requests.length, asked, "paused means silent");
    assert.equal((await phone.counts()).unsent, 1);
    world.server.instead = null;
    assert.equal((await phone.kick("user")).state, "idle");
    assert.equal((await phone.counts()).unsent, 0);
    phone.close();
  }
});

test("429 and 503 are waited out as long as the server asks", async () => {
  for (const status of [429, 503, 507]) {
    const world = await World.make();
    const phone = await world.enrolled();
    await phone.seal(await collection(phone));
    world.server.instead = ({ path }) =>
      path === "/sync/v1/events" ? problem(status, "slow-down", { "Retry-After": "60" }) : undefined;
    const state = await phone.kick("seal");
    assert.ok(Date.parse(state.nextAt) - world.time >= 59_000, state.nextAt);
    const asked = world.server.requests.length;
    world.server.instead = null;
    await phone.kick("seal");
    assert.equal(world.server.requests.length, asked);
    world.time += 70_000;
    await phone.kick("seal");
    assert.equal((await phone.counts()).unsent, 0);
    phone.close();
  }
});

test("a server that cannot inflate gets the batch plain", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 3);
  const encodings = [];
  world.server.instead = ({ path, headers }) => {
    if (path !== "/sync/v1/events") return undefined;
    encodings.push(headers.get("Content-Encoding"));
    return headers.get("Content-Encoding") ? problem(415, "encoding-unsupported") : undefined;
  };
  await phone.kick("user");
  assert.equal(encodings[0], "gzip");
  assert.equal(encodings[1], null);
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});

test("a server that takes neither gzip nor plain is not asked without end", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 3);
  world.server.instead = ({ path }) =>
    path === "/sync/v1/events" ? problem(415, "encoding-unsupported") : undefined;
  const state = await phone.kick("user");
  assert.equal(state.problem.code, "encoding-unsupported");
  assert.equal(world.server.requests.filter((line) => line.endsWith("/events")).length, 2);
  assert.equal((await phone.counts()).unsent, 3);
  phone.close();
});

test("a `retry` result delays that event alone", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 3);
  const slow = (await phone.outbox()).find(({ seq }) => seq === 2).id;
  world.server.after = async ({ path }, response) => {
    if (path !== "/sync/v1/events") return response;
    const body = await response.json();
    for (const result of body.results) if (result.id === slow) result.status = "retry";
    return reply(200, body);
  };
  await phone.kick("user");
  assert.equal((await phone.counts()).unsent, 1);
  world.server.after = null;
  world.time += 10_000;
  await phone.kick("user");
  assert.equal((await phone.counts()).unsent, 0);
  assert.equal(world.server.audit(assert).length, 3);
  phone.close();
});

test("a quarantined event asks for attention and is not sent again", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  for (const device of world.server.devices.values()) device.jwk = world.server.jwk; // another key than the phone's
  await sealSome(phone, 1);
  await phone.kick("user");
  const [item] = await phone.outbox();
  assert.deepEqual([item.state, item.problem.code], ["attention", "bad_signature"]);
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});

test("a clock that jumps back by a year does not hold work back", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 2);
  world.server.after = async ({ path }, response) => {
    if (path !== "/sync/v1/events") return response;
    const body = await response.json();
    for (const result of body.results) result.status = "retry";
    return reply(200, body);
  };
  await phone.kick("user");
  world.server.after = null;
  world.time -= 365 * 86_400_000;
  await phone.kick("seal");
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});
