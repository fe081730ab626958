/**
 * What a start does without: the part that seals, keeps and sends is fetched once, when the first screen stands or a hand
 * is quicker than that. A fetch that failed is tried anew at the next call.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { isDone } from "../storage/patience.js";

/** @import {Context} from './context.js' */
/** @import {SyncEngine} from './sync.js' */
/** @typedef {typeof import('./hands.js')} Hands */

const FIRST_WITHIN_MS = 60_000; // a first round with many pictures takes longer, and older stores must not wait for all

export class Late {
  /** @type {Context} */ #context;
  /** @type {(engine: SyncEngine) => void} */ #made;
  /** @type {() => void} */ #opened;
  /** @type {Promise<Hands>|null} */ #hands = null;
  /** @type {Promise<SyncEngine>|null} */ #engine = null;
  #isStopped = false;
  #stopping = new AbortController();

  /**
   * @param {Context} context
   * @param {(engine: SyncEngine) => void} made is given the engine before it does anything
   * @param {() => void} opened is told when an earlier store of this phone did open after all
   */
  constructor(context, made, opened) {
    this.#context = context;
    this.#made = made;
    this.#opened = opened;
  }

  /**
   * @returns {Promise<Hands>}
   * @throws {PhoneError} `part-missing`
   */
  hands() {
    this.#hands ??= import("./hands.js").catch((error) => {
      this.#hands = null;
      throw new PhoneError(
        "part-missing",
        "A part of Baton is not on this phone yet.",
        "Open Baton where there is a network and try again. What is saved stays saved.",
        error,
      );
    });
    return this.#hands;
  }

  /** @returns {Promise<SyncEngine>} always the same one */
  engine() {
    this.#engine ??= this.hands().then(
      ({ SyncEngine }) => {
        const engine = new SyncEngine(this.#context);
        this.#made(engine);
        return engine;
      },
      (error) => {
        this.#engine = null;
        throw error;
      },
    );
    return this.#engine;
  }

  /** Begins the engine's own triggers, unless `stop` was quicker. */
  async start() {
    const engine = await this.engine();
    if (this.#isStopped) return;
    const started = engine.start();
    globalThis.addEventListener?.("online", () => void this.#serveOthers(), {
      signal: this.#stopping.signal,
    });
    await isDone(started, FIRST_WITHIN_MS); // who is in front comes first: both send by the same line
    if (!this.#isStopped) await this.#serveOthers();
  }

  /** What an earlier store of this phone holds goes home too, should it open. */
  async #serveOthers() {
    if (!this.#context.channel) return;
    const { serveOthers } = await this.hands();
    if ((await serveOthers(this.#context)).length === 0) return;
    this.#opened();
    await (await this.engine()).kick("start"); // what was taken in is to go
  }

  /** Ends them. */
  stop() {
    this.#isStopped = true;
    this.#stopping.abort();
    void this.#engine?.then(
      (engine) => engine.stop(),
      () => undefined,
    );
  }
}
