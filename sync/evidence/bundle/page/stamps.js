/**
 * The time stamps: each event leads to its day's root, and an authority's answer is for that root.
 * @module
 */
import { fromBase64, sha256 } from "./bytes.js";
import { STAMPS, asSentence, payloadOf } from "./contents.js";
import { NoStamp, readStamp } from "./der.js";
import { place } from "./events.js";
import { rootOf } from "./merkle.js";

/** @typedef {import("./contents.js").Bundle} Bundle */
/** That an event existed before then, as `by` says. @typedef {{at: number, by: string, day: string}} Stamped */

/**
 * The earliest stamp for each event, by event id; whose signature it bears is not checked here.
 * @param {Bundle} bundle
 * @returns {Promise<Map<string, Stamped>>}
 */
export async function checkStamps(bundle) {
  /** @type {Map<string, Stamped>} */
  const found = new Map();
  const byDigest = new Map(bundle.events.filter((line) => line.envelope).map((line) => [line.sha256, line]));
  for (const stamp of bundle.stamps?.stamps ?? []) {
    const stamped = await lookAtStamp(bundle, stamp);
    for (const entry of stamp.events) {
      const line = byDigest.get(entry.sha256);
      if (!line) {
        bundle.findings.add("stamp_stranger", whereOf(stamp), `The event ${entry.sha256}.`);
      } else if ((await rootOf(entry.sha256, entry.index, stamp.size, entry.path)) !== stamp.root) {
        bundle.findings.add("stamp_path", place(line), `That of ${stamp.day}.`);
      } else if (stamped) {
        const { id } = payloadOf(line);
        const known = found.get(id);
        if (!known || stamped.at < known.at) found.set(id, stamped);
      }
    }
  }
  return found;
}

/** @param {any} stamp */
function whereOf(stamp) {
  return `${STAMPS}, ${stamp.day}`;
}

/** The stamp itself; null where it stamps nothing that is here. @param {Bundle} bundle @param {any} stamp @returns {Promise<Stamped | null>} */
async function lookAtStamp(bundle, stamp) {
  const where = whereOf(stamp);
  try {
    const response = fromBase64(stamp.response);
    if (!response) throw new NoStamp("it is not written in base64");
    const { imprint, at } = readStamp(response);
    const due = await imprintOf(bundle, stamp);
    if (imprint !== due) {
      bundle.findings.add("stamp_imprint", where);
      return null;
    }
    bundle.findings.add("stamp_unchecked", where, howToCheck(due));
    return { at, by: stamp.by, day: stamp.day };
  } catch (error) {
    if (!(error instanceof NoStamp)) throw error;
    bundle.findings.add("stamp_unreadable", where, asSentence(error.message));
    return null;
  }
}

/** The digest that has to be stamped: of whose list it is, of which day, how long, and its root. @param {Bundle} bundle @param {any} stamp */
async function imprintOf(bundle, { day, size, root }) {
  const head = `baton-stamp 1\n${bundle.sealed.shop?.id}\n${day}\n${size}\n${root}\n`;
  return sha256(new TextEncoder().encode(head));
}

/** What anybody can type who has the authority's certificates. @param {string} imprint */
function howToCheck(imprint) {
  return (
    'Check it with baton verify --tsa-certs FILE; or write its "response" out of base64 into stamp.tsr, and: ' +
    `openssl ts -verify -digest ${imprint} -in stamp.tsr -CAfile FILE`
  );
}
