/** Several people on one phone: nobody seals under another's name, and nobody's queue touches another's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reply } from "./helpers/fake_server.js";
import { readJws } from "../../webapp/static/js/outbox/keys.js";
import { setMeta } from "../../webapp/static/js/storage/meta.js";
import { CODES, World, collection, deviceOf, sealSome, storeOf } from "./helpers/world.js";

/** Two people on one phone, the second signed in. */
async function two(options = {}) {
  const world = await World.make();
  const phone = await world.enrolled(options);
  const first = deviceOf(phone);
  world.server.actors.set("CODE2", { id: "user-2", name: "Ben", role: "courier" });
  await phone.enrol("CODE2", { label: "Test phone" });
  return { world, phone, first, second: deviceOf(phone) };
}

const offline = () => new Response("<html>", { status: 200 });

/** What the server holds, by the device that signed it; each names the person that device is of. */
function arrivals(server) {
  const actors = new Map([...server.devices.values()].map(({ device, actor }) => [device, actor]));
  return [...server.events.values()].map(({ payload }) => {
    assert.equal(payload.actor, actors.get(payload.device));
    return payload.device;
  });
}

/** Every row of any store that belongs to this device. */
async function rowsOf(world, device) {
  const store = storeOf(world);
  await store.open();
  const db = await new Promise((resolve, reject) => {
    const request = globalThis.indexedDB.open(world.databaseName);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const found = [];
  for (const name of db.objectStoreNames) {
    const rows = await new Promise((resolve, reject) => {
      const request = db.transaction(name).objectStore(name).getAll();
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    found.push(...rows.filter((row) => row.device === device).map(() => name));
  }
  db.close();
  store.close();
  return found;
}

test("two people seal offline, one signs out, and both queues go home under their own names and tokens", async () => {
  const { world, phone, first, second } = await two();
  world.server.instead = offline;
  await phone.seal(await collection(phone, [CODES[0]]));
  await phone.people.switchTo(first);
  await phone.seal(await collection(phone, [CODES[1]]));
  await phone.people.signOut();
  assert.equal(phone.identity, null);
  await assert.rejects(phone.seal(phone.newDraft("pack")), { code: "not-enrolled" });
  const tokens = new Map([...world.server.devices].map(([token, { device }]) => [`Bearer ${token}`, device]));
  world.server.instead = ({ path, headers, events }) => {
    if (path !== "/sync/v1/events") return undefined;
    for (const jws of events) {
      assert.equal(readJws(jws).payload.device, tokens.get(headers.get("Authorization")));
    }
    return undefined;
  };
  await phone.kick("user");
  assert.deepEqual(new Set(arrivals(world.server)), new Set([first, second]));
  assert.equal(world.server.audit(assert).length, 2);
  assert.equal(world.server.blobs.size, 4);
  assert.deepEqual(
    (await phone.people.list()).map(({ isCurrent, unsent }) => [isCurrent, unsent.total]),
    [
      [false, 0],
      [false, 0],
    ],
  );
  phone.close();
});

test("a switch while a batch is on its way settles the one's rows and leaves the other's alone", async () => {
  const { world, phone, first, second } = await two();
  await phone.seal(await collection(phone, [CODES[0]]));
  let isDone = false;
  world.server.after = async ({ path }, response) => {
    if (path === "/sync/v1/events" && !isDone) {
      isDone = true;
      await phone.people.switchTo(first);
      await phone.seal(await collection(phone, [CODES[1]]));
    }
    return response;
  };
  await phone.kick("user");
  assert.equal(deviceOf(phone), first);
  assert.equal((await phone.outbox())[0].parcels[0], CODES[1]);
  await phone.kick("user");
  assert.deepEqual(new Set(arrivals(world.server)), new Set([first, second]));
  assert.equal((await phone.counts()).unsent + (await phone.counts()).othersUnsent, 0);
  phone.close();
});

test("nobody's draft can be sealed, or saved, under another's name, whichever tab it is open in", async () => {
  const { world, phone, first, second } = await two();
  const other = await world.open();
  const draft = await collection(phone, [CODES[0]]);
  await phone.saveDraft(draft);
  await other.people.switchTo(first);
  assert.equal(deviceOf(phone), second, "this tab has not heard of it");
  await assert.rejects(phone.seal(draft), { code: "person-changed" });
  await phone.reload();
  assert.equal(deviceOf(phone), first);
  await assert.rejects(phone.seal(draft), { code: "person-changed" });
  await phone.saveDraft({ ...draft, note: "still hers" });
  assert.equal(await phone.loadDraft(), null);
  assert.deepEqual(await phone.outbox(), []);
  await phone.people.switchTo(second);
  const kept = await phone.loadDraft();
  assert.equal(kept.note, "still hers");
  await phone.seal(kept);
  await phone.kick("user");
  assert.deepEqual(arrivals(world.server), [second]);
  [phone, other].forEach((one) => one.close());
});

test("a photo taken for a draft is its owner's, though somebody else is signed in by then", async () => {
  const { phone, first, second } = await two();
  const draft = await collection(phone, [CODES[0]]);
  await phone.people.switchTo(first);
  const kept = await phone.storePhoto(
    new Uint8Array([0xff, 0xd8, 0xff, 1]).buffer,
    "image/jpeg",
    draft.owner,
  );
  assert.equal(await phone.blob(kept.sha256), null);
  await phone.people.switchTo(second);
  assert.ok(await phone.blob(kept.sha256));
  phone.close();
});

test("the list in sight is that of whoever is signed in, however slowly the one before it was read", async () => {
  const world = await World.make();
  const none = { upserts: [], removes: [] };
  const runs = (id) => ({
    upserts: [{ id, kind: "collect", title: id, day: "2026-11-22", parcels: [], place: null, state: "open" }],
    removes: [],
  });
  const about = (id) => ({
    cursor: id,
    more: false,
    reset: true,
    epoch: world.server.epoch,
    as_of: "2026-11-22T07:00:00.000Z",
    parcels: none,
    tasks: none,
    notices: none,
    runs: runs(id),
  });
  const phone = await world.enrolled();
  const first = deviceOf(phone);
  const tokenOf = (device) => [...world.server.devices].find(([, one]) => one.device === device)[0];
  world.server.instead = ({ path, headers }) =>
    path === "/sync/v1/worklist"
      ? reply(200, about(headers.get("Authorization") === `Bearer ${tokenOf(first)}` ? "hers" : "his"))
      : undefined;
  await phone.kick("user");
  await phone.enrol("CODE2", { label: "x" });
  assert.deepEqual(phone.runs(), []);
  await phone.kick("user");
  const second = deviceOf(phone);
  const seen = () => phone.runs().map(({ id }) => id);
  assert.deepEqual(seen(), ["his"]);
  const changes = [];
  phone.addEventListener("person", () => changes.push([phone.identity?.device ?? null, ...seen()]));
  await Promise.all([phone.reload(), phone.people.switchTo(first), phone.reload(), phone.people.signOut()]);
  assert.deepEqual(seen(), []);
  await phone.people.switchTo(second);
  assert.deepEqual(seen(), ["his"]);
  for (const [device, ...lists] of changes) {
    assert.deepEqual(lists, device === first ? ["hers"] : device === second ? ["his"] : []);
  }
  phone.close();
});

test("removing somebody takes every row of theirs and of nobody else, and asks for the number of what is unsent", async () => {
  const { world, phone, first, second } = await two();
  await phone.seal(await collection(phone, [CODES[0]]));
  await phone.saveDraft(await collection(phone, [CODES[1]]));
  await phone.people.switchTo(first);
  await phone.seal(await collection(phone, [CODES[2]]));
  const before = await rowsOf(world, first);
  const total = 1 + 2 + 1; // a handover, its photo and signature, a draft
  const him = (await phone.people.list()).find(({ device }) => device === second);
  assert.deepEqual(him.unsent, { handovers: 1, photos: 2, drafts: 1, total });
  for (const typed of [null, 0, total - 1]) {
    await assert.rejects(phone.people.remove(second, typed), { code: "count-differs" });
  }
  assert.ok((await rowsOf(world, second)).includes("sealed"), "a refusal removes nothing");
  await phone.people.remove(second, total);
  assert.deepEqual(await rowsOf(world, second), []);
  assert.deepEqual(await rowsOf(world, first), before);
  assert.equal(deviceOf(phone), first);
  await phone.kick("user");
  assert.deepEqual(arrivals(world.server), [first]);
  await phone.people.remove(first, null); // everything is with the office: no number
  assert.equal(phone.identity, null);
  assert.deepEqual(await rowsOf(world, first), []);
  phone.close();
});

for (const path of ["/sync/v1/hello", "/sync/v1/events", "/sync/v1/worklist", "/sync/v1/blobs"]) {
  test(`somebody removed while ${path} is on its way leaves nothing behind, and stops nobody else's queue`, async () => {
    const { world, phone, first, second } = await two();
    await phone.seal(await collection(phone, [CODES[0]]));
    await phone.people.switchTo(first);
    await phone.seal(await collection(phone, [CODES[2]]));
    await phone.people.switchTo(second);
    const own = [...world.server.devices].find(([, { device }]) => device === second)[0];
    let isDone = false;
    world.time += 700_000; // hello is asked anew
    world.server.after = async (request, response) => {
      const isHis = path === "/sync/v1/hello" || request.headers.get("Authorization") === `Bearer ${own}`;
      if (request.path === path && isHis && !isDone) {
        isDone = true;
        const { total } = (await phone.people.list()).find(({ device }) => device === second).unsent;
        await phone.people.remove(second, total);
      }
      return response;
    };
    const state = await phone.kick("user");
    assert.ok(isDone);
    assert.equal(state.problem, null);
    await phone.kick("user");
    assert.deepEqual(await rowsOf(world, second), []);
    assert.ok(arrivals(world.server).includes(first));
    assert.equal((await phone.people.list())[0].unsent.total, 0);
    phone.close();
  });
}

test("two tabs remove and seal at once: either it is sealed and counted, or nothing of it is left", async () => {
  const { world, phone, second } = await two();
  const other = await world.open();
  const draft = await collection(phone, [CODES[0]]);
  const [sealed, removed] = await Promise.allSettled([phone.seal(draft), other.people.remove(second, null)]);
  if (removed.status === "fulfilled") {
    assert.equal(sealed.status, "rejected");
    assert.deepEqual(await rowsOf(world, second), []);
  } else {
    assert.equal(removed.reason.code, "count-differs");
    assert.equal(sealed.status, "fulfilled");
  }
  [phone, other].forEach((one) => one.close());
});

test("a pause or a wait of one person holds back nobody else, and is tried again when nobody is signed in", async () => {
  const { world, phone, first } = await two();
  await sealSome(phone, 1);
  const [token] = [...world.server.devices].find(([, { device }]) => device === first);
  await phone.people.switchTo(first);
  await sealSome(phone, 1);
  world.server.instead = ({ path, headers }) =>
    path === "/sync/v1/events" && headers.get("Authorization") === `Bearer ${token}`
      ? reply(503, { code: "busy", title: "busy" }, { "Retry-After": "3000" })
      : undefined;
  const state = await phone.kick("user");
  assert.equal(state.problem.code, "busy");
  assert.equal(world.server.events.size, 1);
  await phone.people.signOut(); // which insists once
  const asked = world.server.requests.length;
  await phone.kick("timer");
  assert.equal(world.server.requests.length, asked, "the server asked to be left alone");
  world.server.instead = null;
  world.time += 3_100_000;
  await phone.kick("timer");
  assert.equal(world.server.events.size, 2);
  phone.close();
});

test("the same person connected again is one person with an earlier connection", async () => {
  const { phone, first, second } = await two();
  await phone.enrol("CODE3", { label: "Again" });
  const told = (await phone.people.list()).map(({ name, device, isCurrent, isEarlier }) => [
    name,
    device,
    isCurrent,
    isEarlier,
  ]);
  assert.deepEqual(told, [
    ["Ana", deviceOf(phone), true, false],
    ["Ben", second, false, false],
    ["Ana", first, false, true],
  ]);
  phone.close();
});

test("a restored server that no longer knows whoever is in front still gets what it lost of the others", async () => {
  const { world, phone, first, second } = await two();
  await phone.people.switchTo(first);
  await phone.seal(await collection(phone, [CODES[0]]));
  await phone.kick("user");
  await phone.people.switchTo(second);
  await phone.kick("user");
  const { server } = world;
  for (const [token, { device }] of server.devices) if (device === second) server.devices.delete(token);
  Object.assign(server, { epoch: "epoch-2" });
  world.time += 700_000;
  assert.equal((await phone.kick("timer")).state, "paused", "of the first restore everybody hears");
  Object.assign(server, { epoch: "epoch-3", events: new Map(), effects: [] });
  world.time += 700_000;
  assert.equal((await phone.kick("timer")).state, "paused");
  assert.deepEqual(arrivals(server), [first]);
  const last = server.bodies.at(-1).queue;
  assert.deepEqual([last.unsent, last.unsent_blobs], [0, 0], "and the office is told that nothing is left");
  phone.close();
});

/** Lets this browser be told, by one subscription. Answers what it says of it, and how to take it all away. */
function tellable() {
  const held = { endpoint: "https://push.test/1", unsubscribed: 0 };
  held.unsubscribe = async () => (held.unsubscribed += 1);
  const pushManager = { getSubscription: async () => held };
  const serviceWorker = { getRegistration: async () => ({ pushManager }) };
  const put = { navigator: { serviceWorker }, PushManager: class {}, Notification: class {} };
  const before = Object.keys(put).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const [name, value] of Object.entries(put)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  const mend = () => {
    for (const [name, was] of before) {
      if (was) Object.defineProperty(globalThis, name, was);
      else delete globalThis[name];
    }
  };
  return { held, mend };
}

test("somebody removed from a phone is told of on it no more, and whoever else agreed still is", async () => {
  const { world, phone, first, second } = await two();
  const { held, mend } = tellable();
  const off = [];
  world.server.instead = ({ path, headers, body }) => {
    if (path !== "/sync/v1/push/off") return undefined;
    off.push([headers.get("Authorization"), JSON.parse(body).endpoint]);
    return reply(204, null);
  };
  const store = storeOf(world);
  const tokens = new Map([...world.server.devices].map(([token, { device }]) => [device, `Bearer ${token}`]));
  try {
    for (const device of [first, second]) await setMeta(store, device, "told", { endpoint: held.endpoint });
    await phone.people.remove(second, null);
    assert.deepEqual([off, held.unsubscribed], [[[tokens.get(second), held.endpoint]], 0]);
    world.server.instead = () => Promise.reject(new TypeError("Failed to fetch"));
    await phone.people.remove(first, null);
    assert.equal(held.unsubscribed, 1, "with no network too");
  } finally {
    mend();
  }
  store.close();
  phone.close();
});

test("the browser is asked once to keep the work when somebody is connected, and its refusal harms nothing", async () => {
  for (const answer of [
    async () => true,
    async () => Promise.reject(new TypeError("no")),
    () => new Promise(() => {}),
  ]) {
    let asked = 0;
    const persist = () => {
      asked += 1;
      return answer();
    };
    const world = await World.make();
    const phone = await world.open({ storageManager: { persist } });
    assert.equal(asked, 0, "not before there is anything to keep");
    const { actor } = await phone.enrol("CODE1", { label: "Test phone" });
    assert.equal(asked, 1);
    assert.equal(phone.identity.actor.id, actor.id);
    phone.close();
  }
  const world = await World.make();
  const phone = await world.enrolled({
    storageManager: { persist: () => Promise.reject(new TypeError("no")) },
  });
  assert.equal(await phone.persist(), false);
  phone.close();
});
