/** The rescue file: its bytes, what goes into it, and that nothing leaves the queue by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as crcOfNode } from "node:zlib";
import { PhoneError } from "../../webapp/static/js/domain/problems.js";
import { fileName, shareOut } from "../../webapp/static/js/domain/rescue.js";
import { crc32, directory, localHeader, overhead } from "../../webapp/static/js/domain/zip.js";
import { share, shareable } from "../../webapp/static/js/pages/rescue-give.js";
import { Shelf } from "../../webapp/static/js/storage/shelf.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { patchBlob } from "../../webapp/static/js/storage/blobs.js";
import { problem } from "./helpers/fake_server.js";
import { World, collection, deviceOf, sealSome, sha256, storeOf } from "./helpers/world.js";

const text = new TextDecoder();

/** The parts of a zip by its local headers, checked against its directory. */
async function partsOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const parts = new Map();
  let at = 0;
  while (view.getUint32(at, true) === 0x04034b50) {
    const size = view.getUint32(at + 18, true);
    const start = at + 30 + view.getUint16(at + 26, true);
    const data = bytes.slice(start, start + size);
    assert.equal(view.getUint32(at + 14, true), crc32(data));
    parts.set(text.decode(bytes.slice(at + 30, start)), { data, at });
    at = start + size;
  }
  const listed = view.getUint16(bytes.length - 12, true);
  assert.equal(listed, parts.size);
  assert.equal(view.getUint32(bytes.length - 6, true), at, "the directory begins where the parts end");
  return parts;
}

const manifestOf = (parts) => JSON.parse(text.decode(parts.get("manifest.json").data));
const linesOf = (parts) => text.decode(parts.get("events.jws").data).split("\n").slice(0, -1);
const picturesOf = (parts) => [...parts.keys()].filter((name) => name.startsWith("blobs/"));

/** Everything the database holds, to compare before and after. */
const contents = (world) =>
  storeOf(world).read(["events", "sealed", "outbox", "blobs", "chains"], async (tx) =>
    Promise.all(
      ["events", "sealed", "outbox", "blobs", "chains"].map((name) => tx.objectStore(name).getAll()),
    ),
  );

test("the checksum is zip's own, in one piece and in several", () => {
  const bytes = Uint8Array.from({ length: 1_003 }, (_, index) => (index * 73) ^ (index >> 3));
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
  for (const cut of [0, 1, 7, 8, 500, 1_003]) {
    assert.equal(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut))), crc32(bytes));
  }
  if (crcOfNode) assert.equal(crc32(bytes), crcOfNode(bytes));
});

test("a header has the bytes that the format names, and a size as it was foretold", () => {
  const part = { name: "events.jws", size: 0x01020304, crc: 0xfffefdfc };
  const header = Buffer.from(localHeader(part)).toString("hex");
  const facts =
    "0a00" + "0008" + "0000" + "0000" + "2100" + "fcfdfeff" + "04030201" + "04030201" + "0a00" + "0000";
  assert.equal(header, "504b0304" + facts + Buffer.from("events.jws").toString("hex"));
  const listed = directory([{ ...part, at: 7 }], 99);
  assert.equal(localHeader(part).length + listed.length - 22, overhead("events.jws"));
});

test("every event goes into the first file as far as there is room, then pictures", () => {
  const events = [1, 2, 3].map((seq) => ({ device: "d", seq, size: 99 }));
  const pictures = ["a", "b", "c"].map((sha) => ({ device: "d", sha256: sha, size: 3_000 }));
  const limits = { bytes: 12_000, events: 2, pictures: 10 };
  const shares = shareOut(events, pictures, limits);
  assert.deepEqual(
    shares.map((share) => [share.events.length, share.pictures.length]),
    [
      [2, 0],
      [1, 2],
      [0, 1],
    ],
  );
  assert.deepEqual(shareOut([], [], limits), []);
  const few = shareOut([], pictures, { bytes: 1e9, events: 2, pictures: 1 });
  assert.equal(few.length, 3);
  const full = shareOut([], Array(20).fill({ device: "d", sha256: "x", size: 10_485_760 }));
  assert.deepEqual(
    full.map((share) => share.pictures.length),
    [4, 4, 4, 4, 4],
  );
});

test("a file's name says when, whose and which of how many", () => {
  const device = "0192f1aa-7e3a-7abc-8def-000000000000";
  const { TZ } = process.env;
  process.env.TZ = "Asia/Jakarta"; // the day that the phone's clock shows, not that of London
  const at = new Date("2026-11-22T20:05:00.000Z");
  assert.equal(fileName(at, device, 1, 1), "baton-20261123-0305-0192f1aa.baton");
  assert.equal(fileName(at, device, 2, 3), "baton-20261123-0305-0192f1aa-2.baton");
  process.env.TZ = TZ ?? "UTC";
});

