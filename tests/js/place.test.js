/** A phone on which no database of the origin's own place opens any more: Chromium keeps all of these in the same files. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { beginAnew, isKeptTwice } from "../../webapp/static/js/outbox/stores.js";
import { lastBegun, spareOf } from "../../webapp/static/js/storage/place.js";
import { Shelf, existingNames } from "../../webapp/static/js/storage/shelf.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { IDBFactory } from "fake-indexeddb";
import { openDB, wrap } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import { closeAll } from "./helpers/buckets.js";
import { PhoneOfNames, breakFiles, woken } from "./helpers/places.js";
import { CODES, collection, deviceOf, sealSome } from "./helpers/world.js";

afterEach(closeAll);

const offline = () => {
  throw new TypeError("network");
};

test("the work goes on in a bucket: same person, key and chain, pictures and unfinished handover, and all goes home once", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const phone = await life.enrolled();
  const device = deviceOf(phone);
  world.server.instead = offline;
  const first = await phone.seal(await collection(phone, [CODES[0]]));
  const draft = await collection(phone, [CODES[1]], [7_000]);
  await phone.saveDraft(draft);
  const mend = breakFiles(life);

  const failed = await life.start().catch((error) => error);
  assert.equal(failed.code, "storage-unavailable");
  assert.equal(await isKeptTwice(shelf), true);
  assert.deepEqual(await beginAnew(failed, shelf), { name: "baton-bucket-1", isCopied: true });
  const next = await life.start();
  assert.equal(deviceOf(next), device);
  assert.deepEqual(next.lostStores, [], "nothing is in the old one only");
  assert.equal((await next.loadDraft()).id, draft.id);
  const second = await next.seal(await next.loadDraft());
  world.server.instead = null;
  assert.equal((await next.kick("user")).state, "idle");
  assert.deepEqual([...world.server.events.keys()].sort(), [first.id, second.id].sort());
  assert.equal(world.server.blobs.size, 4);
  world.server.audit(assert);
  assert.equal((await next.counts()).unsent, 0);

  // the old files open again, with what was unsent when they broke: nothing goes twice, and nothing is alarming
  mend();
  life.closeAll();
  const late = await life.served();
  assert.equal(world.server.events.size, 2);
  world.server.audit(assert);
  assert.deepEqual(late.lostStores, []);
  const more = await sealSome(late, 1).then(() => late.kick("user"));
  assert.equal(more.state, "idle");
  assert.equal(world.server.events.size, 3);
  world.server.audit(assert);
});

test("its second copy goes on: a bucket that is thrown away comes back like any first copy", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const device = deviceOf(await life.enrolled());
  breakFiles(life);
  await beginAnew(await life.start().catch((error) => error), shelf);
  world.server.instead = offline;
  const next = await life.start();
  const sealed = await next.seal(await collection(next, [CODES[2]]));
  life.closeAll();
  world.buckets.all.delete("baton-bucket-1");
  const again = await life.start();
  assert.equal(deviceOf(again), device);
  world.server.instead = null;
  assert.equal((await again.kick("user")).state, "idle");
  assert.deepEqual([...world.server.events.keys()], [sealed.id]);
});

test("a bucket whose files break too is stood in for by the next, from the same second copy", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const device = deviceOf(await life.enrolled());
  breakFiles(life);
  await beginAnew(await life.start().catch((error) => error), shelf);
  const next = await life.start();
  await next.seal(await collection(next, [CODES[2]]));
  life.closeAll();
  breakFiles(life);
  const failed = await life.start().catch((error) => error);
  assert.deepEqual(await beginAnew(failed, shelf), { name: "baton-bucket-2", isCopied: true });
  const last = await life.start();
  assert.equal(deviceOf(last), device);
  assert.deepEqual(last.lostStores, []);
  assert.equal((await last.kick("user")).state, "idle");
  assert.equal(world.server.events.size, 1);
  assert.deepEqual((await existingNames()).sort(), ["baton", "baton-bucket-1", "baton-bucket-2"]);
});

test("where the second copy cannot be asked the new one is empty, says so, and takes in the old work when it can", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const phone = await life.enrolled();
  const device = deviceOf(phone);
  world.server.instead = offline;
  const sealed = await phone.seal(await collection(phone, [CODES[0]]));
  breakFiles(life);
  life.spareAway(true);
  const failed = await life.start().catch((error) => error);
  assert.equal(await isKeptTwice(shelf), false);
  assert.deepEqual(await beginAnew(failed, shelf), { name: "baton-bucket-1", isCopied: false });
  const next = await life.start();
  assert.equal(next.identity, null);
  assert.equal(next.lostStores.length, 1, "somebody is to know");
  world.server.instead = null;
  await next.enrol("CODE2", { label: "x" });
  const own = deviceOf(next);
  life.closeAll();
  life.spareAway(false);
  const again = await life.start();
  assert.equal(deviceOf(again), own);
  await again.kick("user");
  await again.kick("user");
  assert.deepEqual([...world.server.events.keys()], [sealed.id], "sent under the name of who sealed it");
  assert.equal([...world.server.events.values()][0].payload.device, device);
});

/** One handover in the first copy only, whose files break then; the new store has the rest. */
async function oneAlone() {
  const life = await PhoneOfNames.begin();
  await (await life.enrolled()).kick("user");
  life.world.server.instead = offline;
  life.closeAll();
  life.spareAway(true);
  const phone = await life.start();
  const alone = await phone.seal(await collection(phone, [CODES[0]]));
  const mend = breakFiles(life);
  life.spareAway(false);
  const { isCopied } = await beginAnew(await life.start().catch((error) => error), life.shelf);
  return { life, alone, mend, isCopied };
}

