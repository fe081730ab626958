/**
 * One simulated day: drawn from its seed, lived, healed, and left alone until every queue should be empty.
 */
import { createHash } from "node:crypto";
import { ACTIONS, ALWAYS, SPECIAL } from "./actions.mjs";
import { Signals } from "./browser.mjs";
import { Clock, rule } from "./clock.mjs";
import { Draw } from "./draw.mjs";
import { Handset } from "./handset.mjs";
import { Judge } from "./judge.mjs";
import { FAULTS, Network } from "./network.mjs";
import { server } from "./server.mjs";
import { forget } from "./storage.mjs";
import { TORN } from "./torn.mjs";

/** What is said of liveness: so long after the last fault every queue is empty, with nobody touching anything. */
export const BOUND_MS = 30 * 60_000;
const MOST_GAP_MS = 240_000;
const signals = new Signals();
let current = new Clock();
rule(() => current);
globalThis.addEventListener = (...given) => signals.listen(...given);

/** Refusals a phone may give a hand, and the ailments that explain them. */
const MAY_REFUSE = new Set([
  "busy",
  "person-changed",
  "server-fault",
  "body-invalid",
  "storage-full",
  "storage-failed",
  "blob-missing",
  "draft-open",
  "draft-elsewhere",
  "sealed-elsewhere",
  "offline",
  "enrolment-used",
  "identity-gone",
  "count-differs",
  "not-enrolled",
  "storage-unavailable",
]);

export class World {
  clock = (current = new Clock());
  signals = signals;
  /** @type {Handset[]} */ handsets = [];
  counts = {};
  failures = [];
  doubled = [];
  lines = null;
  #hash = createHash("sha256");
  #backups = []; // devices that each knows
  #enrolled = new Set();
  /** devices that the server has forgotten by a restore: their work stays on the phone, and the phone says so */
  strangers = new Set();
  /** events and pictures that went with a phone's storage before the office had them */
  gone = new Set();
  #clearedAfterwards = [];
  #codes = 0;

  constructor(seed, { isTold = false, under = {} } = {}) {
    this.under = under;
    this.seed = seed;
    this.draw = new Draw(seed);
    this.plan = this.draw.stream("plan");
    if (isTold) this.lines = [];
    signals.clear();
    this.cast = server.reset();
    this.start = this.cast.start;
    this.network = new Network(this);
  }

  /** A line of the day's story; two runs of one seed tell the same. */
  note(line) {
    const told = `${String(Math.round(this.clock.now)).padStart(9)} ${line}`;
    this.#hash.update(told);
    this.lines?.push(told);
  }

