/**
 * The seal: the server signed what is in the bundle, and the bundle is that.
 * @module
 */
import { EVENTS, KEYS, PDF, PICTURE, RECEIPTS, STAMPS, TIMELINE } from "./contents.js";
import { saysTheSame } from "./json.js";

/** @type {Record<string, string>} */
const CHANGED = {
  [KEYS]: "keys_changed",
  [PDF]: "pdf_changed",
  [EVENTS]: "events_changed",
  [RECEIPTS]: "receipts_changed",
  [STAMPS]: "stamps_changed",
};
/** Where one of these says what was changed, "the file was changed" says nothing more. @type {Record<string, string[]>} */
const SAID_BETTER = {
  [EVENTS]: [
    "event_changed",
    "event_removed",
    "event_added",
    "event_twice",
    "events_reordered",
    "event_unreadable",
    "event_signature",
    "alg_refused",
  ],
  [RECEIPTS]: [
    "receipt_removed",
    "receipt_added",
    "receipts_reordered",
    "receipt_unreadable",
    "receipt_signature",
  ],
};

/**
 * The seal's own signature, by the server's key; and that the timeline which people read is the sealed one.
 * @param {import("./contents.js").Bundle} bundle
 * @param {import("./keys.js").Ring} ring
 * @param {string | null} expected
 */
export async function checkSeal(bundle, ring, expected) {
  const find = bundle.findings;
  if (expected !== null && ring.server !== expected) {
    find.add("server_key_unexpected", KEYS, `It is ${ring.server ?? "not there"}, not ${expected}.`);
  }
  if (!bundle.seal) return;
  const { kid } = bundle.seal;
  if (kid !== ring.server || !ring.isServers(kid) || !(await ring.hasSigned(kid, bundle.seal))) {
    find.add("seal_signature", TIMELINE, "Its signature does not fit the server's key.");
  }
  if (!saysTheSame(bundle.told, bundle.seal.payload)) find.add("timeline_edited", TIMELINE);
}

/** Every part is the one that was sealed. @param {import("./contents.js").Bundle} bundle */
export function checkMembers(bundle) {
  if (!bundle.seal) return;
  /** @type {Map<string, string>} */
  const sealed = new Map((bundle.sealed.members ?? []).map((/** @type {any} */ m) => [m.name, m.sha256]));
  for (const [name, code] of Object.entries(CHANGED)) {
    const there = bundle.digests.get(name);
    const isOther = there !== undefined && there !== sealed.get(name);
    if (isOther && !bundle.findings.has(SAID_BETTER[name] ?? [])) bundle.findings.add(code, name);
  }
  checkNames(bundle, new Set(sealed.keys()));
}

/** Nothing that was sealed is gone, and no picture is there that was not. @param {import("./contents.js").Bundle} bundle @param {Set<string>} sealed */
function checkNames(bundle, sealed) {
  for (const name of sealed) {
    if (PICTURE.test(name) && !bundle.members.has(name)) bundle.findings.add("photo_missing", name);
  }
  if (sealed.has(STAMPS) && !bundle.members.has(STAMPS)) bundle.findings.add("stamps_removed", STAMPS);
  for (const [name] of bundle.pictureNames()) {
    if (!sealed.has(name)) bundle.findings.add("photo_unlisted", name, "The seal does not list it.");
  }
}

/** Whether what both have stands in another order. @param {string[]} there @param {string[]} sealed */
export function isReordered(there, sealed) {
  const [one, other] = [new Set(there), new Set(sealed)];
  const common = (/** @type {Set<string>} */ set) =>
    [...set].filter((x) => one.has(x) && other.has(x)).join("\n");
  return common(one) !== common(other);
}