test("the file holds what is unsent and parked, byte for byte, and nothing leaves the queue by it", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  await phone.kick("user"); // this one is home
  const home = await phone.outbox();
  assert.equal(home[0].state, "safe");
  const parked = await phone.seal(await collection(phone));
  world.server.instead = ({ path }) => {
    if (path !== "/sync/v1/events") throw new TypeError("network");
    return problem(400, "malformed-batch");
  };
  await phone.kick("user");
  world.server.instead = null;
  await sealSome(phone, 2);
  assert.deepEqual(
    (await phone.outbox()).map(({ state }) => state),
    ["sealed", "sealed", "parked", "safe"],
  );
  const before = await contents(world);
  const rescue = await phone.rescue();
  const steps = [];
  const made = await rescue.make({}, (done, total) => steps.push(done / total));
  assert.equal(made.files.length, 1);
  assert.deepEqual(made.unread, { events: 0, pictures: 0 });
  assert.equal(steps.at(-1), 1);
  const [{ file, events, pictures }] = made.files;
  assert.match(file.name, /^baton-2026112\d-\d{4}-.{8}\.baton$/);
  assert.deepEqual([file.type, events, pictures], ["application/zip", 3, 2]);
  const parts = await partsOf(file);
  assert.deepEqual([...parts.keys()].slice(0, 2), ["manifest.json", "events.jws"]);
  const lines = linesOf(parts);
  const ids = (await phone.outbox()).slice(0, 3).reverse();
  assert.deepEqual(lines, await Promise.all(ids.map(({ id }) => phone.eventJws(id))));
  assert.equal(ids[0].id, parked.id);
  const names = picturesOf(parts);
  for (const name of names) assert.equal(sha256(parts.get(name).data), name.slice(6, 70));
  const { device, part, parts: of, blobs, events: told, format } = manifestOf(parts);
  assert.deepEqual([format, device, part, of, told, blobs], [1, deviceOf(phone), 1, 1, 3, 2]);
  await rescue.noteGiven(made, made.files[0]);
  assert.deepEqual(await contents(world), before);
  const [standing] = await rescue.standing();
  assert.deepEqual(
    [standing.events, standing.pictures, standing.last.events, standing.last.pictures],
    [3, 2, 3, 2],
  );
  phone.close();
  const again = await world.open();
  const [kept] = await (await again.rescue()).standing();
  assert.equal(kept.last.events, 3, "it is remembered over a start");
  again.close();
});

test("one handover alone can be taken out, with its pictures, and says nothing of the rest", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await sealSome(phone, 3);
  const { id } = await phone.seal(await collection(phone));
  const rescue = await phone.rescue();
  const made = await rescue.make({ device: deviceOf(phone), event: id });
  const parts = await partsOf(made.files[0].file);
  assert.deepEqual(linesOf(parts), [await phone.eventJws(id)]);
  assert.equal(picturesOf(parts).length, 2);
  await rescue.noteGiven(made, made.files[0]);
  assert.equal((await rescue.standing())[0].last, null);
  await assert.rejects(rescue.make({ event: "none" }), { code: "event-unknown" });
  phone.close();
});

test("everybody's work on the phone goes in, and one person's can go alone", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const first = deviceOf(phone);
  await sealSome(phone, 2);
  await phone.enrol("CODE2", { label: "Second" });
  const second = deviceOf(phone);
  await phone.seal(await collection(phone));
  const rescue = await phone.rescue();
  const standing = await rescue.standing();
  assert.deepEqual(
    standing.map(({ device, events, pictures }) => [device, events, pictures]),
    [
      [second, 1, 2],
      [first, 2, 0],
    ],
  );
  const all = await rescue.make();
  const lines = linesOf(await partsOf(all.files[0].file));
  const owners = lines.map((jws) => JSON.parse(Buffer.from(jws.split(".")[1], "base64url")));
  const expected = [first, second].sort().flatMap((device) =>
    device === first
      ? [
          [first, 1],
          [first, 2],
        ]
      : [[second, 1]],
  );
  assert.deepEqual(
    owners.map(({ device, seq }) => [device, seq]),
    expected,
    "by device, then by seq",
  );
  const one = await rescue.make({ device: first });
  const parts = await partsOf(one.files[0].file);
  assert.deepEqual([linesOf(parts).length, manifestOf(parts).device], [2, first]);
  phone.close();
});