  get print() {
    return this.#hash.copy().digest("hex").slice(0, 16);
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  spin(words) {
    if (!this.failures.includes(words)) this.failures.push(words);
    return new Promise(() => undefined);
  }

  refused(handset, what, error) {
    const { code } = error;
    this.note(`${handset.name} ${what} refused: ${code ?? error}`);
    if (code && MAY_REFUSE.has(code)) this.count(`refused: ${code}`);
    else this.failures.push(`${handset.name} ${what} failed: ${error.stack}`);
  }

  addHandset() {
    const handset = new Handset(this, `phone${this.handsets.length + 1}`);
    this.handsets.push(handset);
    return handset;
  }

  async enrol(handset, phone) {
    const couriers = this.cast.couriers;
    const courier = couriers[this.#codes % couriers.length];
    const code = courier.codes[Math.floor(this.#codes / couriers.length)];
    this.#codes += 1;
    if (!code) return;
    const { device } = await phone.enrol(code, { label: handset.name });
    this.#enrolled.add(device);
  }

  keepBackup() {
    server.snapshot();
    this.#backups.push(new Set(this.#enrolled));
    this.note("a backup is kept");
  }

  putBack() {
    if (this.#backups.length === 0) return;
    const number = this.plan.whole(0, this.#backups.length - 1);
    this.epoch = server.restore(number).epoch;
    this.count("server restored");
    this.note(`backup ${number} is put back`);
    for (const device of this.#enrolled) {
      if (this.#backups[number].has(device)) this.strangers.delete(device);
      else this.strangers.add(device);
    }
    for (const id of this.#clearedAfterwards) this.gone.add(id);
  }

  wasPutBackWithout(device) {
    return this.strangers.has(device);
  }

  /** What a phone's cleared storage takes along: nothing that the server has told it to be safe, under its epoch. */
  forgive(handset, { events, blobs, meta }) {
    const epochs = new Map(
      meta.filter(({ name }) => name === "epoch").map(({ device, value }) => [device, value]),
    );
    for (const { id, sha256, device, state, epoch, blobs: refs } of events) {
      // A hand that was killed while it sealed never heard that it had.
      const digests = refs.map((ref) => ref.sha256);
      if (!handset.sealed.has(id)) handset.sealed.set(id, { sha256, device, digests });
      const isSafe = state === "settled" && epoch === epochs.get(device) && this.#isNow(epoch);
      if (isSafe) this.#clearedAfterwards.push(id);
      else this.gone.add(id);
    }
    for (const { sha256, device, state } of blobs) {
      if (state === "held" && this.#isNow(epochs.get(device))) this.#clearedAfterwards.push(sha256);
      else this.gone.add(sha256);
    }
  }

  #isNow(epoch) {
    return this.epoch === undefined || this.epoch === epoch;
  }

  async live() {
    const { plan, network } = this;
    network.kinds = this.under.faults ?? plan.some(Object.keys(FAULTS), plan.whole(1, 5));
    network.limitsBodies = plan.chance(0.05) || this.under.isLimited === true;
    network.stripsEncoding = plan.chance(0.03);
    const special = plan.some(SPECIAL, plan.whole(0, 5));
    const weights = { ...ALWAYS, ...Object.fromEntries(special.map((name) => [name, 2])) };
    if ("put back a backup" in weights) weights["keep a backup"] = 2;
    if (this.under.isTorn || this.draw.stream("torn").chance(0.4)) {
      for (const name of Object.keys(TORN)) weights[name] = 2;
    }
    this.note(`faults: ${network.kinds.join(", ")}; special: ${special.join(", ")}`);
    await this.#begin(plan.whole(1, 3));
    for (let left = plan.whole(6, 18); left > 0; left -= 1) {
      const name = plan.weighed(weights);
      const handset = plan.pick(this.handsets);
      this.note(`${handset.name}: ${name}`);
      void ACTIONS[name](this, handset);
      await this.clock.run(plan.chance(0.3) ? plan.whole(0, 3_000) : plan.whole(0, MOST_GAP_MS));
    }
  }

  async #begin(count) {
    for (let left = count; left > 0; left -= 1) {
      const handset = this.addHandset();
      void handset.do("enrol", async () => this.enrol(handset, (await handset.open()).phone));
    }
    await this.clock.run(60_000);
    if (this.plan.chance(0.7)) this.keepBackup();
    this.network.turn();
  }

  /** The last fault ends; people open the app where it was killed, and touch nothing from then on. */
  async heal() {
    this.note("all heals");
    this.network.heal();
    for (const handset of this.handsets) await handset.heal();
  }

  /** @returns {Promise<number|null>} ms until all was home, null when it was not within the bound */
  async drain(judge) {
    const began = this.clock.now;
    while (this.clock.now - began < BOUND_MS) {
      await this.clock.run(this.clock.now - began < 60_000 ? 2_000 : 15_000);
      if (await judge.isHome()) return this.clock.now - began;
    }
    return null;
  }
}

/** Lives one day and judges it. */
export async function schedule(seed, options = {}) {
  const world = new World(seed, options);
  await world.live();
  await world.heal();
  const judge = new Judge(world);
  const drained = await world.drain(judge);
  const verdict = await judge.verdict(drained);
  forget(world.handsets.flatMap(({ databases }) => databases));
  return { seed, drained, print: world.print, counts: world.counts, lines: world.lines, ...verdict };
}
