/**
 * A phone: its storage, its clock, and the app opened in one or more tabs, each of which can be killed or frozen at any
 * await of storage, network or cryptography.
 */
import "fake-indexeddb/auto";
import "../../../webapp/static/js/outbox/hands.js"; // loaded before the first schedule: a file's time is nobody's
import { flushInBackground } from "../../../webapp/static/js/outbox/background.js";
import { openPhone } from "../../../webapp/static/js/outbox/phone.js";
import { Shelf } from "../../../webapp/static/js/storage/shelf.js";
import { Spare } from "../../../webapp/static/js/storage/spare.js";
import { Store } from "../../../webapp/static/js/storage/store.js";
import { Locks, furnish, makeSubtle } from "./browser.mjs";
import { Buckets, ailing, look } from "./storage.mjs";

const never = new Promise(() => undefined);
const GB = 1_073_741_824;

/** Whose store, or second copy, it is: told by who was being opened when it was. @type {WeakMap<Store|Spare, Tab>} */
const owners = new WeakMap();
let opening = null;

const { open, read, write } = Store.prototype;
Store.prototype.open = function () {
  owners.set(this, opening);
  return open.call(this);
};
const around = (original) =>
  async function (...given) {
    const tab = owners.get(this);
    await tab.step();
    const result = await original.apply(this, given);
    await tab.step();
    return result;
  };
Store.prototype.read = around(read);
Store.prototype.write = around(write);
const { of } = Spare;
Spare.of = (name) => {
  const spare = of(name);
  if (spare) owners.set(spare, opening);
  return spare;
};
Spare.prototype.follow = around(Spare.prototype.follow); // killed between the two copies
furnish(() => opening);

/** One opened page of the app. */
export class Tab {
  steps = 0;
  dieAt = Infinity;
  isDead = false;
  #thaw = null;
  #frozen = null;

  constructor(handset, chance) {
    this.handset = handset;
    this.chance = chance;
    this.step = async () => {
      this.steps += 1;
      if (this.steps >= this.dieAt) this.die();
      if (this.isDead) await never;
      while (this.#frozen) await this.#frozen;
      if (this.isDead) await never;
    };
    this.subtle = makeSubtle(this.step);
    this.turns = chance.stream("turns");
  }

  get isFrozen() {
    return this.#frozen !== null;
  }

  freeze() {
    this.#frozen ??= new Promise((done) => (this.#thaw = done));
  }

  thaw() {
    this.#frozen = null;
    this.#thaw?.();
  }

  die() {
    this.isDead = true;
    this.handset.locks?.letGo(this);
  }
}

export class Handset {
  skew = 0; // its clock minus the true one, ms
  quota = 64 * GB;
  client = undefined; // the app's version, as it tells the server; undefined: today's
  /** @type {Tab[]} */ tabs = [];
  /** ids of events that `seal` said are safe */
  sealed = new Map();
  /** draft → the event that was made of it */
  drafts = new Map();
  /** people that a hand was about to remove, with their rows as they were */
  leaving = [];

  constructor(world, name) {
    this.world = world;
    this.name = name;
    this.database = `${world.seed}-${name}`;
    this.databases = [this.database];
    this.chance = world.draw.stream(name);
    this.locks = this.chance.chance(0.8) ? new Locks() : null; // else a lease
    this.buckets = this.chance.stream("buckets").chance(0.6) ? new Buckets() : undefined;
  }

  get ails() {
    return ailing(this.database);
  }

  get live() {
    return this.tabs.filter((tab) => !tab.isDead);
  }

  /** A tab that a hand can use: one that is there and not frozen, else a new one. */
  async inHand() {
    const ready = this.live.filter((tab) => !tab.isFrozen && tab.phone);
    return ready.length > 0 ? this.chance.pick(ready) : this.open();
  }

  async open() {
    const tab = this.#begin();
    const opened = openPhone(this.#around(tab));
    try {
      tab.phone = await opened;
    } catch (error) {
      tab.die();
      throw error;
    }
    tab.phone.start();
    return tab;
  }

  /** The service worker is woken with no page of its own, and ends as the browser or its work says. */
  async wake() {
    const worker = this.#begin();
    if (this.chance.chance(0.5)) worker.dieAt = this.chance.whole(1, 80);
    try {
      await flushInBackground(this.#around(worker));
    } catch {
      this.world.note(`${this.name} the worker will be woken again`); // work is left: browsers take that as "later"
    }
    worker.die();
  }

  #begin() {
    const tab = new Tab(this, this.chance.stream(`tab ${this.tabs.length}`));
    this.tabs.push(tab);
    opening = tab;
    return tab;
  }

  /** What a tab or worker has around it. */
  #around(tab) {
    const { world } = this;
    return {
      fetch: async (url, init) => {
        await tab.step();
        const answer = await world.network.fetch(this, url, init);
        await tab.step();
        return answer;
      },
      locks: this.locks ? this.locks.of(tab) : null,
      now: () => world.start + world.clock.now + this.skew,
      random: () => tab.chance.next(),
      base: "https://baton.test",
      databaseName: this.database,
      storageManager: {
        estimate: async () => ({ usage: GB, quota: this.quota }),
        persisted: async () => true,
      },
      client: this.client,
      shelf: new Shelf(null),
      auto: false,
    };
  }

  /** After its storage was cleared: the same phone, and nothing on it. */
  beginAnew() {
    this.database = `${this.world.seed}-${this.name}-${this.databases.length}`;
    this.databases.push(this.database);
  }

  makeRoom() {
    this.quota = 64 * GB;
    this.ails.full.clear();
  }

  /** The faults of this phone end. A tab may stay frozen when there is another one; a wrong clock stays wrong. */
  async heal() {
    this.makeRoom();
    if (this.client) this.reload({ client: undefined }); // the person opens the new version, as it asks
    for (const leaving of this.leaving) await this.#settleLeaving(leaving);
    Object.assign(this.ails, { lost: 0, aborted: 0 });
    for (const tab of this.live) {
      tab.dieAt = Infinity;
      const isAlone = this.live.every((other) => other === tab || other.isFrozen);
      if (isAlone || this.chance.chance(0.5)) tab.thaw();
    }
    const ready = this.live.filter(({ phone, isFrozen }) => phone && !isFrozen);
    if (ready.length === 0) await this.do("open", () => this.open());
    // Only who was told to stop asks for a hand.
    for (const { phone } of ready) if (phone.syncState.state === "paused") void phone.kick("user");
  }

  /** Every page is loaded again, as after an update. */
  reload({ client }) {
    this.client = client;
    for (const tab of this.live) tab.die();
  }

  /** Whoever is not on the phone any more took along what was not home, and a hand had said so. */
  async #settleLeaving({ database, device, rows }) {
    const { identities } = await look(database, ["identities"]);
    if (!identities.some((row) => row.device === device)) this.world.forgive(this, rows);
  }

  /** Something a hand does. A refusal is noted; it may be one that the day explains. */
  async do(what, work) {
    try {
      await work();
    } catch (error) {
      this.world.refused(this, what, error);
      if (error.code !== "person-changed") return; // by another tab: whoever reads that loads the page again
      for (const tab of this.live) void tab.phone?.reload(false);
    }
  }
}