test("what lies in a store that was left behind goes in as soon as that opens again", async () => {
  const world = await World.make();
  const before = await world.enrolled();
  await before.seal(await collection(before));
  const old = deviceOf(before);
  before.close();
  const noted = {
    current: "beside",
    lost: [{ name: world.databaseName, at: "", why: "UnknownError", isEmpty: false }],
  };
  const shelf = new Shelf({ getItem: () => JSON.stringify(noted), setItem: () => undefined });
  const phone = await world.open({ databaseName: `${world.databaseName}-beside`, shelf });
  await phone.enrol("CODE2", { label: "Again" });
  await sealSome(phone, 1);
  const rescue = await phone.rescue();
  const people = async () => (await rescue.standing()).map(({ device, events }) => [device, events]);
  assert.deepEqual(await people(), [
    [deviceOf(phone), 1],
    [old, 1],
  ]);
  const made = await rescue.make();
  const parts = await partsOf(made.files[0].file);
  assert.deepEqual([linesOf(parts).length, picturesOf(parts).length], [2, 2]);
  await rescue.noteGiven(made, made.files[0]);
  assert.equal((await rescue.standing())[1].last.pictures, 2);
  noted.lost[0].name = "there is none";
  assert.deepEqual(await people(), [[deviceOf(phone), 1]]);
  phone.close();
});

test("a photo that cannot be read back costs only itself, and is named", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone, undefined, [5_000, 6_000]);
  await phone.seal(draft);
  const [gone, changed] = draft.photos;
  const store = storeOf(world);
  await store.write(["blob_bytes"], async (tx) => {
    await tx.objectStore("blob_bytes").delete([deviceOf(phone), gone.sha256]);
    await tx
      .objectStore("blob_bytes")
      .put({ device: deviceOf(phone), sha256: changed.sha256, bytes: new ArrayBuffer(6_000) });
  });
  const made = await (await phone.rescue()).make();
  assert.deepEqual(made.unread, { events: 0, pictures: 2 });
  const parts = await partsOf(made.files[0].file);
  assert.deepEqual([linesOf(parts).length, picturesOf(parts).length, manifestOf(parts).blobs], [1, 1, 1]);
  phone.close();
});

test("pictures whose event is home go alone, beside an empty list of events", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const draft = await collection(phone);
  await phone.seal(draft);
  await phone.kick("user");
  await patchBlob(storeOf(world), deviceOf(phone), draft.photos[0].sha256, { state: "wanted" });
  const made = await (await phone.rescue()).make();
  const parts = await partsOf(made.files[0].file);
  assert.equal(parts.get("events.jws").data.length, 0);
  assert.equal(picturesOf(parts).length, 1);
  phone.close();
});

test("with a store that can only be read the file is made all the same, and known to be given", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  const rescue = await phone.rescue();
  const { write } = Store.prototype;
  Store.prototype.write = async () => {
    throw new PhoneError("storage-full", "This phone has no room left.");
  };
  try {
    const made = await rescue.make();
    assert.equal(linesOf(await partsOf(made.files[0].file)).length, 1);
    await rescue.noteGiven(made, made.files[0]);
    assert.equal((await rescue.standing())[0].last.events, 1);
  } finally {
    Store.prototype.write = write;
  }
  phone.close();
});

test("broken off at any step there is no file; made to the end it is whole", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  await phone.seal(await collection(phone));
  const { at } = (await partsOf((await (await phone.rescue()).make()).files[0].file)).get("events.jws");
  assert.ok(at > 0);
  const before = await contents(world);
  for (let n = 1; ; n += 1) {
    let made = null;
    const ended = await world.killedAt(n, "throw", async () => {
      made = await (await phone.rescue()).make();
    });
    if (ended || made) assert.equal(linesOf(await partsOf(made.files[0].file)).length, 1);
    else assert.equal(made, null);
    assert.deepEqual(await contents(world), before);
    if (ended) {
      assert.ok(n > 5, "it was broken off at several places");
      break;
    }
  }
  phone.close();
});

test("with everything at home there is nothing to rescue", async () => {
  const world = await World.make();
  const phone = await world.enrolled();
  const rescue = await phone.rescue();
  assert.deepEqual(await rescue.standing(), []);
  await assert.rejects(rescue.make(), { code: "rescue-empty" });
  phone.close();
});

test("a file goes by the phone's own sharing under the ending it takes, else not at all", async () => {
  const file = new File(["x"], "baton-1.baton", { type: "application/zip" });
  const was = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const taking = (...endings) => ({
    canShare: ({ files: [one] }) => endings.some((ending) => one.name.endsWith(ending)),
    share: ({ files: [one] }) =>
      one.name.endsWith(".zip")
        ? Promise.reject(new DOMException("put away", "AbortError"))
        : Promise.reject(new DOMException("not now", "NotAllowedError")),
  });
  const within = (navigator) =>
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  try {
    within({});
    assert.equal(shareable(file), null);
    within(taking());
    assert.equal(shareable(file), null);
    within(taking(".baton", ".zip"));
    assert.equal(shareable(file), file);
    await assert.rejects(share(file), { name: "NotAllowedError" });
    within(taking(".zip"));
    const zip = shareable(file);
    assert.deepEqual([zip.name, zip.type, await zip.text()], ["baton-1.zip", "application/zip", "x"]);
    assert.equal(await share(zip), false, "put away is not given");
  } finally {
    if (was) Object.defineProperty(globalThis, "navigator", was);
    else delete globalThis.navigator;
  }
});