test("what was sealed while the second copy could not be asked is told of until the old store opens and it is home", async () => {
  const { life, alone, mend, isCopied } = await oneAlone();
  const { world } = life;
  assert.equal(isCopied, true, "the people are there");
  world.server.instead = null;
  const next = await life.start();
  assert.equal(next.lostStores.length, 1);
  const own = await next.seal(await collection(next, [CODES[1]]));
  await next.kick("user");
  assert.deepEqual([...world.server.events.keys()], [own.id]);
  mend();
  life.closeAll();
  const last = await life.served();
  await last.kick("user");
  assert.deepEqual([...world.server.events.keys()].sort(), [alone.id, own.id].sort());
  assert.deepEqual(last.lostStores, []);
  assert.equal(world.server.blobs.size, 4);
});

test("what is taken in while the second copy is away is not done with, and told of if the new files break", async () => {
  const { life, alone, mend } = await oneAlone();
  mend();
  life.spareAway(true);
  const next = await life.served();
  assert.equal((await next.counts()).unsent, 1);
  breakFiles(life);
  life.spareAway(false);
  await beginAnew(await life.start().catch((error) => error), life.shelf);
  const last = await life.served();
  life.world.server.instead = null;
  await last.kick("user");
  assert.deepEqual([...life.world.server.events.keys()], [alone.id]);
});

test("an old store that opens as less than it was stays one that is told of", async () => {
  const { life, mend } = await oneAlone();
  const [{ isShort }] = life.shelf.read().lost;
  assert.equal(isShort, true);
  mend();
  const db = await openDB("baton");
  for (const name of ["events", "sealed", "outbox"]) await db.clear(name);
  const spare = wrap(life.world.buckets.all.get("baton-spare").indexedDB.open("baton"));
  const turn = await (await spare).get("rows", ["meta", "", "turn"]);
  await db.put("meta", turn); // as it was when the second copy last followed
  [db, await spare].forEach((one) => one.close());
  const last = await life.served();
  assert.equal(last.lostStores.length, 1);
});

test("an old store that the browser has thrown away ends the waiting for its pictures", async () => {
  const life = await PhoneOfNames.begin();
  const phone = await life.enrolled();
  await phone.kick("user");
  life.world.server.instead = offline;
  await phone.seal(await collection(phone, [CODES[0]]));
  const store = new Store();
  await store.open();
  await store.giveRoom();
  store.close();
  breakFiles(life);
  await beginAnew(await life.start().catch((error) => error), life.shelf);
  life.world.server.instead = null;
  globalThis.indexedDB = new IDBFactory();
  const last = await life.served();
  life.world.time += 3_600_000;
  await last.kick("user");
  const kinds = [...life.world.server.events.values()].map(({ payload }) => payload.kind);
  assert.ok(kinds.includes("blob_lost"), "it is known now that they are lost");
});

