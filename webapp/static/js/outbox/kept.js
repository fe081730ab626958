/**
 * What this phone keeps of whoever is signed in, read only: their outbox, what is unsent, a picture, a signed line.
 * @module
 */
import { countUnsent, describeEvents } from "../domain/counts.js";
import { PhoneError } from "../domain/problems.js";
import { readBlob } from "../storage/blobs.js";
import { eventById, jwsOf, listEvents } from "../storage/events.js";
import { Lists } from "./lists.js";
import { countOthers, othersItems } from "./others.js";

/** @import {Counts, OutboxItem} from '../domain/types.js' */
/** @import {Listed} from '../domain/counts.js' */
/** @import {Store} from '../storage/store.js' */
/** @import {OthersItem} from './others.js' */

export class Kept extends Lists {
  /** @type {Store} */ #store;
  /** @type {() => string|null} */ #current;
  /** @type {Promise<Listed>|null} */ #listing = null;

  /** @param {Store} store @param {() => string|null} current device of whoever is signed in */
  constructor(store, current) {
    super();
    this.#store = store;
    this.#current = current;
  }

  /** @returns {Promise<OutboxItem[]>} newest first */
  async outbox() {
    const device = this.#current();
    if (!device) return [];
    return describeEvents(await this.#listed(device), this.rules, this.worklist.parcels, Date.parse);
  }

  /** @returns {Promise<Counts>} */
  async counts() {
    const device = this.#current();
    const mine = device ? await this.#listed(device) : null;
    return { ...countUnsent(mine), ...(await countOthers(this.#store, device ?? undefined)) };
  }

  /** @returns {Promise<OthersItem[]>} of the others on this phone, what the office has not got all of */
  async othersOutbox() {
    return othersItems(this.#store, this.#current() ?? undefined);
  }

  /** @param {string} sha256 @returns {Promise<ArrayBuffer|null>} null: there is nothing to show */
  async blob(sha256) {
    return readBlob(this.#store, this.device(), sha256).catch((error) => {
      if (error instanceof DOMException) return null;
      throw error;
    });
  }

  /**
   * @param {string} id
   * @param {string} [device] of somebody else on this phone
   * @returns {Promise<string>} the JWS, verbatim, to take an item out by hand
   */
  async eventJws(id, device = this.device()) {
    const event = await eventById(this.#store, device, id);
    if (!event) throw new PhoneError("event-unknown", "This phone has no such handover.");
    const [jws] = await jwsOf(this.#store, event.device, [event.seq]);
    return jws ?? "";
  }

  /**
   * @returns {string} of whoever is signed in
   * @throws {PhoneError} `not-enrolled`
   */
  device() {
    const device = this.#current();
    if (!device) throw new PhoneError("not-enrolled", "Nobody is signed in on this phone.");
    return device;
  }

  /** Whatever was read before is stale. */
  forget() {
    this.#listing = null;
  }

  /**
   * The outbox and the counts are asked for together, after every change: one reading serves both.
   * @param {string} device
   * @returns {Promise<Listed>}
   */
  #listed(device) {
    this.#listing ??= listEvents(this.#store, device);
    const listing = this.#listing;
    listing.catch(() => {
      if (this.#listing === listing) this.#listing = null;
    });
    return listing;
  }
}
