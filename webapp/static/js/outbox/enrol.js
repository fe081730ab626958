/**
 * Enrolment: the one-time code becomes a device, a token and the server's public key.
 * @module
 */
import { codeTyped } from "../domain/enrolment.js";
import { PhoneError } from "../domain/problems.js";
import { readProblem } from "../domain/settle.js";
import { addIdentity, canKeepKey } from "../storage/identities.js";
import { packJson, request } from "./http.js";
import { makeKey } from "./keys.js";

/** @import {Answer} from '../domain/settle.js' */
/** @import {PublicJwk} from '../domain/types.js' */
/** @import {Context} from './context.js' */

/** @typedef {{privateKey:CryptoKey, jwk:PublicJwk, kid:string}} OwnKey */
/** @type {WeakMap<Context, {code: string, key: OwnKey|null}>} what was asked, until an identity came of it */
const asked = new WeakMap();

/**
 * @typedef {{device:string, token:string, actor:{id:string, name:string, role:string}, org:{id:string, name:string},
 *   epoch:string, jwk:PublicJwk}} Enrolled
 */

/**
 * @param {Context} context
 * @param {string} text a code, or the link it came in
 * @param {string} label
 * @returns {Promise<void>} when the identity is kept
 * @throws {PhoneError} with the server's code, or `offline`; nothing was changed then
 */
export async function enrolPhone(context, text, label) {
  const code = codeTyped(text);
  // The same key for the same code: by it the server knows this phone again when its first answer was lost.
  const before = asked.get(context);
  const key = before?.code === code ? before.key : await ownKey(context);
  asked.set(context, { code, key });
  const said = { code, jwk: key?.jwk ?? null, label, client: context.client };
  const packed = await packJson(JSON.stringify(said), false);
  const repeats = key ? { "Idempotency-Key": key.kid } : undefined; // it may be the second time: the answer of the first
  const answer = await request(context, "/sync/v1/devices", {
    method: "POST",
    ...packed,
    headers: { ...packed.headers, ...repeats },
  });
  if (isUnheard(answer)) {
    throw new PhoneError("offline", "The office could not be reached.", "Check the network, then try again.");
  }
  if (answer.status !== 201) {
    const { code, title, detail } = readProblem(answer.json, answer.status);
    throw new PhoneError(code, title, detail);
  }
  const { device, token, actor, org, jwk } = /** @type {Enrolled} */ (answer.json);
  await addIdentity(
    context.store,
    {
      device,
      token,
      actor,
      org,
      label,
      signed: key !== null,
      jwk: key?.jwk ?? null,
      kid: key?.kid ?? null,
      serverJwk: jwk,
      enrolledAt: context.now(),
    },
    key?.privateKey ?? null,
  );
  asked.delete(context);
}

/** @param {Answer} answer @returns {boolean} it is none of Baton's, or was cut on its way: the same code asks again */
function isUnheard({ protocol, status, json }) {
  const { device, token } = /** @type {Partial<Enrolled>} */ (json ?? {});
  return !protocol || (status === 201 && (typeof device !== "string" || typeof token !== "string"));
}

/**
 * @param {Context} context
 * @returns {Promise<OwnKey|null>} null where no key can be made or kept: this phone then works unsigned, and flagged
 */
async function ownKey({ subtle, store }) {
  let key;
  try {
    key = await makeKey(subtle);
  } catch (error) {
    if (error instanceof DOMException) return null; // Lockdown: WebCrypto says no
    throw error;
  }
  return (await canKeepKey(store, key.privateKey)) ? key : null;
}
