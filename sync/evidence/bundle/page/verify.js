/**
 * Check a bundle, needing nothing but the file: integrity, who, time bounds, completeness, each by itself.
 * @module
 */
import { checkChains } from "./chain.js";
import { readContents } from "./contents.js";
import { checkOrder, checkSignatures } from "./events.js";
import { AREAS, Findings } from "./findings.js";
import { readRing } from "./keys.js";
import { checkPhotos } from "./photos.js";
import { checkReceipts } from "./receipts.js";
import { checkMembers, checkSeal } from "./seal.js";
import { checkPage } from "./slot.js";
import { checkStamps } from "./stamps.js";
import { checkTimes } from "./times.js";
import { readArchive } from "./zip.js";

/**
 * What came of it.
 * @typedef {object} Verdict
 * @property {Record<string, import("./findings.js").Finding[]>} areas
 * @property {boolean} allHold
 * @property {import("./contents.js").Bundle} bundle
 * @property {import("./keys.js").Ring} ring
 * @property {Map<string, import("./receipts.js").Received>} receipts
 * @property {Map<string, import("./stamps.js").Stamped>} stamps
 */

/**
 * Throws NoBundle. `expected` is the fingerprint of the server's key, if one knows it. `isCarried`: the parts come out of
 * the page itself, which is then no part of them.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {import("./findings.js").Catalogue} catalogue
 * @param {Record<string, any>} shapes
 * @param {{expected?: string | null, isCarried?: boolean}} [options]
 * @returns {Promise<Verdict>}
 */
export async function verifyBundle(bytes, catalogue, shapes, { expected = null, isCarried = false } = {}) {
  const findings = new Findings(catalogue);
  const bundle = await readContents(readArchive(bytes), findings, shapes);
  if (isCarried) findings.found.delete("member_missing verify.html");
  const ring = await readRing(bundle);
  await checkSeal(bundle, ring, expected);
  await checkSignatures(bundle, ring);
  checkOrder(bundle);
  const receipts = await checkReceipts(bundle, ring);
  const stamps = await checkStamps(bundle);
  checkTimes(bundle, ring, receipts, stamps);
  checkChains(bundle, ring);
  await checkPhotos(bundle);
  checkMembers(bundle);
  await checkPage(bundle);
  const areas = Object.fromEntries(AREAS.map((area) => [area, findings.of(area)]));
  const isFaulty = Object.values(areas).some((found) => found.some(({ isFault }) => isFault));
  return { areas, allHold: !isFaulty && findings.leftOut === 0, bundle, ring, receipts, stamps };
}
