/** Files of the phone's databases that break and open again, through schedules that nobody thought of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { beginAnew } from "../../webapp/static/js/outbox/stores.js";
import { Store } from "../../webapp/static/js/storage/store.js";
import { PhoneOfNames, breakFiles, woken } from "./helpers/places.js";
import { CODES, collection } from "./helpers/world.js";
import { numbersFrom } from "./helpers/chance.js";

const LIKELY = [
  ...["seal", "seal", "seal", "send", "send", "startAgain"],
  ...["break", "break", "mend", "wake", "wake", "losePatience", "giveRoom"],
];
const SCHEDULES = Number(process.env.PLACE_SCHEDULES ?? 4);
const FROM = Number(process.env.PLACE_FROM ?? 7);

/** One phone in a browser with buckets, and what it was promised. */
class Life extends PhoneOfNames {
  sealed = new Set();
  mends = [];
  codes = 1;
  isAway = false;

  async connected() {
    this.phone ??= await this.start();
    if (this.phone.identity) return;
    const code = `CODE-${this.codes++}`;
    this.world.server.codes.add(code);
    await this.phone.enrol(code, { label: "Phone" });
  }

  one(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  async seal() {
    await this.connected();
    const draft = await collection(this.phone, [this.one(CODES)], [700 + Math.floor(this.random() * 200)]);
    this.sealed.add((await this.phone.seal(draft)).id);
  }

  async send() {
    await this.connected();
    await this.phone.kick("user");
  }

  async startAgain() {
    this.closeAll();
    this.phone = await this.start();
  }

  /** The files of the store in use open no more, and the person goes on with a new one. */
  async break() {
    await this.connected();
    this.mends.push(breakFiles(this));
    const failed = await this.start().catch((error) => error);
    assert.equal(failed.code, "storage-unavailable");
    await beginAnew(failed, this.shelf);
    this.phone = await this.start();
  }

  /** All files open again; a page that is open serves the older stores too. */
  async mend() {
    this.mends.splice(0).forEach((mend) => mend());
    this.closeAll();
    this.phone = await this.served();
  }

  /** The worker, with no page open. */
  async wake() {
    this.closeAll();
    this.phone = null;
    await woken(this.world).catch((error) =>
      assert.match(error.message, /work is left|storage will not open/),
    );
  }

  /** A full phone: pictures that are there twice make room. */
  async giveRoom() {
    const store = new Store(this.shelf.read().current);
    await store.open();
    await store.giveRoom();
    store.close();
  }

  /** Work that is neither here to be seen nor with the office is told of. */
  async isTold() {
    if (!this.phone) return;
    const { events } = this.world.server;
    const missing = [...this.sealed].filter((id) => !events.has(id));
    const { unsent, othersUnsent } = await this.phone.counts();
    const shown = new Set(unsent > 0 ? (await this.phone.outbox()).map(({ id }) => id) : []);
    const isSeen = othersUnsent > 0 || this.phone.lostStores.length > 0;
    assert.ok(isSeen || missing.every((id) => shown.has(id)), "work that nobody is told of");
    const kinds = [...events.values()].map(({ payload }) => payload.kind);
    assert.ok(!kinds.includes("blob_lost"), "a picture is called lost that is not");
  }

  /** The second copy cannot be asked for a while, or can again. */
  async losePatience() {
    this.isAway = !this.isAway;
    this.spareAway(this.isAway);
    await this.startAgain();
  }

  async end(seed) {
    this.spareAway(false);
    await this.mend();
    for (let round = 0; round < 4; round += 1) {
      await this.phone.kick("user");
      await this.mend();
    }
    const { events, effects } = this.world.server;
    const lacking = [...this.sealed].filter((id) => !events.has(id));
    assert.deepEqual(lacking, [], `sealed and not sent, seed ${seed}`);
    assert.equal(new Set(effects).size, effects.length, `twice, seed ${seed}`);
    const pictures = new Set(
      [...events.values()].flatMap(({ payload }) => payload.blobs.map(({ sha256 }) => sha256)),
    );
    assert.equal(this.world.server.blobs.size, pictures.size, `pictures, seed ${seed}`);
    const { unsent, othersUnsent } = await this.phone.counts();
    assert.equal(unsent + othersUnsent, 0, `unsent, seed ${seed}`);
    this.closeAll();
  }
}

test("whatever breaks and opens again, everything that was sealed comes home, once", async () => {
  for (let seed = FROM; seed < FROM + SCHEDULES; seed += 1) {
    const life = await Life.begin();
    life.random = numbersFrom(seed);
    const acts = [];
    try {
      for (let step = 0; step < 14; step += 1) {
        acts.push(life.one(LIKELY));
        await life[acts.at(-1)]();
        await life.isTold();
      }
      await life.end(seed);
    } catch (error) {
      console.log(seed, acts.join(" "));
      throw error;
    }
  }
});
