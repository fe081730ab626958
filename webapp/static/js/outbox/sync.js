/**
 * The engine: decides when to send and pull, one round at a time, and says how it stands.
 * A round: hello when stale, events, pictures (events again whenever one was sealed meanwhile), worklist, tidying.
 * @module
 */
import { waitFor } from "../domain/backoff.js";
import { PhoneError, problemOf } from "../domain/problems.js";
import { earliest, isDue, uploadOrder } from "../domain/batches.js";
import { listBlobs } from "../storage/blobs.js";
import { peekOutbox } from "../storage/events.js";
import { currentIdentity, listIdentities } from "../storage/identities.js";
import { getMeta } from "../storage/meta.js";
import { releaseOld } from "../storage/retention.js";
import { GO, flushEvents, freshPace } from "./flush.js";
import { freshOffset, knownHello, sayHello } from "./hello.js";
import { sendPictures } from "./pictures.js";
import { pullWorklist } from "./pull.js";
import { endTurn } from "./sender.js";
import { Triggers, registerBackgroundSync } from "./triggers.js";

/** @import {OutboxRow, Problem, SyncState} from '../domain/types.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */
/** @import {Outcome, Pace} from './flush.js' */

const POLL_MS = 300_000;
const BUSY_POLL_MS = 30_000;
const TIDY_MS = 3_600_000;
const LONGEST_HOLD_MS = 3_900_000; // the longest Retry-After that is obeyed, and some jitter

/** Reasons that try in spite of a pause: a person, or a new start, may have changed what stood in the way. */
const UNPAUSING = new Set(["start", "user", "enrol", "person"]);
/** Reasons that try in spite of a wait the server asked for. */
const INSISTING = new Set(["start", "user", "enrol", "person", "due"]);

/**
 * How one identity's line to the server goes: failures in a row, until when the server wants to be left alone, and when to
 * try again (0: nothing failed). Times are ms since 1970.
 * @typedef {{failures:number, heldUntil:number, dueAt:number}} Line
 */

/**
 * What stopped an identity, by which server, and the last of its events that was offered then (0: there was none).
 * @typedef {{problem:Problem, epoch:string|null, offered:number}} Stop
 */

/** Events: `state` (a `CustomEvent<SyncState>`) `settled` (the outbox changed), `list` and `age` (of the worklist). */
export class SyncEngine extends EventTarget {
  /** @type {Context} */ #context;
  /** @type {Triggers} */ #triggers;
  /** @type {Map<string, Pace>} */ #paces = new Map();
  /** @type {Map<string, Stop>} who was stopped */ #paused = new Map();
  /** @type {Promise<SyncState>|null} */ #running = null;
  /** @type {Promise<SyncState>|null} */ #following = null;
  /** @type {string|null} the most insistent reason for the round that follows */ #nextReason = null;
  /** @type {Map<string, Line>} */ #lines = new Map();
  /** @type {Map<string, number>} */ #tidiedAt = new Map();
  /** @type {string|null} whose wait the timer ends */ #due = null;
  /** @type {SyncState} */ #state = { state: "idle", problem: null, nextAt: null };

  /** @param {Context} context */
  constructor(context) {
    super();
    this.#context = context;
    this.#triggers = new Triggers((reason) => void this.kick(reason));
  }

  /** @returns {SyncState} */
  get state() {
    return this.#state;
  }

  /** Listens for what should start a round, and starts the first. @returns {Promise<SyncState>} when that has ended */
  start() {
    this.#triggers.start();
    return this.kick("start");
  }

  stop() {
    this.#triggers.stop();
  }

  /**
   * @param {string} reason
   * @returns {Promise<SyncState>} when a round that began after this call has ended
   */
  async kick(reason) {
    if (reason === "seal") void registerBackgroundSync();
    if (this.#running) {
      if (INSISTING.has(reason)) this.#nextReason = reason;
      this.#following ??= this.#running.then(() => this.#begin(this.#nextReason ?? reason));
      return this.#following;
    }
    return this.#begin(reason);
  }

