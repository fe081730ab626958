/**
 * What may start a round: the network coming back, the page coming to the front, the worker's word, a timer.
 * @module
 */

const LEAST_MS = 250;
const SYNC_TAG = "baton-outbox";

/** @typedef {ServiceWorkerRegistration & {sync?:{register(tag:string):Promise<void>}}} SyncingRegistration */

/** Listens in a browser; in Node it is only the timer. */
export class Triggers {
  /** @type {(reason:string) => void} */ #fire;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;
  /** @type {AbortController|null} */ #listening = null;

  /** @param {(reason:string) => void} fire */
  constructor(fire) {
    this.#fire = fire;
  }

  start() {
    if (this.#listening) return;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    globalThis.addEventListener?.("online", () => this.#fire("online"), { signal });
    globalThis.addEventListener?.("pageshow", () => this.#fire("visible"), { signal });
    globalThis.document?.addEventListener(
      "visibilitychange",
      () => {
        if (document.visibilityState === "visible") this.#fire("visible");
        else void registerBackgroundSync();
      },
      { signal },
    );
    globalThis.navigator?.serviceWorker?.addEventListener(
      "message",
      (event) => {
        if (event.data === "flush") this.#fire("background");
      },
      { signal },
    );
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
    this.clear();
  }

  /**
   * @param {number} ms
   * @param {string} reason
   * @returns {void} only once started; one timer at a time
   */
  after(ms, reason) {
    this.clear();
    if (this.#listening) this.#timer = setTimeout(() => this.#fire(reason), Math.max(LEAST_MS, ms));
  }

  clear() {
    clearTimeout(this.#timer);
  }
}

/**
 * Asks the browser to wake the worker when there is a network, where it can do that (Chromium): a bonus, never relied on.
 * @returns {Promise<void>}
 */
export async function registerBackgroundSync() {
  try {
    /** @type {SyncingRegistration|undefined} */
    const registration = await globalThis.navigator?.serviceWorker?.getRegistration();
    await registration?.sync?.register(SYNC_TAG);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // the person has switched it off
  }
}