test("pictures that only the old store has are waited for, and not called lost", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const phone = await life.enrolled();
  await phone.kick("user");
  world.server.instead = offline;
  await phone.seal(await collection(phone, [CODES[0]]));
  const store = new Store();
  await store.open();
  await store.giveRoom(); // a full phone: what is there twice makes room
  store.close();
  const mend = breakFiles(life);
  await beginAnew(await life.start().catch((error) => error), shelf);
  world.server.instead = null;
  const next = await life.start();
  await next.kick("user");
  await woken(world).catch(() => undefined);
  const kinds = () => [...world.server.events.values()].map(({ payload }) => payload.kind);
  assert.deepEqual(kinds(), ["collect"]);
  assert.equal((await next.counts()).unsentBlobs, 2);
  mend();
  life.closeAll();
  const told = world.server.bodies.length;
  const last = await life.served();
  assert.deepEqual(last.lostStores, []);
  world.time += 3_600_000;
  await last.kick("user");
  assert.equal(world.server.blobs.size, 2);
  assert.deepEqual(kinds(), ["collect"]);
  const words = world.server.bodies.slice(told).map(({ queue }) => queue?.head_seq);
  assert.ok(!words.includes(0), "the office hears of the store in use only");
  world.server.audit(assert);
});

test("a new store that cannot be noted is not begun", async () => {
  const life = await PhoneOfNames.begin();
  await life.enrolled();
  breakFiles(life);
  const full = new Shelf({
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  });
  await assert.rejects(beginAnew(new DOMException("damaged", "UnknownError"), full), {
    code: "storage-unavailable",
  });
  assert.deepEqual([...life.world.buckets.all.keys()], ["baton-spare"]);
});

test("a bucket that the browser does not tell of, and that does not open, is left as it is", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const device = deviceOf(await life.enrolled());
  breakFiles(life);
  await beginAnew(await life.start().catch((error) => error), shelf);
  const bucket = world.buckets.all.get("baton-bucket-1");
  const mend = breakFiles(life);
  world.buckets.keys = async () => Promise.reject(new DOMException("not now", "UnknownError"));
  const kept = new Map();
  const cleared = new Shelf({
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, to) => kept.set(name, to),
  });
  await assert.rejects(beginAnew(new DOMException("damaged", "UnknownError"), cleared), {
    code: "storage-unavailable",
  });
  assert.deepEqual(cleared.read(), { current: "baton", lost: [] });
  assert.equal(world.buckets.all.get("baton-bucket-1"), bucket);
  mend();
  assert.equal(deviceOf(await life.start()), device);
});

test("a browser that lets no bucket be made gets one beside the old, as one without buckets", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  await life.enrolled();
  life.closeAll();
  const { opening } = life;
  world.buckets.open = async (name) => {
    if (name !== "baton-spare") throw new DOMException("not here", "UnknownError");
    return opening.call(world.buckets, name);
  };
  const error = new DOMException("damaged", "UnknownError");
  assert.deepEqual(await beginAnew(error, shelf), { name: "baton-2", isCopied: false });
  assert.equal((await life.start()).identity, null);
});

test("the worker sends from the one in use, and what opens again keeps its hands off the second copy", async () => {
  const life = await PhoneOfNames.begin();
  const { world, shelf } = life;
  const phone = await life.enrolled();
  world.server.instead = offline;
  await phone.seal(await collection(phone, [CODES[0]]));
  const mend = breakFiles(life);
  await beginAnew(await life.start().catch((error) => error), shelf);
  const next = await life.start();
  await next.seal(await collection(next, [CODES[1]]));
  life.closeAll();
  world.server.instead = null;
  await woken(world);
  assert.equal(world.server.events.size, 2);
  mend();
  await woken(world);
  assert.equal(world.server.events.size, 2);
  world.server.audit(assert);
  const last = await life.start();
  assert.equal((await last.counts()).unsent, 0);
  assert.equal((await last.storage()).broughtBack.events, 1, "only what came when it was begun");
  await sealSome(last, 1);
  await last.kick("user");
  assert.equal(world.server.events.size, 3);
  world.server.audit(assert);
});

test("which of several is in use is told by their names", () => {
  const names = ["baton", "baton-2", "baton-bucket-2", "baton-2-bucket-1", "baton-bucket-10"];
  assert.deepEqual(
    names.map((name) => [spareOf(name), lastBegun(name, names)]),
    [
      ["baton", "baton-bucket-10"],
      ["baton-2", "baton-2-bucket-1"],
      ["baton", "baton-bucket-10"],
      ["baton-2", "baton-2-bucket-1"],
      ["baton", "baton-bucket-10"],
    ],
  );
});
