/** Pictures on their way: none is left out of the seal, none is filed under another parcel, and none is lost without a word. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { buildPayload, hasRoomFor } from "../../webapp/static/js/domain/payload.js";
import { makeJws, makeKey } from "../../webapp/static/js/outbox/keys.js";
import { Flow } from "../../webapp/static/js/pages/flow.js";
import { Shots } from "../../webapp/static/js/pages/shots.js";
import { bitmap, openBitmaps, withCanvas } from "./helpers/canvas.js";
import { CODES, World, collection, sha256 } from "./helpers/world.js";

const corners = [
  { x: 2, y: 2 },
  { x: 9, y: 9 },
];
const seen = { text: CODES[0], corners };

/** A handover of two parcels with no photo yet, and what photographs for it; `tags` are seen in every picture. */
async function shooting(tags = []) {
  const world = await World.make();
  const phone = await world.enrolled();
  const flow = new Flow(phone);
  flow.draft = await collection(phone, CODES.slice(0, 2), []);
  const { draft } = flow;
  const still = async (picture) => {
    await new Promise((done) => setTimeout(done, 10));
    picture.close();
    return tags;
  };
  const shots = new Shots({ flow, phone, decoder: { still } }, draft);
  const failed = [];
  shots.addEventListener("failed", ({ detail }) =>
    failed.push(detail instanceof DOMException ? detail.name : detail.code),
  );
  const sealedPhotos = async () => (await phone.outbox())[0].photosTotal - 1; // without the signature
  return { phone, flow, draft, shots, failed, sealedPhotos };
}

test("a seal pressed right after the shutter has the photo, and the tag cut out of it when that is waited for", () =>
  withCanvas(async () => {
    const one = await shooting();
    void one.shots.shoot(Promise.resolve(bitmap("a")), null);
    await one.flow.seal();
    assert.equal(await one.sealedPhotos(), 1);
    await one.shots.settled();
    one.phone.close();
    const two = await shooting([seen]);
    void two.shots.shoot(Promise.resolve(bitmap("a")), null);
    await two.shots.settled();
    await two.flow.seal();
    assert.equal(await two.sealedPhotos(), 2);
    assert.equal(openBitmaps(), 0);
    two.phone.close();
  }));

test("of several files all are in the seal that is pressed at the first", () =>
  withCanvas(async () => {
    const { phone, flow, shots, sealedPhotos } = await shooting();
    const first = new Promise((done) => shots.addEventListener("kept", done, { once: true }));
    void shots.read([{ name: "1" }, { name: "2" }, { name: "3" }], () => null);
    await first;
    await flow.seal();
    assert.equal(await sealedPhotos(), 3);
    await shots.settled();
    phone.close();
  }));

test("what cannot be read is counted and costs only itself; the same picture again lacks nothing", () =>
  withCanvas(async () => {
    const { phone, draft, shots, failed } = await shooting();
    await shots.read([{ name: "1" }, { isBroken: true }, { name: "1" }, { name: "2" }], () => null);
    await shots.shoot(Promise.reject(new DOMException("no frame", "InvalidStateError")), null);
    assert.deepEqual(failed, ["InvalidStateError", "photo-there", "InvalidStateError"]);
    assert.deepEqual([draft.photos.length, shots.failures, shots.coming.length], [2, 2, 0]);
    await shots.settled();
    phone.close();
  }));

test("a picture is of the parcel at its press, and it is known at once which ones are coming", () =>
  withCanvas(async () => {
    const { phone, draft, shots } = await shooting();
    const [a, b] = CODES;
    const begun = [];
    shots.addEventListener("begun", () => begun.push([...shots.coming]));
    const both = [shots.shoot(Promise.resolve(bitmap("a")), a), shots.shoot(Promise.resolve(bitmap("b")), b)];
    assert.deepEqual(begun, [[a], [a, b]], "before anything is stored");
    await Promise.all(both);
    assert.deepEqual(
      draft.photos.map(({ parcel }) => parcel),
      [a, b],
    );
    draft.scans.pop();
    await shots.shoot(Promise.resolve(bitmap("c")), b);
    assert.equal(draft.photos.at(-1).parcel, null, "it was taken off meanwhile");
    await shots.settled();
    phone.close();
  }));

