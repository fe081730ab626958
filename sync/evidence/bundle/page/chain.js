/**
 * The chain: events of one phone follow each other, and what lies between them is accounted for.
 * @module
 */
import { payloadOf } from "./contents.js";
import { place } from "./events.js";
import { byDevice } from "./times.js";

/** @typedef {import("./contents.js").Bundle} Bundle */
/** @typedef {import("./contents.js").Line} Line */
/** @typedef {import("./keys.js").Ring} Ring */

/** Every device's: forks, breaks, gaps, and what was left out because it is about other parcels. @param {Bundle} bundle @param {Ring} ring */
export function checkChains(bundle, ring) {
  /** @type {Map<string, any>} */
  const told = new Map((bundle.sealed.chains ?? []).map((/** @type {any} */ chain) => [chain.device, chain]));
  for (const [device, lines] of byDevice(bundle.events.filter((line) => line.envelope))) {
    const chain = told.get(device) ?? {};
    /** @type {Map<number, string[]>} */
    const forks = new Map(
      (chain.forks ?? []).map((/** @type {any} */ fork) => [fork.seq, fork.sha256 ?? []]),
    );
    for (const seq of forks.keys()) {
      bundle.findings.add("chain_fork", `${nameOfDevice(ring, device)}, no. ${seq}`);
    }
    const course = lines.sort(
      (one, other) => payloadOf(one).seq - payloadOf(other).seq || (one.sha256 < other.sha256 ? -1 : 1),
    );
    for (let n = 1; n < course.length; n += 1) {
      checkPair(bundle, ring, course[n - 1], course[n], chain, forks);
    }
    checkEnds(bundle, ring, course[0], chain);
  }
}

/** @param {Bundle} bundle @param {Ring} ring @param {Line} earlier @param {Line} later @param {any} chain @param {Map<number, string[]>} forks */
function checkPair(bundle, ring, earlier, later, chain, forks) {
  const { seq: before } = payloadOf(earlier);
  const { seq: now, prev, device } = payloadOf(later);
  if (now === before) {
    if (earlier.sha256 !== later.sha256) {
      bundle.findings.add("chain_fork", `${nameOfDevice(ring, device)}, no. ${now}`);
    }
  } else if (now === before + 1) {
    if (prev !== earlier.sha256 && !forks.get(before)?.includes(prev)) {
      bundle.findings.add("chain_broken", place(later));
    }
  } else if (ring.holder(device)?.kind !== "server") {
    checkBetween(bundle, ring, later, before + 1, chain);
  }
}

/** The stretches must lie side by side, and end with what the event's maker signed. @param {Bundle} bundle @param {Ring} ring @param {Line} later @param {number} first @param {any} chain */
function checkBetween(bundle, ring, later, first, chain) {
  const { seq, prev, device } = payloadOf(later);
  const last = seq - 1;
  let following = first;
  let ending = null;
  for (const stretch of chain.between ?? []) {
    if (stretch.first < first || stretch.first > last) continue;
    if (stretch.first !== following || stretch.last < stretch.first || stretch.last > last) {
      bundle.findings.add("chain_unaccounted", place(later));
      return;
    }
    if (!stretch.sha256) bundle.findings.add("chain_gap", numbersOf(ring, device, stretch));
    following = stretch.last + 1;
    ending = stretch.last_sha256 ?? null;
  }
  if (following !== last + 1) bundle.findings.add("chain_unaccounted", place(later));
  else if (ending !== null && ending !== prev) bundle.findings.add("chain_broken", place(later));
}

/** @param {Bundle} bundle @param {Ring} ring @param {Line} line @param {any} chain */
function checkEnds(bundle, ring, line, chain) {
  const { seq, prev, device } = payloadOf(line);
  if ((seq === 1) !== (prev === null || prev === undefined)) bundle.findings.add("chain_broken", place(line));
  for (const stretch of chain.between ?? []) {
    if (stretch.last === seq - 1 && !stretch.sha256) {
      bundle.findings.add("chain_gap", numbersOf(ring, device, stretch));
    }
  }
  if (ring.holder(device)?.kind === "server") return;
  for (const stretch of chain.after ?? []) {
    bundle.findings.add("chain_gap_after", numbersOf(ring, device, stretch));
  }
}

/** @param {Ring} ring @param {string} device @param {{first: number, last: number}} stretch */
function numbersOf(ring, device, { first, last }) {
  const numbers = first === last ? `no. ${first}` : `no. ${first} to ${last}`;
  return `${nameOfDevice(ring, device)}, ${numbers}`;
}

/** @param {Ring} ring @param {string} device @returns {string} */
function nameOfDevice(ring, device) {
  return ring.holder(device)?.label || device;
}