  /** @param {string} reason @returns {Promise<SyncState>} */
  #begin(reason) {
    this.#following = null;
    this.#nextReason = null;
    if (reason === "online") for (const line of this.#lines.values()) line.failures = 0;
    this.#running = this.#round(reason).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /**
   * Whoever is in front of the phone first, then each of the others by their own credentials; what stands in the way of
   * one holds back nobody else.
   * @param {string} reason
   * @returns {Promise<SyncState>}
   */
  async #round(reason) {
    if (UNPAUSING.has(reason)) this.#paused.clear();
    const { store } = this.#context;
    /** @type {Outcome|null} of whoever is signed in; null: they were left alone this time */
    let outcome = null;
    try {
      // A number that the office has must not be given again by a phone that comes back from its second copy.
      if (await store.level()) this.dispatchEvent(new Event("list"));
      const current = await currentIdentity(store);
      const open = new Set([current?.device ?? ""]);
      this.#lines.delete("");
      if (!current) outcome = GO;
      else if (!this.#isHeld(current.device, reason)) outcome = await this.#serve(current, true);
      const others = (await listIdentities(store)).filter(({ device }) => device !== current?.device);
      await this.#askForOthers(others, current?.device, reason);
      for (const identity of others) {
        if (!(await this.#hasWork(identity.device))) continue;
        open.add(identity.device);
        if (!this.#isHeld(identity.device, reason)) await this.#serve(identity, false);
      }
      for (const device of this.#lines.keys()) if (!open.has(device)) this.#lines.delete(device);
    } catch (error) {
      outcome = { next: "wait", retryAfterMs: null, problem: problemOf(error) };
      this.#note("", outcome);
    }
    await endTurn(this.#context).catch(() => undefined); // a lease not given back runs out by itself
    return this.#conclude(outcome);
  }

  /**
   * Whoever is in front asks who the server is, for everybody. When they are stopped nobody would, and what a restored
   * server has lost of the others would never be offered again.
   * @param {IdentityRow[]} others
   * @param {string|undefined} current
   * @param {string} reason
   */
  async #askForOthers(others, current, reason) {
    if (current !== undefined && !this.#paused.has(current)) return;
    const other = others.find(({ device }) => !this.#paused.has(device));
    if (other && !this.#isHeld(other.device, reason)) await sayHello(this.#context, other.device);
  }

  /** @param {string} device @param {string} reason @returns {boolean} the server asked to be left alone, and still may */
  #isHeld(device, reason) {
    const held = (this.#lines.get(device)?.heldUntil ?? 0) - this.#context.now();
    const insists = reason === "due" ? device === this.#due : INSISTING.has(reason);
    return held > 0 && held <= LONGEST_HOLD_MS && !insists; // longer than any wait is a clock that went back
  }

  /**
   * @param {IdentityRow} identity
   * @param {boolean} isCurrent only the person in front of the phone needs a worklist
   * @returns {Promise<Outcome>}
   */
  async #serve(identity, isCurrent) {
    const { device } = identity;
    const paused = this.#paused.get(device);
    if (paused && !(await this.#mayGoOn(device, paused))) {
      return { next: "pause", problem: paused.problem, retryAfterMs: null };
    }
    if (isCurrent) this.#tell({ state: "sending", problem: null, nextAt: null });
    let offered = 0;
    /** @type {Outcome} */
    let outcome;
    try {
      offered = (await peekOutbox(this.#context.store, device)).at(-1)?.seq ?? 0;
      outcome = await this.#exchange(identity, isCurrent);
      await this.#tidy(device);
    } catch (error) {
      const isGone = error instanceof PhoneError && error.code === "identity-gone"; // removed while it was served
      outcome = isGone ? GO : { next: "wait", retryAfterMs: null, problem: problemOf(error) };
    }
    this.#note(device, outcome);
    this.dispatchEvent(new Event("settled"));
    if (outcome.next === "pause" && outcome.problem) {
      this.#paused.set(device, { problem: outcome.problem, epoch: await this.#epoch(device), offered });
    } else this.#paused.delete(device); // what ended otherwise is tried again by its own time, as on any line
    return outcome;
  }

  /**
   * Whether a device that was stopped may try in spite of it.
   * @param {string} device
   * @param {Stop} stopped
   * @returns {Promise<boolean>}
   */
  async #mayGoOn(device, { problem, epoch, offered }) {
    if (await this.#isRestored(device, epoch)) return true;
    if (problem.code !== "device-revoked") return false;
    // The office keeps what a phone seals that it signed out, and what had to wait for its own time then.
    const { store, now } = this.#context;
    const isOwed = (/** @type {OutboxRow} */ { seq, notBefore }) => seq > offered || notBefore > 0;
    if ((await this.#dueEvents(device)).some(isOwed)) return true;
    return uploadOrder(await listBlobs(store, device), now()).some(({ notBefore }) => notBefore > 0);
  }

  /** @param {string} device @returns {Promise<OutboxRow[]>} the events that may go now */
  async #dueEvents(device) {
    const { store, now } = this.#context;
    return (await peekOutbox(store, device)).filter((row) => !row.parked && isDue(row, now()));
  }

  /**
   * Whether the server was put back to an earlier state since it stopped this device: it may know the phone again, and has
   * lost what it was told by it.
   * @param {string} device
   * @param {string|null} epoch as known when it was stopped
   * @returns {Promise<boolean>}
   */
  async #isRestored(device, epoch) {
    await sayHello(this.#context, device);
    if ((await this.#epoch(device)) === epoch) return false;
    this.#paused.delete(device);
    return true;
  }

  /** @param {string} device @returns {Promise<string|null>} */
  async #epoch(device) {
    return (await getMeta(this.#context.store, device, "epoch")) ?? null;
  }

  /** @param {IdentityRow} identity @param {boolean} isCurrent @returns {Promise<Outcome>} */
  async #exchange(identity, isCurrent) {
    if (!(await sayHello(this.#context, identity.device))) {
      return { next: "offline", problem: null, retryAfterMs: null };
    }
    const sent = await this.#send(identity, isCurrent);
    const tell = (/** @type {string} */ what) => this.dispatchEvent(new Event(what));
    return sent.next === "go" && isCurrent ? pullWorklist(this.#context, identity, tell) : sent;
  }

  /** @param {string} device @param {Outcome} outcome */
  #note(device, { next, retryAfterMs }) {
    const { now, random } = this.#context;
    const failed = next === "wait" || next === "offline";
    const pace = this.#paces.get(device);
    const before = pace?.moved ? 0 : (this.#lines.get(device)?.failures ?? 0); // a line that carries is no dead one
    if (pace) pace.moved = false;
    const failures = failed ? before + 1 : 0;
    const dueAt = failed ? now() + waitFor(failures, random(), retryAfterMs) : 0;
    this.#lines.set(device, { failures, dueAt, heldUntil: next === "wait" ? dueAt : 0 });
  }

  /** @param {IdentityRow} identity @param {boolean} isCurrent @returns {Promise<Outcome>} */
  async #send(identity, isCurrent) {
    const pace = this.#paces.get(identity.device) ?? freshPace();
    this.#paces.set(identity.device, pace);
    const tell = () => this.dispatchEvent(new Event("settled"));
    const mayGoOn = () => isCurrent || this.#following === null; // nobody's scan waits behind another's photos
    for (;;) {
      const events = await flushEvents(this.#context, identity, pace);
      // The office has signed this phone out: the pictures of what it has of it may come home all the same.
      const isOut = events.problem?.code === "device-revoked";
      if (events.next !== "go" && !isOut) return events;
      if (isOut && (await this.#dueEvents(identity.device)).length > 0) return events; // it keeps none: asking would have no end
      tell();
      const pictures = await sendPictures(this.#context, identity, pace, { tell, mayGoOn });
      if (pictures === "events") continue;
      if (pictures.next !== "go") return pictures;
      if (pace.told) return events;
    } // the pictures went: one more empty batch tells the office that nothing is left
  }

  /**
   * Whether anything is left to send; or to tell, as when the word that all has gone was lost.
   * @param {string} device
   * @returns {Promise<boolean>}
   */
  async #hasWork(device) {
    const { store } = this.#context;
    if (!this.#paces.get(device)?.told) return true;
    if ((await peekOutbox(store, device)).some(({ parked }) => !parked)) return true;
    return (await listBlobs(store, device)).some(({ state }) => state === "wanted");
  }

  /** @param {string} device */
  async #tidy(device) {
    const { store, now } = this.#context;
    if (Math.abs(now() - (this.#tidiedAt.get(device) ?? 0)) < TIDY_MS) return;
    const offset = await freshOffset(this.#context, device);
    if (!offset) return; // a clock that moved since would let go of everything at once
    this.#tidiedAt.set(device, now());
    const { retainDays } = await knownHello(this.#context, device);
    await releaseOld(store, device, { now: now() + offset.ms, clock: now(), retainDays });
  }

  /** @param {Outcome|null} outcome of whoever is signed in; null leaves what was said @returns {Promise<SyncState>} */
  async #conclude(outcome) {
    const { now } = this.#context;
    const next = outcome?.next ?? "go";
    const failed = this.#failed();
    this.#due = failed?.device ?? null;
    const rest = failed ? Math.max(0, failed.dueAt - now()) : Infinity;
    // A store that fails at the very end must not leave the engine at "sending", with no timer to wake it.
    const quiet = next === "busy" ? BUSY_POLL_MS : await this.#quiet().catch(() => POLL_MS);
    const delay = Math.min(rest, quiet);
    this.#triggers.after(delay, rest <= quiet ? "due" : "timer");
    if (!outcome) return this.#tell({ ...this.#state });
    const state = next === "pause" ? "paused" : next === "offline" ? "offline" : "idle";
    const nextAt = next === "pause" ? null : new Date(now() + delay).toISOString();
    return this.#tell({ state, problem: outcome.problem, nextAt });
  }

  /** @returns {{device:string, dueAt:number}|null} whose line is to be tried again first */
  #failed() {
    const [first] = [...this.#lines]
      .filter(([device, { dueAt }]) => dueAt > 0 && !this.#paused.has(device))
      .map(([device, { dueAt }]) => ({ device, dueAt }))
      .sort((a, b) => a.dueAt - b.dueAt);
    return first ?? null;
  }

  /**
   * How long to rest when nothing is wrong: till the next row that waits alone, else till it is time to look again.
   * @returns {Promise<number>} ms
   */
  async #quiet() {
    const { store, now } = this.#context;
    const rows = [];
    for (const { device } of await listIdentities(store)) {
      if (this.#paused.has(device)) continue;
      rows.push(...(await peekOutbox(store, device)), ...(await listBlobs(store, device)));
    }
    const at = earliest(rows, now());
    return at === null ? POLL_MS : Math.min(POLL_MS, at - now());
  }

  /** @param {SyncState} state @returns {SyncState} */
  #tell(state) {
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
    return state;
  }
}
