/** Sealing and sending, with real stores and a server that follows PROTOCOL. */
import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { test } from "node:test";
import { problem, reply } from "./helpers/fake_server.js";
import { CODES, World, collection, picture } from "./helpers/world.js";
import { listBlobs, patchBlob } from "../../webapp/static/js/storage/blobs.js";
import { listReceipts } from "../../webapp/static/js/storage/receipts.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { isSignedBy, readJws } from "../../webapp/static/js/outbox/keys.js";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const storeOf = (world) => new Store(world.databaseName);
const deviceOf = (phone) => phone.identity.device;

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
  });
  phone.close();
});

test("events go before pictures, small pictures before large, and the last word is an empty queue", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [300_000, 20_000]));
  await phone.kick("user");
  const asked = world.server.requests.filter((line) => /events|blobs/.test(line));
  assert.equal(asked[0], "POST /sync/v1/events");
  assert.equal(asked.at(-1), "POST /sync/v1/events");
  assert.deepEqual(
    [...world.server.blobs.values()].map((bytes) => bytes.length),
    [900, 20_000, 300_000],
  );
  const { queue } = world.server.bodies.at(-1);
  assert.deepEqual([queue.unsent, queue.unsent_blobs, queue.head_seq, queue.oldest_at], [0, 0, 1, null]);
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

const seal = async (phone, count) => {
  for (let i = 0; i < count; i += 1) {
    const draft = phone.newDraft("attempt", { reason: "nobody_home" });
    draft.scans = [{ code: CODES[i % 6], raw: "", verdict: "known", at: "", typed: false, override: null }];
    await phone.seal(draft);
  }
};

test("413 halves the batch down to what passes, and the one that never passes is parked, not the others", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await seal(phone, 9);
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
  await seal(phone, 6);
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
  await seal(phone, 3);
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
  await seal(phone, 3);
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
  await seal(phone, 3);
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
  await seal(phone, 1);
  await phone.kick("user");
  const [item] = await phone.outbox();
  assert.deepEqual([item.state, item.problem.code], ["attention", "bad_signature"]);
  assert.equal((await phone.counts()).unsent, 0);
  phone.close();
});

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

test("a picture the server has lost is sent again when it says so", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  await phone.seal(draft);
  await phone.kick("user");
  world.server.blobs.delete(draft.photos[0].sha256);
  world.time += 700_000;
  await phone.kick("user");
  assert.ok(world.server.blobs.has(draft.photos[0].sha256));
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

test("a server that fell back without saying so is noticed by its high_seq", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await seal(phone, 3);
  await phone.kick("user");
  const last = [...world.server.events.keys()].at(-1);
  world.server.events.delete(last);
  world.server.effects.pop();
  world.time += 700_000;
  await phone.kick("user");
  assert.equal(world.server.audit(assert).length, 3);
  phone.close();
});

test("a broken upload goes on where it stopped", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [900_000]));
  let sent = 0;
  world.server.after = ({ method, headers, body }, response) => {
    if (method !== "PATCH") return response;
    sent += body.length;
    if (Number(headers.get("Upload-Offset")) === 262_144) throw new TypeError("cut after the server took it");
    return response;
  };
  assert.equal((await phone.kick("user")).state, "offline");
  world.server.after = ({ method, body }, response) => {
    if (method === "PATCH") sent += body.length;
    return response;
  };
  await phone.kick("user");
  assert.equal((await phone.outbox())[0].state, "safe");
  assert.equal(sent, 900_000, "no byte went twice");
  assert.ok(world.server.requests.some((line) => line.startsWith("HEAD")));
  phone.close();
});

test("a picture the server found damaged stays wanted and is sent anew", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [400_000]));
  let spoiled = 0;
  world.server.instead = ({ method, path }) => {
    if (method !== "PATCH" || spoiled > 2) return undefined;
    spoiled += 1;
    world.server.uploads.delete(path);
    return problem(460, "checksum-mismatch");
  };
  for (let i = 0; i < 6; i += 1) {
    await phone.kick("user");
    world.time += 60_000;
  }
  assert.equal((await phone.outbox())[0].state, "safe");
  phone.close();
});

test("a picture the server will not take is shown and kept, and holds back no other", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [3_000]);
  await phone.seal(draft);
  world.server.instead = ({ method, path, body }) =>
    method === "POST" && path === "/sync/v1/blobs" && body?.length === 3_000
      ? problem(415, "picture-unsupported")
      : undefined;
  await phone.kick("user");
  const [item] = await phone.outbox();
  assert.deepEqual([item.state, item.problem.code, item.photosHeld], ["attention", "picture-unsupported", 1]);
  assert.ok(await phone.blob(draft.photos[0].sha256));
  world.server.instead = null;
  await phone.retry(item.id);
  assert.equal((await phone.outbox())[0].state, "safe");
  phone.close();
});

