/**
 * The people of one phone: who is enrolled here and what each has unsent; signing in and out, and removing somebody for
 * good. Needs no network, and touches nobody's queue but that of whoever is removed.
 * @module
 */
import { listIdentities, makeCurrent } from "../storage/identities.js";
import { getMeta } from "../storage/meta.js";
import { removeIdentity, unsentOf } from "../storage/removal.js";

/** @import {Unsent} from '../storage/removal.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */

/**
 * `isEarlier`: the same person has connected again since; this is what their earlier connection left.
 * @typedef {{device:string, name:string, role:string, org:string, label:string, enrolledAt:number, isCurrent:boolean,
 *   isEarlier:boolean, unsent:Unsent}} Person
 */

export class People {
  /** @type {Context} */ #context;
  /** @type {() => string|null} */ #device;
  /** @type {() => Promise<void>} */ #changed;

  /**
   * @param {Context} context
   * @param {() => string|null} device who is signed in
   * @param {() => Promise<void>} changed called when somebody else is; resolves when their list is in memory
   */
  constructor(context, device, changed) {
    this.#context = context;
    this.#device = device;
    this.#changed = changed;
  }

  /** @returns {Promise<Person[]>} whoever is signed in first, then by name, the latest connection before earlier ones */
  async list() {
    const { store } = this.#context;
    const rows = (await listIdentities(store)).sort((a, b) => b.enrolledAt - a.enrolledAt);
    const current = this.#device();
    const people = await Promise.all(
      rows.map(async ({ device, actor, org, label, enrolledAt }, index) => ({
        device,
        name: actor.name,
        role: actor.role,
        org: org.name,
        label,
        enrolledAt,
        isCurrent: device === current,
        isEarlier: rows.slice(0, index).some((row) => row.actor.id === actor.id && row.org.id === org.id),
        unsent: await unsentOf(store, device),
      })),
    );
    return people.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  }

  /**
   * @param {string} device whose work goes on
   * @returns {Promise<void>}
   * @throws {import('../domain/problems.js').PhoneError} `identity-gone`
   */
  async switchTo(device) {
    await makeCurrent(this.#context.store, device);
    await this.#changed();
  }

  /** Nobody is signed in any more; what is unsent goes home all the same. @returns {Promise<void>} */
  async signOut() {
    await makeCurrent(this.#context.store, null);
    await this.#changed();
  }

  /**
   * Removes somebody and all of their rows from this phone, for good.
   * @param {string} device
   * @param {number|null} typed how many unsent items go with them, as typed; null when there are none
   * @returns {Promise<void>}
   * @throws {import('../domain/problems.js').PhoneError} `count-differs`: nothing was removed
   */
  async remove(device, typed) {
    const { store } = this.#context;
    const row = (await listIdentities(store)).find((one) => one.device === device);
    const told = await getMeta(store, device, "told");
    await removeIdentity(store, device, typed);
    await this.#changed();
    if (row && told) await this.#endTelling(row, told.endpoint);
  }

  /** @param {IdentityRow} row @param {string} endpoint */
  async #endTelling(row, endpoint) {
    try {
      await (await import("./telling.js")).endFor(this.#context, row, endpoint);
    } catch (error) {
      // Removed they are: a browser that will not let go of its subscription, or a part that is not on this phone yet.
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    }
  }
}

/** @param {Person} person @returns {number} */
function rank({ isCurrent, isEarlier }) {
  if (isCurrent) return 0;
  return isEarlier ? 2 : 1;
}
