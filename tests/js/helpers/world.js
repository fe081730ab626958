/**
 * A phone in a world that a test controls: its own database, a clock, locks shared by its tabs, and a way to be killed
 * at any await of storage, network or cryptography.
 */
import "fake-indexeddb/auto";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { openPhone } from "../../../webapp/static/js/outbox/phone.js";
import { Store } from "../../../webapp/static/js/storage/store.js";
import { FakeServer } from "./fake_server.js";

export const CODES = [
  "F7ANY0M5J7AJ",
  "RKPAPG5Y48SQ",
  "3ZSQC4M9ZGCB",
  "13TGF6XX3AHK",
  "Q5X1EGTDF6Y4",
  "SG81X69DP72P",
];
const never = new Promise(() => undefined);

/** Locks of one browser: what navigator.locks does, as far as the outbox uses it. */
export class FakeLocks {
  held = new Map();

  async request(name, options, work) {
    if (this.held.has(name) && options.ifAvailable) return work(null);
    if (this.held.has(name) && options.steal) this.held.get(name)(new DOMException("stolen", "AbortError"));
    while (this.held.has(name) && !options.steal) await this.held.get(name).free;
    return new Promise((resolve, reject) => {
      this.held.set(name, reject);
      Promise.resolve(work({ name }))
        .then(resolve, reject)
        .finally(() => {
          if (this.held.get(name) === reject) this.held.delete(name);
        });
    });
  }
}

/** Counts the awaits of the live phone, and kills it at one of them. */
class Probe {
  steps = 0;
  at = Infinity;
  mode = "freeze";
  isDead = false;

  async step() {
    this.steps += 1;
    if (this.steps < this.at && !this.isDead) return;
    this.isDead = true;
    this.onDeath?.();
    if (this.mode === "throw") throw new Error("the phone was killed here");
    await never;
  }
}

let probe = new Probe();
const around = (original) =>
  async function probed(...args) {
    await probe.step();
    const result = await original.apply(this, args);
    await probe.step();
    return result;
  };
Store.prototype.read = around(Store.prototype.read);
Store.prototype.write = around(Store.prototype.write);
const { subtle } = webcrypto;
for (const name of ["sign", "digest"]) {
  const original = subtle[name].bind(subtle);
  Object.defineProperty(subtle, name, {
    configurable: true,
    value: (...args) => around(() => original(...args))(),
  });
}

let worlds = 0;

export class World {
  static async make(options = {}) {
    const world = new World();
    worlds += 1;
    world.databaseName = `world-${worlds}`;
    world.server = await FakeServer.start();
    world.time = Date.parse("2026-11-22T07:00:00.000Z");
    world.server.now = () => world.time;
    world.locks = options.locks === undefined ? new FakeLocks() : options.locks;
    return world;
  }

  /** Opens the app; `at` kills it at that await, counted from now. */
  async open(options = {}) {
    const fetch = async (...args) => {
      await probe.step();
      const response = await this.server.fetch(...args);
      await probe.step();
      return response;
    };
    return openPhone({
      fetch,
      locks: this.locks,
      now: () => (this.time += 1),
      random: () => 0.5,
      base: "https://baton.test",
      databaseName: this.databaseName,
      storageManager: null,
      auto: false,
      ...options,
    });
  }

  async enrolled(options = {}) {
    const phone = await this.open(options);
    await phone.enrol("CODE1", { label: "Test phone" });
    return phone;
  }

  /** Runs `act` with the phone killed at its n-th await; true when it came to its end before. */
  async killedAt(n, mode, act) {
    probe = new Probe();
    probe.at = n;
    probe.mode = mode;
    const death = new Promise((resolve) => (probe.onDeath = () => resolve("dead")));
    const ended = act().then(
      () => "done",
      () => "dead",
    );
    const first = await Promise.race([ended, death]);
    const hasEnded = first === "done" && !probe.isDead;
    probe = new Probe(); // the dead one's promises never come back; the next phone counts anew
    if (this.locks) this.locks.held.clear();
    return hasEnded;
  }
}

export const picture = (size = 5_000) => {
  const bytes = randomBytes(size);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};

/** A draft of a whole collection, with its pictures in the store. */
export async function collection(phone, codes = CODES.slice(0, 3), sizes = [5_000]) {
  const draft = phone.newDraft("collect", {
    intact: true,
    counterpart: { name: "Ben", role: "seller" },
    carrier: "jnt",
  });
  draft.scans = codes.map((code) => ({
    code,
    raw: code,
    verdict: "known",
    at: draft.startedAt,
    typed: false,
    override: null,
  }));
  for (const size of sizes) {
    draft.photos.push({
      ...(await phone.storePhoto(picture(size), "image/jpeg")),
      role: "photo",
      parcel: null,
    });
  }
  draft.signature = { ...(await phone.storePhoto(picture(900), "image/png")), strokes: [] };
  return draft;
}

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
export const storeOf = (world) => new Store(world.databaseName);
export const deviceOf = (phone) => phone.identity.device;

/** Seals so many events without pictures. */
export async function sealSome(phone, count) {
  for (let i = 0; i < count; i += 1) {
    const draft = phone.newDraft("attempt", { reason: "nobody_home" });
    draft.scans = [{ code: CODES[i % 6], raw: "", verdict: "known", at: "", typed: false, override: null }];
    await phone.seal(draft);
  }
}
