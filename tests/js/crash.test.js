/**
 * The phone is killed at every await of storing, sealing, sending and pulling, one after the other, by freezing it there
 * for ever and by an error that comes out of that await. Whatever the place: after a restart every sealed handover is on the
 * server exactly once, in one whole chain, with its pictures, and a draft is either still there or sealed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CODES, World, collection } from "./helpers/world.js";

const MOST = 2_000;

/** Brings the phone back, lets it finish, and looks at what the server has. */
async function heal(world, expected) {
  const phone = await world.open();
  const left = await phone.loadDraft();
  if (left) await phone.seal(left);
  let counts = { unsent: 1, unsentBlobs: 0, headSeq: 0 };
  for (let i = 0; i < 8 && counts.unsent + counts.unsentBlobs > 0; i += 1) {
    world.time += 400_000;
    await phone.kick("user");
    counts = await phone.counts();
  }
  assert.deepEqual([counts.unsent, counts.unsentBlobs, counts.headSeq], [0, 0, expected]);
  const payloads = world.server.audit(assert);
  assert.equal(payloads.length, expected, "each handover is on the server once");
  assert.equal(payloads.filter(({ kind }) => kind === "blob_lost").length, 0);
  for (const { blobs } of payloads) {
    for (const { sha256 } of blobs) assert.ok(world.server.blobs.has(sha256), "a picture never arrived");
  }
  assert.ok((await phone.outbox()).every(({ state }) => state === "safe"));
  phone.close();
}

/** Kills `act` at its 1st, 2nd, … await until it gets through; returns how many places that were. */
async function killEverywhere(mode, prepare, act, check) {
  for (let n = 1; n < MOST; n += 1) {
    const world = await World.make();
    const given = await prepare(world);
    const hasEnded = await world.killedAt(n, mode, () => act(given));
    try {
      await check(world, given);
    } catch (error) {
      error.message = `killed at await ${n}: ${error.message}`;
      throw error;
    }
    if (hasEnded) return n - 1;
  }
  throw new Error("it never came to its end");
}

for (const mode of ["freeze", "throw"]) {
  test(`killed anywhere while a handover is stored and sealed (${mode})`, async (t) => {
    const places = await killEverywhere(
      mode,
      async (world) => {
        const phone = await world.enrolled();
        const first = await collection(phone, [CODES[5]]);
        await phone.seal(first);
        const draft = await collection(phone);
        await phone.saveDraft(draft);
        return { phone, draft };
      },
      ({ phone, draft }) => phone.seal(draft),
      (world) => heal(world, 2),
    );
    t.diagnostic(`${places} places`);
    assert.ok(places > 10, String(places));
  });

  test(`killed anywhere while sending events and pictures and pulling (${mode})`, async (t) => {
    const places = await killEverywhere(
      mode,
      async (world) => {
        const phone = await world.enrolled();
        await phone.seal(await collection(phone, CODES.slice(0, 2), [2_000, 300_000]));
        await phone.seal(await collection(phone, CODES.slice(2, 4)));
        return { phone };
      },
      async ({ phone }) => {
        const state = await phone.kick("user");
        if (state.problem || state.state !== "idle") throw new Error("the round failed");
      },
      (world) => heal(world, 2),
    );
    t.diagnostic(`${places} places`);
    assert.ok(places > 60, String(places));
  });

  test(`killed anywhere while everything goes out again to a restored server (${mode})`, async (t) => {
    const places = await killEverywhere(
      mode,
      async (world) => {
        const phone = await world.enrolled();
        await phone.seal(await collection(phone, CODES.slice(0, 2)));
        await phone.seal(await collection(phone, CODES.slice(2, 4)));
        await phone.kick("user");
        const { server } = world;
        Object.assign(server, {
          epoch: "epoch-2",
          events: new Map(),
          effects: [],
          blobs: new Map(),
          uploads: new Map(),
        });
        world.time += 700_000;
        return { phone };
      },
      async ({ phone }) => {
        const state = await phone.kick("user");
        if (state.problem || state.state !== "idle") throw new Error("the round failed");
      },
      (world) => heal(world, 2),
    );
    t.diagnostic(`${places} places`);
    assert.ok(places > 60, String(places));
  });

  test(`killed anywhere while a draft and a picture are saved (${mode})`, async (t) => {
    const places = await killEverywhere(
      mode,
      async (world) => ({ phone: await world.enrolled() }),
      async ({ phone }) => {
        const draft = await collection(phone);
        await phone.saveDraft(draft);
        await phone.seal(draft);
      },
      async (world) => {
        const phone = await world.open();
        const before = (await phone.counts()).headSeq;
        const draft = await phone.loadDraft();
        phone.close();
        await heal(world, before + (draft ? 1 : 0));
      },
    );
    t.diagnostic(`${places} places`);
  });
}

test("killed anywhere, again and again, over one long day", async () => {
  const world = await World.make();
  (await world.enrolled()).close();
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 40; round += 1) {
    const mode = random() < 0.5 ? "freeze" : "throw";
    await world.killedAt(1 + Math.floor(random() * 160), mode, async () => {
      const phone = await world.open();
      const draft = (await phone.loadDraft()) ?? (await collection(phone, [CODES[round % 6]]));
      await phone.saveDraft(draft);
      await phone.seal(draft);
      world.time += Math.floor(random() * 900_000);
      await phone.kick("user");
    });
    if (random() < 0.1) {
      world.server.epoch = `epoch-${round}`;
      const keep = [...world.server.events.entries()].filter(() => random() < 0.5);
      world.server.events = new Map(keep);
      world.server.effects = keep.map(([id]) => id);
      if (random() < 0.5) world.server.blobs = new Map();
    }
  }
  const phone = await world.open();
  const sealed = (await phone.counts()).headSeq + ((await phone.loadDraft()) ? 1 : 0);
  phone.close();
  assert.ok(sealed > 10, String(sealed));
  await heal(world, sealed);
});
