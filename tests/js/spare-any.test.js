/** The second copy of the phone's database, through schedules that nobody thought of. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { openDB } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import {
  closeAll,
  opened,
  rowsOf,
  settled,
  snapshot,
  throwAway,
  worldWithBuckets,
} from "./helpers/buckets.js";
import { numbersFrom } from "./helpers/chance.js";
import { CODES, deviceOf, picture } from "./helpers/world.js";

afterEach(closeAll);

/** One phone, its losses, and what it was promised: `sealed` by event, `saved` photos of unfinished handovers by draft. */
class Life {
  sealed = new Set();
  saved = new Map();
  snapshots = [];
  codes = 1;

  static async begin(seed) {
    const life = new Life();
    life.random = numbersFrom(seed);
    life.world = await worldWithBuckets();
    life.phone = await opened(life.world);
    await life.connected();
    return life;
  }

  async connected() {
    if (this.phone.identity) return;
    const code = `CODE${this.codes++}`;
    this.world.server.codes.add(code);
    await this.phone.enrol(code, { label: "Phone" });
  }

  one(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  async goOn() {
    await this.connected();
    const draft = (await this.phone.loadDraft()) ?? this.phone.newDraft("collect", { intact: true });
    const code = this.one(CODES);
    draft.scans.push({ code, raw: code, verdict: "known", at: "", typed: false, override: null });
    const photo = await this.phone.storePhoto(picture(1_000), "image/jpeg");
    draft.photos.push({ ...photo, role: "photo", parcel: null });
    await this.phone.saveDraft(draft);
    this.saved.set(photo.sha256, draft.id);
  }

  async seal() {
    await this.connected();
    const draft = (await this.phone.loadDraft()) ?? this.phone.newDraft("attempt", { reason: "nobody_home" });
    if (draft.scans.length === 0) {
      draft.scans = [{ code: CODES[0], raw: "", verdict: "known", at: "", typed: false, override: null }];
    }
    this.sealed.add((await this.phone.seal(draft)).id);
    draft.photos.forEach(({ sha256 }) => this.saved.delete(sha256));
  }

  async discard() {
    const draft = this.phone.identity && (await this.phone.loadDraft());
    if (!draft) return;
    await this.phone.discardDraft(draft);
    draft.photos.forEach(({ sha256 }) => this.saved.delete(sha256));
  }

  async send() {
    await this.phone.kick("user");
  }

  async keep() {
    this.snapshots.push(await snapshot(this.world));
  }

  async startAgain() {
    this.world.buckets.isBroken = this.random() < 0.5;
    this.phone.close();
    this.phone = await opened(this.world);
  }

  async goBack() {
    if (this.snapshots.length > 0) await this.lose(this.one(this.snapshots));
  }

  async throwAway() {
    this.snapshots = [];
    await this.lose(() => throwAway(this.world));
  }

  /** What neither copy has now, nor the office, was not promised to survive this. */
  async lose(how) {
    const { isBroken } = this.world.buckets;
    await settled();
    this.world.buckets.isBroken = false;
    const rows = [...(await rowsOf(this.world))];
    this.world.buckets.isBroken = isBroken;
    await how();
    const own = await this.rowsOfFirst(["events", "drafts"]);
    const of = (name) => [
      ...rows.filter(([key]) => key.startsWith(`["${name}"`)).map(([, row]) => row),
      ...(own[name] ?? []),
    ];
    const events = new Set([...of("events").map(({ id }) => id), ...this.world.server.events.keys()]);
    const photos = new Set(of("drafts").flatMap(({ draft }) => draft.photos.map(({ sha256 }) => sha256)));
    this.sealed.forEach((id) => events.has(id) || this.sealed.delete(id));
    this.saved.forEach((_, sha256) => photos.has(sha256) || this.saved.delete(sha256));
    this.phone = await opened(this.world);
  }

  async rowsOfFirst(names) {
    const db = await openDB(this.world.databaseName);
    const isMade = db.objectStoreNames.length > 0;
    const rows = isMade ? await Promise.all(names.map(async (name) => [name, await db.getAll(name)])) : [];
    db.close();
    if (!isMade) await throwAway(this.world); // looking made it
    return Object.fromEntries(rows);
  }

  async end(seed) {
    this.world.buckets.isBroken = false;
    this.phone.close();
    this.phone = await opened(this.world);
    for (let round = 0; round < 3; round += 1) await this.phone.kick("user");
    const {
      events,
      drafts,
      blobs,
      blob_bytes: bytes,
    } = await this.rowsOfFirst([...["events", "drafts", "blobs", "blob_bytes"]]);
    const lacking = [...this.sealed].filter((id) => !this.world.server.events.has(id));
    assert.deepEqual(lacking, [], `sealed and not sent, seed ${seed}`);
    const kept = new Set([
      ...drafts.flatMap(({ draft }) => draft.photos.map(({ sha256 }) => sha256)),
      ...[...this.world.server.events.values()].flatMap(({ payload }) =>
        payload.blobs.map(({ sha256 }) => sha256),
      ),
    ]);
    const lost = [...this.saved.keys()].filter((sha256) => !kept.has(sha256));
    assert.deepEqual(lost, [], `saved and gone, seed ${seed}`);
    const known = new Set(blobs.map(({ device, sha256 }) => device + sha256));
    assert.deepEqual(
      bytes.filter(({ device, sha256 }) => !known.has(device + sha256)),
      [],
      `bytes that nobody speaks of, seed ${seed}`,
    );
    const sealed = new Set(events.map(({ device, draft }) => device + draft));
    assert.deepEqual(
      drafts.filter(({ device, id }) => sealed.has(device + id)),
      [],
      `sealed and unfinished, seed ${seed}`,
    );
    await settled();
    assert.deepEqual(
      [...(await rowsOf(this.world)).keys()].filter((key) => key.startsWith('["sealed"')).length,
      (await this.rowsOfFirst(["sealed"])).sealed.length,
      `seed ${seed}`,
    );
    assert.equal(deviceOf(this.phone) !== undefined, true);
    closeAll();
  }
}

const LIKELY = [
  ...["goOn", "goOn", "goOn", "seal", "seal", "seal", "discard", "send"],
  ...["keep", "keep", "startAgain", "startAgain", "goBack", "goBack", "throwAway"],
];
const SCHEDULES = Number(process.env.SPARE_SCHEDULES ?? 12);
const FROM = Number(process.env.SPARE_FROM ?? 1);

test("whatever is lost, and whenever the second copy can be asked: what was promised is there", async () => {
  for (let seed = FROM; seed < FROM + SCHEDULES; seed += 1) {
    const life = await Life.begin(seed);
    const acts = [];
    try {
      for (let step = 0; step < 16; step += 1) {
        acts.push(life.one(LIKELY));
        await life[acts.at(-1)]();
      }
      await life.end(seed);
    } catch (error) {
      console.log(seed, acts.join(" "));
      throw error;
    }
  }
});
