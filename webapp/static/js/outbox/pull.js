/**
 * Pulls the worklist's changes and, when they changed, the rules. The list on the phone stays whole: a reset is taken
 * in one piece or not at all.
 * @module
 */
import { isWorklistPage, joinPages } from "../domain/worklist.js";
import { readProblem } from "../domain/settle.js";
import { getMeta, setMeta } from "../storage/meta.js";
import { noticeEpoch } from "../storage/settling.js";
import { applyPage } from "../storage/worklist.js";
import { GO } from "./flush.js";
import { request } from "./http.js";

/** @import {Rules, WorklistPage} from '../domain/types.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */
/** @import {Outcome} from './flush.js' */
/** @import {HttpAnswer} from './http.js' */

const MOST_PAGES = 1_000;

/**
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {(what:'list'|'age') => void} tell what has changed on the phone: the list, or only how old it is
 * @returns {Promise<Outcome>}
 */
export async function pullWorklist(context, { device, token }, tell) {
  const { store, now } = context;
  const known = await getMeta(store, device, "worklist");
  const got = await fetchPages(context, token, known);
  if ("next" in got) return got;
  const { pages, etag } = got;
  if (pages.length === 0) {
    await renewAge(context, device);
    tell("age");
    return pullRules(context, { device, token }, null);
  }
  const joined = joinPages(pages);
  await applyPage(store, device, joined, etag);
  await noticeEpoch(store, device, joined.epoch, now());
  const rules = await pullRules(context, { device, token }, joined.rules?.version ?? null);
  tell("list");
  return rules;
}

/**
 * "Nothing has changed" makes the list as young as the answer, by the server's clock as far as the phone knows it.
 * @param {Context} context
 * @param {string} device
 */
async function renewAge({ store, now }, device) {
  const known = await getMeta(store, device, "worklist");
  const offset = await getMeta(store, device, "offset");
  if (!known) return;
  const asOf = new Date(now() + (offset?.ms ?? 0)).toISOString();
  await setMeta(store, device, "worklist", { ...known, asOf });
}

/**
 * @param {Context} context
 * @param {string} token
 * @param {{cursor:string, etag:string|null}|null} known
 * @returns {Promise<{pages:WorklistPage[], etag:string|null}|Outcome>} no pages: nothing has changed
 */
async function fetchPages(context, token, known) {
  /** @type {WorklistPage[]} */
  const pages = [];
  let cursor = known?.cursor ?? null;
  let etag = known?.etag ?? null;
  while (pages.length < MOST_PAGES) {
    const query = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const headers = matching(pages.length === 0 ? etag : null);
    const answer = await request(context, `/sync/v1/worklist${query}`, { token, headers });
    if (answer.protocol && answer.status === 304) break;
    if (!answer.protocol || answer.status !== 200 || !isWorklistPage(answer.json)) return trouble(answer);
    pages.push(answer.json);
    etag = answer.headers.get("ETag");
    ({ cursor } = answer.json);
    if (!answer.json.more) break;
  }
  return { pages, etag };
}

/**
 * @param {Context} context
 * @param {{device:string, token:string}} identity
 * @param {string|null} version the worklist says is current; null: it did not say
 * @returns {Promise<Outcome>}
 */
async function pullRules(context, { device, token }, version) {
  const { store } = context;
  const known = await getMeta(store, device, "rules");
  if (known && (version === null || version === known.version)) return GO;
  const answer = await request(context, "/sync/v1/rules", {
    token,
    headers: matching(known?.etag ?? null),
  });
  if (answer.protocol && answer.status === 304) return GO;
  const rules = /** @type {Rules|null} */ (answer.json);
  if (!answer.protocol || answer.status !== 200 || typeof rules?.table !== "object") return trouble(answer);
  await setMeta(store, device, "rules", { version: rules.version, etag: answer.headers.get("ETag"), rules });
  return GO;
}

/** @param {string|null} etag @returns {Record<string, string>} */
function matching(etag) {
  return etag === null ? {} : { "If-None-Match": etag };
}

/** @param {HttpAnswer} answer @returns {Outcome} */
function trouble({ protocol, status, json, retryAfterMs }) {
  if (!protocol) return { next: "offline", problem: null, retryAfterMs: null };
  const next = status === 401 || status === 403 || status === 426 ? "pause" : "wait";
  return { next, problem: readProblem(json, status), retryAfterMs };
}
