/**
 * The rescue file: what is not with the office yet, written out so that it can come by any other way (ADR 0008).
 * It only reads: nothing leaves the queue by it. One picture at a time is in memory; what was read lies in Blobs, which
 * browsers keep outside the page's memory.
 * @module
 */
import { utf8 } from "../domain/bytes.js";
import { PhoneError } from "../domain/problems.js";
import { MANIFEST, fileName, shareOut } from "../domain/rescue.js";
import { crc32 } from "../domain/zip.js";
import { listEvents } from "../storage/events.js";
import { getMeta, setMeta } from "../storage/meta.js";
import { emptyError, gather, unhomed, withSources } from "./rescue-read.js";
import { Work, entry, join } from "./rescue-work.js";

/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {MetaValues} from '../storage/meta.js' */
/** @import {Context} from './context.js' */
/** @import {Source} from './rescue-read.js' */
/** @import {Entry} from './rescue-work.js' */

/**
 * Whose work: one identity's, one event's, or, when neither is named, everybody's on this phone.
 * @typedef {{device?:string, event?:string}} RescueScope
 */

/**
 * What one identity has that the office has not, and when it was last given away in files.
 * @typedef {object} RescueStanding
 * @property {string} device
 * @property {string} by         the person's name
 * @property {number} events
 * @property {number} pictures
 * @property {number} bytes
 * @property {MetaValues['rescued']|null} last
 */

/** `by` counts what is of each device. @typedef {{file:File, events:number, pictures:number, by:Map<string, {events:number, pictures:number}>, given:boolean}} RescueFile */

/** `unread` could not be read back from this phone. @typedef {{files:RescueFile[], unread:{events:number, pictures:number}, isWhole:boolean}} RescueMade */

const TYPE = "application/zip";

/** Writes rescue files, and remembers which were given to somebody. */
export class Rescue {
  /** @type {Context} */ #context;
  /** @type {() => string|null} */ #current;
  /** Kept here too, for a store that can only be read. @type {Map<string, MetaValues['rescued']>} */ #last =
    new Map();

  /** @param {Context} context @param {() => string|null} current the device in use */
  constructor(context, current) {
    this.#context = context;
    this.#current = current;
  }

  /** @returns {Promise<RescueStanding[]>} of everybody who has work here that is not home; whoever uses the phone first */
  async standing() {
    return withSources(this.#context, this.#current(), async (sources) => {
      const found = [];
      for (const { identity, store } of sources) {
        const { device, actor } = identity;
        const { events, pictures } = unhomed(await listEvents(store, device));
        if (events.length + pictures.length === 0) continue;
        const last = this.#last.get(device) ?? (await getMeta(this.#context.store, device, "rescued"));
        const bytes = [...events, ...pictures].reduce((sum, { size }) => sum + size, 0);
        const counts = { events: events.length, pictures: pictures.length, bytes };
        found.push({ device, by: actor.name, ...counts, last });
      }
      return found;
    });
  }

  /**
   * Writes the files; they exist whole when this resolves, or not at all.
   * @param {RescueScope} [scope]
   * @param {(done:number, total:number) => void} [tell] after each step, in bytes
   * @returns {Promise<RescueMade>}
   * @throws {PhoneError} `rescue-empty`, `rescue-unreadable`, `event-unknown`
   */
  async make(scope = {}, tell = () => undefined) {
    return withSources(this.#context, this.#current(), (sources) => this.#makeFrom(sources, scope, tell));
  }

  /**
   * @param {Source[]} sources
   * @param {RescueScope} scope
   * @param {(done:number, total:number) => void} tell
   * @returns {Promise<RescueMade>}
   */
  async #makeFrom(sources, scope, tell) {
    const { signer, events, pictures } = await gather(sources, scope);
    const shares = shareOut(events, pictures);
    const total = [...events, ...pictures].reduce((sum, { size }) => sum + size, 0);
    const stores = new Map(sources.map(({ identity, store }) => [identity.device, store]));
    const work = new Work(this.#context, stores, total, tell);
    const bodies = [];
    for (const share of shares) bodies.push(await work.write(share));
    const kept = bodies.filter(({ counts }) => counts.events + counts.pictures > 0);
    if (kept.length === 0) throw emptyError(shares.length > 0);
    const madeAt = this.#context.nowText();
    const files = kept.map((body, index) => {
      const place = { part: index + 1, parts: kept.length };
      const manifest = this.#manifest(signer, madeAt, { ...place, ...body.counts });
      const name = fileName(new Date(madeAt), signer.device, place.part, place.parts);
      const file = new File([join([manifest, ...body.entries])], name, { type: TYPE });
      return { file, ...body.counts, by: body.by, given: false };
    });
    return { files, unread: work.unread, isWhole: scope.event === undefined };
  }

  /**
   * Remembers that a file was handed over; what could not be written down is at least known until Baton closes.
   * @param {RescueMade} made
   * @param {RescueFile} given one of its files
   * @returns {Promise<void>}
   */
  async noteGiven(made, given) {
    given.given = true;
    if (!made.isWhole) return; // one handover out of many says nothing of the rest
    const at = this.#context.nowText();
    for (const device of new Set(made.files.flatMap(({ by }) => [...by.keys()]))) {
      const parts = made.files.filter(({ by }) => by.has(device));
      const gone = parts.filter((part) => part.given);
      if (gone.length === 0) continue;
      const sum = (/** @type {'events'|'pictures'} */ what) =>
        gone.reduce((n, { by }) => n + (by.get(device)?.[what] ?? 0), 0);
      const note = {
        at,
        events: sum("events"),
        pictures: sum("pictures"),
        files: gone.length,
        of: parts.length,
      };
      this.#last.set(device, note);
      await setMeta(this.#context.store, device, "rescued", note).catch((error) => {
        if (!(error instanceof PhoneError)) throw error;
      });
    }
  }

  /**
   * @param {IdentityRow} identity
   * @param {string} madeAt
   * @param {{part:number, parts:number, events:number, pictures:number}} counts
   * @returns {Entry}
   */
  #manifest({ device, label, actor }, madeAt, { part, parts, events, pictures }) {
    const told = {
      format: 1,
      made_at: madeAt,
      device,
      client: this.#context.client,
      label: label || null,
      actor: actor.id || null,
      part,
      parts,
      events,
      blobs: pictures,
    };
    const bytes = utf8(`${JSON.stringify(told, null, 2)}\n`);
    return entry(MANIFEST, [bytes], bytes.length, crc32(bytes));
  }
}