test("a picture the server already holds is not sent", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [500_000]);
  const [photo] = draft.photos;
  world.server.blobs.set(photo.sha256, Buffer.from(await phone.blob(photo.sha256)));
  await phone.seal(draft);
  await phone.kick("user");
  assert.equal((await phone.outbox())[0].state, "safe");
  assert.ok(!world.server.requests.some((line) => line.startsWith("PATCH")));
  phone.close();
});

test("a picture the phone can no longer read is told by a blob_lost event, once", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 2));
  const sealed = await phone.seal(draft);
  const store = storeOf(world);
  await store.open();
  await store.write(["blob_bytes"], (tx) =>
    tx.objectStore("blob_bytes").delete([deviceOf(phone), draft.photos[0].sha256]),
  );
  await phone.kick("user");
  await phone.kick("user");
  const lost = world.server.audit(assert).filter(({ kind }) => kind === "blob_lost");
  assert.equal(lost.length, 1);
  assert.equal(lost[0].ref, sealed.id);
  assert.deepEqual(
    lost[0].blobs.map((blob) => blob.sha256),
    [draft.photos[0].sha256],
  );
  const item = (await phone.outbox()).find(({ id }) => id === sealed.id);
  assert.deepEqual([item.state, item.photosHeld, item.photosTotal], ["attention", 1, 2]);
  phone.close();
  store.close();
});

test("a picture whose record cannot be read is tried again, then told as lost, and holds back no other", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, CODES.slice(0, 1), [3_000]);
  await phone.seal(draft);
  const { get } = globalThis.IDBObjectStore.prototype;
  globalThis.IDBObjectStore.prototype.get = function broken(key) {
    if (this.name === "blob_bytes" && key[1] === draft.photos[0].sha256) {
      throw new DOMException("Data lost due to missing file", "NotReadableError");
    }
    return get.call(this, key);
  };
  const states = [];
  for (let i = 0; i < 6; i += 1) {
    await phone.kick("user");
    states.push(world.server.audit(assert).length);
    world.time += 400_000;
  }
  globalThis.IDBObjectStore.prototype.get = get;
  assert.deepEqual([states[0], states.at(-1)], [1, 2]);
  assert.equal(world.server.blobs.size, 1, "the signature went at once");
  assert.equal(world.server.audit(assert)[1].kind, "blob_lost");
  phone.close();
});

test("a clock that jumps back by a year does not hold work back", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await seal(phone, 2);
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

test("pages hear of every picture that went through", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [2_000, 3_000, 4_000]));
  const seen = new Set();
  phone.addEventListener("changed", () => void phone.outbox().then(([item]) => seen.add(item.photosHeld)));
  await phone.kick("user");
  await phone.outbox();
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4]);
  phone.close();
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

test("receipts are kept, and one that the server's key did not sign proves nothing", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await seal(phone, 1);
  await phone.kick("user");
  const store = storeOf(world);
  await store.open();
  const [receipt] = await listReceipts(store, deviceOf(phone));
  assert.equal(receipt.verified, true);
  assert.deepEqual(receipt.events, [(await phone.outbox())[0].id]);
  const other = await World.make();
  world.server.signingKey = other.server.signingKey;
  await seal(phone, 1);
  await phone.kick("user");
  const kept = await listReceipts(store, deviceOf(phone));
  assert.equal(kept[1].verified, false);
  assert.equal((await phone.outbox())[0].receiptAt, null);
  phone.close();
  store.close();
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

test("what is acknowledged stays 14 days, and longer while a picture is missing on the server", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.seal(await collection(phone, [CODES[5]]));
  await phone.kick("user");
  const store = storeOf(world);
  await store.open();
  const device = deviceOf(phone);
  world.time += 13 * 86_400_000;
  await phone.kick("user");
  assert.equal((await phone.outbox()).length, 2);
  const [first] = (await phone.outbox()).filter(({ seq }) => seq === 1);
  const blob = (await listBlobs(store, device)).find(({ events }) => events.includes(first.id));
  await patchBlob(store, device, blob.sha256, { state: "refused" });
  world.time += 2 * 86_400_000;
  await phone.kick("user");
  assert.deepEqual(
    (await phone.outbox()).map(({ seq }) => seq),
    [1],
  );
  await patchBlob(store, device, blob.sha256, { state: "held" });
  world.time += 86_400_000;
  await phone.kick("user");
  assert.deepEqual(await phone.outbox(), []);
  assert.deepEqual(await listBlobs(store, device), []);
  assert.equal((await phone.counts()).headSeq, 2, "the chain goes on where it was");
  phone.close();
  store.close();
});

test("a discarded draft takes its pictures along, but not those that are still used", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const one = await collection(phone);
  const two = await collection(phone);
  two.photos.push(one.photos[0]);
  await phone.saveDraft(one);
  await phone.saveDraft(two);
  await phone.discardDraft(one.id);
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
