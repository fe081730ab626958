/** Sending with no page open: the worker's one round, and when it asks to be woken again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { flushInBackground } from "../../webapp/static/js/outbox/background.js";
import { PhoneError } from "../../webapp/static/js/domain/problems.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { problem } from "./helpers/fake_server.js";
import { World, collection, sealSome } from "./helpers/world.js";

/** The worker on the same phone: its database, its locks, its clock. */
const woken = (world, options = {}) =>
  flushInBackground({
    fetch: (...request) => world.server.fetch(...request),
    locks: world.locks,
    now: () => (world.time += 1),
    random: () => 0.5,
    base: "https://baton.test",
    databaseName: world.databaseName,
    storageManager: null,
    auto: false,
    pause: async (ms) => void (world.time += ms),
    ...options,
  });

/** A phone with one handover that was closed before it was sent. */
async function closedPhone(events = 0) {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await sealSome(phone, events);
  phone.close();
  return world;
}

/** What the phone shows when it is opened again. */
async function states(world) {
  const phone = await world.open();
  const shown = (await phone.outbox()).map(({ state }) => state);
  phone.close();
  return shown;
}

test("events and pictures go home and are settled, once", async () => {
  const world = await closedPhone(2);
  await woken(world);
  assert.deepEqual(await states(world), ["safe", "safe", "safe"]);
  world.server.audit(assert);
  const posted = world.server.effects.length;
  await woken(world);
  assert.equal(world.server.effects.length, posted, "nothing is left to send");
});

test("with no network it asks to be woken again, and all is kept", async () => {
  const world = await closedPhone();
  world.server.instead = () => {
    throw new TypeError("network");
  };
  await assert.rejects(woken(world), /sending is offline/);
  assert.deepEqual(await states(world), ["sealed"]);
  world.server.instead = null;
  await woken(world);
  assert.deepEqual(await states(world), ["safe"]);
});

test("a phone that may not send is not woken for it again", async () => {
  const world = await closedPhone();
  world.server.instead = ({ path }) =>
    path === "/sync/v1/events" ? problem(401, "token-unknown") : undefined;
  await woken(world);
  assert.deepEqual(await states(world), ["sealed"]);
});

test("while a page sends, it waits its turn, and not for ever", async () => {
  const world = await closedPhone();
  const page = await world.open();
  await page.kick("user");
  await sealSome(page, 1);
  let letGo = () => undefined;
  const held = new Promise((done) => (letGo = done));
  void world.locks.request("baton-send", {}, () => held);
  await assert.rejects(woken(world), /sending is idle/);
  let pauses = 0;
  await woken(world, {
    pause: async () => {
      pauses += 1;
      letGo();
      await held;
    },
  });
  assert.equal(pauses, 1);
  page.close();
  assert.deepEqual(await states(world), ["safe", "safe"]);
});

test("after its time it begins no request any more", async () => {
  const world = await closedPhone();
  let requests = 0;
  world.server.instead = () => {
    requests += 1;
    world.time += 130_000;
    return undefined;
  };
  await assert.rejects(woken(world), /sending is offline/);
  assert.equal(requests, 1);
  world.server.instead = null;
  await woken(world);
  assert.deepEqual(await states(world), ["safe"]);
});

test("the work of a store that was left behind goes home too, whichever is in use", async () => {
  const name = "baton-2"; // as the phone calls the one it begins beside a broken one
  const world = await World.make();
  for (const databaseName of ["baton", name]) {
    const phone = await world.open({ databaseName });
    await phone.enrol(databaseName === name ? "CODE2" : "CODE1", { label: "Test phone" });
    await phone.seal(await collection(phone));
    phone.close();
  }
  const { read } = Store.prototype;
  Store.prototype.read = function (...call) {
    if (this.name === "baton") {
      throw new PhoneError("storage-unavailable", "This phone’s storage will not open.");
    }
    return read.apply(this, call);
  };
  try {
    await woken(world, { databaseName: undefined });
  } finally {
    Store.prototype.read = read;
  }
  assert.equal(world.server.effects.length, 1, "what will not open holds back nobody");
  await woken(world, { databaseName: undefined });
  assert.equal(world.server.effects.length, 2);
  world.server.audit(assert);
});
