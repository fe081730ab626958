/**
 * One request to the server under the protocol's terms: a deadline always, redirects refused, and an answer without
 * `Sync-Protocol: 1` marked as not Baton's (a captive portal, a proxy). It never throws for the network's sake.
 * @module
 */

/** @import {Answer} from '../domain/settle.js' */
/** @import {Context} from './context.js' */

/** @typedef {Answer & {headers:Headers}} HttpAnswer */

/**
 * @typedef {object} Call
 * @property {'GET'|'POST'|'HEAD'|'PATCH'} [method]
 * @property {Record<string, string>} [headers]
 * @property {BodyInit|null} [body]
 * @property {string|null} [token]
 * @property {number} [bytes]      size of the body, for the deadline
 */

const LEAST_DEADLINE_MS = 20_000;
const LONGEST_DEADLINE_MS = 150_000;
const SLOWEST_BYTES_PER_MS = 8; // 8 kB/s; slower than this, smaller pieces do better than more patience

/**
 * @param {Context} context
 * @param {string} path
 * @param {Call} [call]
 * @returns {Promise<HttpAnswer>}
 */
export async function request(
  context,
  path,
  { method = "GET", headers = {}, body = null, token = null, bytes = 0 } = {},
) {
  const deadline = Math.min(LONGEST_DEADLINE_MS, LEAST_DEADLINE_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS));
  const signal = AbortSignal.timeout(deadline);
  /** @type {Record<string, string>} */
  const authorization = token === null ? {} : { Authorization: `Bearer ${token}` };
  try {
    const response = await context.fetch(`${context.base}${path}`, {
      method,
      body,
      signal,
      redirect: "error",
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      headers: { ...authorization, ...headers },
    });
    return {
      status: response.status,
      protocol: response.headers.get("Sync-Protocol") === "1",
      json: await readJson(response),
      retryAfterMs: retryAfter(response.headers.get("Retry-After"), context.now()),
      timedOut: false,
      headers: response.headers,
    };
  } catch (error) {
    if (!isNetworkError(error)) throw error;
    return {
      status: 0,
      protocol: false,
      json: null,
      retryAfterMs: null,
      timedOut: signal.aborted,
      headers: new Headers(),
    };
  }
}

/** @param {Response} response @returns {Promise<unknown>} null when the body is no JSON */
async function readJson(response) {
  const text = await response.text();
  if (!/[/+]json\b/.test(response.headers.get("Content-Type") ?? "")) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** @param {unknown} error @returns {boolean} what fetch throws for a network, a redirect, a cut body, a deadline */
function isNetworkError(error) {
  if (error instanceof DOMException) {
    return ["AbortError", "TimeoutError", "NetworkError"].includes(error.name);
  }
  return error instanceof TypeError;
}

/** @param {string|null} text seconds or an HTTP date @param {number} now ms @returns {number|null} ms from now */
function retryAfter(text, now) {
  if (text === null) return null;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 3_600_000) : null;
}

/**
 * @param {string} text
 * @param {boolean} mayGzip
 * @returns {Promise<{body:BodyInit, bytes:number, headers:Record<string, string>}>}
 */
export async function packJson(text, mayGzip) {
  const headers = { "Content-Type": "application/json" };
  if (!mayGzip || text.length < 1024 || !globalThis.CompressionStream) {
    return { body: text, bytes: text.length, headers };
  }
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(stream).arrayBuffer();
  return { body, bytes: body.byteLength, headers: { ...headers, "Content-Encoding": "gzip" } };
}
