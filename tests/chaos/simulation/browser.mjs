/**
 * The browser around the phone's modules, as far as they use it: cryptography, bodies, locks. Everything answers at once
 * and in the same order every time; only IndexedDB (fake-indexeddb) takes its turns.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from "node:crypto";
import { gzipSync } from "node:zlib";

const RAW = "ieee-p1363";
const sound = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
const asBytes = (data) =>
  ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);

/** Keys as plain records, so that IndexedDB can copy them; Node's own objects are made once for each. */
const made = new Map();
function nodeKey(jwk, make) {
  const name = jwk.d ?? `${jwk.x}.${jwk.y}`;
  if (!made.has(name)) made.set(name, make({ key: jwk, format: "jwk" }));
  return made.get(name);
}

/** WebCrypto; `step` is asked before and after each call that a phone may die in. */
export function makeSubtle(step) {
  const around = async (work) => {
    await step();
    const result = work();
    await step();
    return result;
  };
  return {
    digest: (_name, data) => around(() => sound(createHash("sha256").update(asBytes(data)).digest())),
    sign: (_how, { jwk }, data) =>
      around(() =>
        sound(sign("sha256", asBytes(data), { key: nodeKey(jwk, createPrivateKey), dsaEncoding: RAW })),
      ),
    generateKey: async () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return {
        publicKey: { jwk: publicKey.export({ format: "jwk" }) },
        privateKey: { jwk: privateKey.export({ format: "jwk" }) },
      };
    },
    exportKey: async (_format, { jwk }) => jwk,
    importKey: async (_format, jwk) => ({ jwk }),
    verify: async (_how, { jwk }, signature, data) => isGood(jwk, asBytes(signature), asBytes(data)),
  };
}

/** Whether this key has signed these bytes (ES256). */
export function isGood(jwk, signature, data) {
  return verify("sha256", data, { key: nodeKey(jwk, createPublicKey), dsaEncoding: RAW }, signature);
}

/** navigator.locks of one browser; a tab that is killed lets go of what it holds. */
export class Locks {
  #held = new Map();

  /** The same for one tab. */
  of(tab) {
    return { request: (name, options, work) => this.#request(tab, name, options, work) };
  }

  async #request(tab, name, options, work) {
    const holder = this.#held.get(name);
    if (holder && options.ifAvailable) return work(null);
    if (holder) holder.reject(new DOMException("The lock was stolen.", "AbortError"));
    return new Promise((resolve, reject) => {
      const mine = { tab, reject };
      this.#held.set(name, mine);
      const free = () => {
        if (this.#held.get(name) === mine) this.#held.delete(name);
      };
      work({ name }).then(
        (result) => {
          free();
          resolve(result);
        },
        (error) => {
          free();
          reject(error);
        },
      );
    });
  }

  letGo(tab) {
    for (const [name, holder] of this.#held) if (holder.tab === tab) this.#held.delete(name);
  }
}

/** localStorage: what was noted stays, whatever becomes of the databases. */
class Noted {
  #kept = new Map();

  getItem(name) {
    return this.#kept.get(name) ?? null;
  }

  setItem(name, value) {
    this.#kept.set(name, value);
  }
}

class SyncBlob {
  constructor([text]) {
    this.text = text;
  }

  stream() {
    // Not really packed: how well random ids pack differs from run to run, and the time on the line with it.
    return { pipeThrough: () => gzipSync(this.text, { level: 0 }) };
  }
}

/** What fetch gives, and what `packJson` packs through. */
export class Answer {
  constructor(body, { status = 200, headers = {}, error = null } = {}) {
    this.status = status;
    this.headers = new Headers(headers);
    this.body = body;
    this.error = error;
  }

  async text() {
    if (this.error) throw this.error;
    return Buffer.from(this.body ?? "").toString();
  }

  async arrayBuffer() {
    return sound(this.body);
  }
}

/** Puts them in place; `chance` and `subtle` are those of the phone that is being opened. */
export function furnish(opening) {
  Object.defineProperty(globalThis, "crypto", {
    configurable: true,
    get: () => ({
      subtle: opening().subtle,
      getRandomValues: (bytes) => opening().chance.fill(bytes),
      randomUUID: () => Buffer.from(opening().turns.fill(new Uint8Array(16))).toString("hex"),
    }),
  });
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    get: () => ({ storageBuckets: opening()?.handset.buckets?.of(opening()) }),
  });
  globalThis.localStorage = new Noted();
  globalThis.Blob = SyncBlob;
  globalThis.Response = Answer;
  globalThis.CompressionStream = class {};
  globalThis.BroadcastChannel = undefined;
}

/** `online` for whoever listens in this process. */
export class Signals {
  #listeners = new Set();

  listen(type, run, { signal } = {}) {
    const entry = { type, run };
    this.#listeners.add(entry);
    signal?.addEventListener("abort", () => this.#listeners.delete(entry));
  }

  fire(type) {
    for (const entry of [...this.#listeners]) if (entry.type === type) entry.run();
  }

  clear() {
    this.#listeners.clear();
  }
}
