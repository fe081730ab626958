/**
 * The keys: each is called by its own fingerprint; which of them are the server's.
 * @module
 */
import { KEYS } from "./contents.js";
import { isSignedBy, thumbprint } from "./jws.js";

/** The keys that may be believed, by fingerprint; `server` is the one that has to seal the bundle. */
export class Ring {
  constructor() {
    /** @type {string | null} */
    this.server = null;
    /** @type {Map<string, any>} */
    this.byKid = new Map();
    /** @type {Map<string, any[]>} */
    this.byDevice = new Map();
  }

  /** Whether a key of that name is one of the server's. @param {string | null} kid */
  isServers(kid) {
    return this.byKid.get(kid ?? "")?.kind === "server";
  }

  /** Whether that key made this signature. @param {string | null} kid @param {import("./jws.js").Envelope} signed */
  async hasSigned(kid, signed) {
    const key = this.byKid.get(kid ?? "");
    return Boolean(key) && signed.alg === "ES256" && (await isSignedBy(signed, key.jwk));
  }

  /** Whose a device is, whatever its key. @param {string} device @returns {any} */
  holder(device) {
    return this.byDevice.get(device)?.[0] ?? null;
  }
}

/** @param {import("./contents.js").Bundle} bundle @returns {Promise<Ring>} */
export async function readRing(bundle) {
  const ring = new Ring();
  const told = bundle.keys ?? { server: null, keys: [] };
  ring.server = told.server;
  for (const key of told.keys ?? []) {
    ring.byDevice.set(key.device, [...(ring.byDevice.get(key.device) ?? []), key]);
    if (!key.jwk) continue;
    if ((await thumbprint(key.jwk)) === key.kid) ring.byKid.set(key.kid, key);
    else bundle.findings.add("key_misnamed", KEYS, `The key of ${key.label || key.device}.`);
  }
  return ring;
}