test("tags give way to the photo of a parcel that has none", () =>
  withCanvas(async () => {
    const { phone, draft, shots, failed } = await shooting();
    const codes = Array.from({ length: 120 }, (_, n) => `SPXMY${String(n).padStart(12, "0")}`);
    draft.scans = codes.map((code) => ({ ...draft.scans[0], code, raw: code }));
    const made = (n, role) => ({
      sha256: sha256(`${role} ${n}`),
      type: "image/jpeg",
      size: 400_000,
      role,
      parcel: codes[n % 120],
    });
    for (let n = 0; n < 60; n += 1) draft.photos.push(made(n, "photo"));
    for (let n = 0; hasRoomFor(draft, made(n, "tag")); n += 1) draft.photos.push(made(n, "tag"));
    const tags = draft.photos.filter(({ role }) => role === "tag").length;
    const count = (role) => draft.photos.filter((photo) => photo.role === role).length;
    await shots.shoot(Promise.reject(new DOMException("no frame", "InvalidStateError")), codes[60]);
    assert.deepEqual(
      [failed, count("tag")],
      [["InvalidStateError"], tags],
      "none goes for a photo that is not kept",
    );
    for (let n = 60; n < 120; n += 1) await shots.shoot(Promise.resolve(bitmap(`photo ${n}`)), codes[n]);
    assert.deepEqual([failed.length, count("photo")], [1, 120]);
    assert.ok(count("tag") < tags && count("tag") >= tags - 61, `${count("tag")} of ${tags}`);
    await shots.settled();
    phone.close();
  }));

test("a picture whose handover was put away or thrown away is told, not dropped without a word", () =>
  withCanvas(async () => {
    const { phone, flow, draft, shots, failed } = await shooting();
    const reading = shots.read([{ name: "1" }, { name: "2" }], () => null);
    await flow.discard();
    await reading;
    assert.deepEqual([failed, draft.photos], [["handover-closed", "handover-closed"], []]);
    await shots.settled();
    assert.equal(openBitmaps(), 0);
    phone.close();
  }));

test("photos stop before the handover is too large to seal, with room for whoever signs and what they note", () =>
  withCanvas(async () => {
    const { phone, draft, shots, failed } = await shooting([seen]);
    const codes = Array.from({ length: 300 }, (_, n) => `SPXMY${String(n).padStart(12, "0")}`);
    draft.scans = codes.map((code) => ({ ...draft.scans[0], code, raw: code }));
    const filled = (n) => ({
      sha256: sha256(String(n)),
      type: "image/jpeg",
      size: 400_000,
      role: "photo",
      parcel: codes[n],
    });
    for (let n = 0; hasRoomFor(draft, filled(n)); n += 1) draft.photos.push(filled(n));
    const { length } = draft.photos;
    assert.ok(length > 150, String(length));
    await shots.shoot(Promise.resolve(bitmap("one more")), codes[299]);
    assert.deepEqual([failed, draft.photos.length], [["handover-full"], length]);
    await new Promise((done) => setTimeout(done));
    assert.equal(openBitmaps(), 0, "what was refused unseen is let go");
    const points = [Array.from({ length: 300 }, (_, n) => [0.123, 0.456, n + 1_000])];
    draft.data = { signature: { strokes: 1, ms: 1_300, points } };
    Object.assign(draft, { counterpart: { name: "N".repeat(200), role: "clerk" }, note: "n".repeat(1_000) });
    const link = {
      id: draft.id,
      device: draft.id,
      actor: draft.id,
      seq: 9_999,
      prev: sha256("a"),
      at: draft.startedAt,
    };
    const { privateKey, kid } = await makeKey(webcrypto.subtle);
    const key = { privateKey, kid };
    const jws = await makeJws(
      webcrypto.subtle,
      buildPayload(draft, { ...link, offset_ms: -99_999_999 }),
      key,
    );
    assert.ok(jws.length <= 65_536, String(jws.length));
    draft.photos.push(...Array.from({ length: 200 }, (_, n) => filled(n)));
    await assert.rejects(phone.seal(draft), (error) => /photos and tags/.test(error.title));
    await shots.settled();
    phone.close();
  }));
