/**
 * Being told with the app closed: one person of this phone agrees to pushes, or no longer. The browser has one
 * subscription for all of them; each person's own yes is noted beside their identity.
 * @module
 */
import { fromBase64url } from "../domain/bytes.js";
import { PhoneError } from "../domain/problems.js";
import { listIdentities } from "../storage/identities.js";
import { getMeta, setMeta } from "../storage/meta.js";
import { request } from "./http.js";
import { t } from "../domain/words.js";

/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */

/** @typedef {'on'|'off'|'denied'|'unsupported'} State */

/** @returns {boolean} */
function isPossible() {
  return "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
}

export class Telling {
  /** @type {Context} */ #context;
  /** @type {() => IdentityRow|null} */ #current;

  /** @param {Context} context @param {() => IdentityRow|null} current who is signed in */
  constructor(context, current) {
    this.#context = context;
    this.#current = current;
  }

  /** @returns {Promise<State>} as this phone knows it, with no network */
  async state() {
    if (!isPossible()) return "unsupported";
    if (Notification.permission === "denied") return "denied";
    const agreed = await getMeta(this.#context.store, this.#person().device, "told");
    const held = agreed ? await subscriptionOf() : null;
    return held && held.endpoint === agreed?.endpoint ? "on" : "off";
  }

  /**
   * The person has pressed, and the system has agreed. Tells the server before it says yes.
   * @throws {PhoneError} `offline`, `push-failed`: nothing was changed
   */
  async begin() {
    const { device, token } = this.#person();
    const key = await askKey(this.#context, token);
    const held = await subscribe(key);
    const { endpoint, keys } = held.toJSON();
    await post(this.#context, token, "/sync/v1/push", { endpoint, keys, key });
    await setMeta(this.#context.store, device, "told", { endpoint: held.endpoint });
  }

  /** @throws {PhoneError} `offline`, `push-failed`: the server still tells this phone */
  async end() {
    const { device, token } = this.#person();
    const { store } = this.#context;
    const held = await subscriptionOf();
    if (held) {
      await post(this.#context, token, "/sync/v1/push/off", { endpoint: held.endpoint });
      if (!(await isWantedByOthers(store, device))) await held.unsubscribe();
    }
    await setMeta(store, device, "told", null);
  }

  /** A browser may lose its subscription, and a server its key: whoever had agreed is not asked again. */
  async renew() {
    const row = this.#current();
    if (!row || !isPossible() || Notification.permission !== "granted") return;
    if (await getMeta(this.#context.store, row.device, "told")) await this.begin();
  }

  /** @returns {IdentityRow} */
  #person() {
    const row = this.#current();
    if (!row) throw new PhoneError("nobody-here", "Nobody is signed in.");
    return row;
  }
}

/**
 * Somebody was removed from this phone: nothing of theirs is told on it any more.
 * @param {Context} context
 * @param {IdentityRow} row as it was
 * @param {string} endpoint under which they had agreed
 * @returns {Promise<void>} when this phone has done its part; the server is told where there is a network
 */
export async function endFor(context, { device, token }, endpoint) {
  post(context, token, "/sync/v1/push/off", { endpoint }).catch((error) => {
    if (!(error instanceof PhoneError)) throw error; // no network: where nobody else agreed, nothing arrives all the same
  });
  const held = isPossible() ? await subscriptionOf() : null;
  if (held && !(await isWantedByOthers(context.store, device))) await held.unsubscribe();
}

/** @param {import('../storage/store.js').Store} store @param {string} device @returns {Promise<boolean>} */
async function isWantedByOthers(store, device) {
  for (const row of await listIdentities(store)) {
    if (row.device !== device && (await getMeta(store, row.device, "told"))) return true;
  }
  return false;
}

/** @returns {Promise<PushSubscription|null>} */
async function subscriptionOf() {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager?.getSubscription()) ?? null;
}

/** @param {string} key @returns {Promise<PushSubscription>} */
async function subscribe(key) {
  const { pushManager } = await navigator.serviceWorker.ready;
  const wanted = fromBase64url(key);
  const held = await pushManager.getSubscription();
  if (held && isSame(held.options.applicationServerKey, wanted)) return held;
  try {
    await held?.unsubscribe(); // it agreed to a key that this server no longer has
    return await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
  } catch (error) {
    throw new PhoneError(
      "push-failed",
      "This browser cannot be told.",
      "Its push service did not answer. Try again later, or look at Tasks now and then.",
      error,
    );
  }
}

/** @param {Context} context @param {string} token @returns {Promise<string>} */
async function askKey(context, token) {
  const answer = await request(context, "/sync/v1/push", { token });
  const { key } = /** @type {{key?:unknown}} */ (answer.json ?? {});
  if (!answer.protocol || answer.status !== 200 || typeof key !== "string") throw refused(answer.status);
  return key;
}

/** @param {Context} context @param {string} token @param {string} path @param {object} told */
async function post(context, token, path, told) {
  const answer = await request(context, path, {
    method: "POST",
    token,
    body: JSON.stringify(told),
    headers: { "Content-Type": "application/json" },
  });
  if (!answer.protocol || answer.status !== 204) throw refused(answer.status);
}

/** @param {number} status @returns {PhoneError} */
function refused(status) {
  return status === 0
    ? new PhoneError("offline", "No network.", "Try again where there is one.")
    : new PhoneError(
        "push-failed",
        "The server did not take it.",
        t("Try again later ({status}).", { status }),
      );
}

/** @param {ArrayBuffer|null} held @param {Uint8Array} wanted @returns {boolean} */
function isSame(held, wanted) {
  const bytes = held ? new Uint8Array(held) : new Uint8Array();
  return bytes.length === wanted.length && bytes.every((byte, index) => byte === wanted[index]);
}
