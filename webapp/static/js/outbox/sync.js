/**
 * The engine: decides when to send and pull, one round at a time, and says how it stands.
 * A round: hello when stale, events, pictures (events again whenever one was sealed meanwhile), worklist, tidying.
 * @module
 */
import { waitFor } from "../domain/backoff.js";
import { problemOf } from "../domain/problems.js";
import { earliest } from "../domain/batches.js";
import { listBlobs } from "../storage/blobs.js";
import { peekOutbox } from "../storage/events.js";
import { currentIdentity, listIdentities } from "../storage/identities.js";
import { releaseOld } from "../storage/retention.js";
import { GO, flushEvents, freshPace } from "./flush.js";
import { knownHello, sayHello } from "./hello.js";
import { sendPictures } from "./pictures.js";
import { pullWorklist } from "./pull.js";
import { endTurn } from "./sender.js";
import { Triggers, registerBackgroundSync } from "./triggers.js";

/** @import {Problem, SyncState} from '../domain/types.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */
/** @import {Outcome, Pace} from './flush.js' */

const POLL_MS = 300_000;
const BUSY_POLL_MS = 30_000;
const TIDY_MS = 3_600_000;
const LONGEST_HOLD_MS = 3_900_000; // the longest Retry-After that is obeyed, and some jitter

/** Reasons that try in spite of a pause: a person, or a new start, may have changed what stood in the way. */
const UNPAUSING = new Set(["start", "user", "enrol"]);
/** Reasons that try in spite of a wait the server asked for. */
const INSISTING = new Set(["start", "user", "enrol", "due"]);

/** Events: `state` (a `CustomEvent<SyncState>`) `settled` (the outbox changed), `list` and `age` (of the worklist). */
export class SyncEngine extends EventTarget {
  /** @type {Context} */ #context;
  /** @type {Triggers} */ #triggers;
  /** @type {Map<string, Pace>} */ #paces = new Map();
  /** @type {Map<string, Problem>} */ #paused = new Map();
  /** @type {Promise<SyncState>|null} */ #running = null;
  /** @type {Promise<SyncState>|null} */ #following = null;
  /** @type {string|null} the most insistent reason for the round that follows */ #nextReason = null;
  #failures = 0;
  #heldUntil = 0;
  #tidiedAt = 0;
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

  /** Listens for what should start a round, and starts the first. */
  start() {
    this.#triggers.start();
    void this.kick("start");
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
    if (reason === "online") this.#failures = 0;
    this.#running = this.#round(reason).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** @param {string} reason @returns {Promise<SyncState>} */
  async #round(reason) {
    const held = this.#heldUntil - this.#context.now(); // longer than any wait is a clock that went back
    if (held > 0 && held <= LONGEST_HOLD_MS && !INSISTING.has(reason)) return this.#state;
    if (UNPAUSING.has(reason)) this.#paused.clear();
    const { store } = this.#context;
    /** @type {Outcome} */
    let outcome = GO;
    try {
      const current = await currentIdentity(store);
      for (const identity of await listIdentities(store)) {
        if (identity.device === current?.device) continue;
        if (await this.#hasWork(identity.device)) await this.#serve(identity, false);
      }
      if (current) outcome = await this.#serve(current, true);
    } catch (error) {
      outcome = { next: "wait", retryAfterMs: null, problem: problemOf(error) };
    }
    await endTurn(this.#context).catch(() => undefined); // a lease not given back runs out by itself
    return this.#conclude(outcome);
  }

  /**
   * @param {IdentityRow} identity
   * @param {boolean} isCurrent only the person in front of the phone needs a worklist
   * @returns {Promise<Outcome>}
   */
  async #serve(identity, isCurrent) {
    const { device } = identity;
    const paused = this.#paused.get(device);
    if (paused) return { next: "pause", problem: paused, retryAfterMs: null };
    if (isCurrent) this.#tell({ state: "sending", problem: null, nextAt: null });
    if (!(await sayHello(this.#context, device))) {
      return { next: "offline", problem: null, retryAfterMs: null };
    }
    const sent = await this.#send(identity);
    const tell = (/** @type {string} */ what) => this.dispatchEvent(new Event(what));
    const mayPull = sent.next === "go" && isCurrent;
    const outcome = mayPull ? await pullWorklist(this.#context, identity, tell) : sent;
    await this.#tidy(device);
    this.dispatchEvent(new Event("settled"));
    if (outcome.next === "pause" && outcome.problem) this.#paused.set(device, outcome.problem);
    return outcome;
  }

  /** @param {IdentityRow} identity @returns {Promise<Outcome>} */
  async #send(identity) {
    const pace = this.#paces.get(identity.device) ?? freshPace();
    this.#paces.set(identity.device, pace);
    const tell = () => this.dispatchEvent(new Event("settled"));
    for (;;) {
      const events = await flushEvents(this.#context, identity, pace);
      if (events.next !== "go") return events;
      tell();
      const pictures = await sendPictures(this.#context, identity, pace, tell);
      if (pictures === "events") continue;
      if (pictures.next !== "go" || pace.told) return pictures;
    } // the pictures went: one more empty batch tells the office that nothing is left
  }

  /** @param {string} device @returns {Promise<boolean>} */
  async #hasWork(device) {
    const { store } = this.#context;
    if ((await peekOutbox(store, device)).some(({ parked }) => !parked)) return true;
    return (await listBlobs(store, device)).some(({ state }) => state === "wanted");
  }

  /** @param {string} device */
  async #tidy(device) {
    const { store, now } = this.#context;
    if (Math.abs(now() - this.#tidiedAt) < TIDY_MS) return;
    this.#tidiedAt = now();
    const { retainDays } = await knownHello(this.#context, device);
    await releaseOld(store, device, { now: now(), retainDays });
  }

  /** @param {Outcome} outcome @returns {Promise<SyncState>} */
  async #conclude({ next, problem, retryAfterMs }) {
    const { now, random } = this.#context;
    const failed = next === "wait" || next === "offline";
    this.#failures = failed ? this.#failures + 1 : 0;
    const delay = failed ? waitFor(this.#failures, random(), retryAfterMs) : await this.#quiet(next);
    this.#heldUntil = next === "wait" ? now() + delay : 0;
    if (next === "pause") this.#triggers.clear();
    else this.#triggers.after(delay, failed ? "due" : "timer");
    const state = next === "pause" ? "paused" : next === "offline" ? "offline" : "idle";
    const nextAt = next === "pause" ? null : new Date(now() + delay).toISOString();
    return this.#tell({ state, problem, nextAt });
  }

  /**
   * How long to rest when nothing is wrong: till the next row that waits alone, else till it is time to look again.
   * @param {Outcome['next']} next
   * @returns {Promise<number>} ms
   */
  async #quiet(next) {
    if (next === "busy") return BUSY_POLL_MS;
    const { store, now } = this.#context;
    const current = await currentIdentity(store);
    if (!current) return POLL_MS;
    const rows = [...(await peekOutbox(store, current.device)), ...(await listBlobs(store, current.device))];
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
