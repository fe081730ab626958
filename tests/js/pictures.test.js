/** Sending pictures: broken uploads, refusals, losses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problem } from "./helpers/fake_server.js";
import { CODES, World, collection, deviceOf, storeOf } from "./helpers/world.js";
import { listBlobs, patchBlob } from "../../webapp/static/js/storage/blobs.js";

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

test("a line that is cut again and again, and carries in between, is not waited for longer each time", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  for (const code of CODES.slice(0, 4)) await phone.seal(await collection(phone, [code], [300_000]));
  let pieces = 0;
  world.server.after = ({ path, body }, response) => {
    if (path.startsWith("/sync/v1/blobs") && (body?.length ?? 0) > 10_000 && (pieces += 1) % 2 === 0) {
      throw new TypeError("cut");
    }
    return response;
  };
  const waits = [];
  for (let round = 0; round < 20 && (await phone.counts()).unsentBlobs > 0; round += 1) {
    const { state, nextAt } = await phone.kick("user");
    if (state === "offline") waits.push(Date.parse(nextAt) - world.time);
  }
  assert.equal((await phone.counts()).unsentBlobs, 0);
  assert.ok(waits.length >= 3, `cut ${waits.length} times`);
  assert.ok(Math.max(...waits) <= 1_000, `waited ${waits}`);
  phone.close();
});

test("on a line that was cut, pieces are no larger than it carries in eight seconds", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [900_000]));
  const pieces = [];
  world.server.instead = ({ method, body }) => {
    if (method !== "PATCH") return undefined;
    world.time += body.length / 8; // 64 kbit/s
    pieces.push(body.length);
    if (pieces.length === 2) throw new TypeError("cut");
    return undefined;
  };
  for (let round = 0; round < 9 && (await phone.counts()).unsentBlobs > 0; round += 1) {
    await phone.kick("user");
  }
  assert.equal((await phone.counts()).unsentBlobs, 0);
  assert.deepEqual(pieces.slice(0, 2), [262_144, 524_288], "trusted until it is cut");
  const later = pieces.slice(3);
  assert.ok(later.length > 3 && Math.max(...later) <= 64_000, `pieces of ${pieces}`);
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

test("a piece has a checksum only where a line was seen to change bytes", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [400_000]));
  const pieces = [];
  world.server.instead = ({ method, headers, body }) => {
    if (method !== "PATCH") return;
    pieces.push(headers.has("Upload-Checksum"));
    if (pieces.length === 1) body[0] ^= 1;
  };
  for (let round = 0; round < 6 && (await phone.counts()).unsentBlobs > 0; round += 1) {
    await phone.kick("user");
    world.time += 60_000;
  }
  assert.equal((await phone.outbox())[0].state, "safe");
  assert.deepEqual(pieces.slice(0, 2), [false, false]);
  assert.ok(pieces.length > 2 && pieces.slice(2).every(Boolean), `checksums: ${pieces}`);
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

test("a handover whose pictures do not go is as old as it is, though the office has its words", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  world.server.instead = ({ path }) =>
    path.startsWith("/sync/v1/blobs") ? problem(503, "server-busy") : undefined;
  const { id } = await phone.seal(await collection(phone, CODES.slice(0, 1)));
  const { at } = (await phone.outbox()).find((item) => item.id === id);
  world.time += 100_000;
  const later = await phone.seal(await collection(phone, CODES.slice(1, 2), []));
  await phone.kick("user");
  const { unsent, unsentBlobs, oldestAt } = await phone.counts();
  assert.deepEqual([unsent, unsentBlobs, oldestAt], [0, 3, at]);
  const { queue } = world.server.bodies.at(-1);
  assert.deepEqual(
    [queue.unsent, queue.oldest_at],
    [0, null],
    "the office is told of records alone, as ever",
  );
  world.server.instead = null;
  world.time += 1_000_000;
  await phone.kick("user");
  assert.equal((await phone.counts()).oldestAt, null);
  assert.equal((await phone.outbox()).find((item) => item.id === later.id).state, "safe");
  phone.close();
});

test("a refusal that was cut on its way gives up neither a record nor a picture", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone, CODES.slice(0, 1), [300_000]));
  let cut = 0;
  world.server.instead = ({ path }) => {
    if (!/events|blobs/.test(path) || cut >= 3) return undefined;
    cut += 1;
    return new Response('{"code": "malf', {
      status: [400, 413, 422][cut - 1],
      headers: { "Sync-Protocol": "1", "Content-Type": "application/problem+json" },
    });
  };
  for (let round = 0; round < 12; round += 1) {
    world.time += 700_000;
    await phone.kick("user");
  }
  assert.equal(cut, 3);
  assert.equal((await phone.outbox())[0].state, "safe");
  assert.deepEqual(await phone.counts().then(({ unsent, unsentBlobs }) => [unsent, unsentBlobs]), [0, 0]);
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
