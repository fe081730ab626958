/**
 * What can be wrong with a bundle, by stable code, from the catalogue that the command reads too.
 * @module
 */

export const AREAS = ["integrity", "who", "time_bounds", "completeness"];
const MOST_OF_A_KIND = 200;

/** @typedef {{areas: Record<string, string>, kinds: Record<string, string>, no_bundle: Record<string, string>, findings: Record<string, string[]>}} Catalogue */
/** @typedef {{code: string, where: string, detail: string, area: string, isFault: boolean, sentence: string}} Finding */

/** Collects them, each once, and no more of one kind than anybody reads. */
export class Findings {
  /** @param {Catalogue} catalogue */
  constructor(catalogue) {
    this.catalogue = catalogue;
    /** @type {Map<string, Finding>} */
    this.found = new Map();
    this.leftOut = 0;
  }

  /** @param {string} code @param {string} [where] @param {string} [detail] */
  add(code, where = "", detail = "") {
    const key = `${code} ${where}`;
    const [area, weight, sentence] = this.catalogue.findings[code];
    if (this.found.has(key)) return;
    if ([...this.found.values()].filter((finding) => finding.code === code).length >= MOST_OF_A_KIND) {
      if (weight === "fault") this.leftOut += 1;
      return;
    }
    this.found.set(key, { code, where, detail, area, isFault: weight === "fault", sentence });
  }

  /** Whether one of these was found. @param {string[]} codes */
  has(codes) {
    return [...this.found.values()].some(({ code }) => codes.includes(code));
  }

  /** Those of one area, faults first. @param {string} area @returns {Finding[]} */
  of(area) {
    const rank = Object.keys(this.catalogue.findings);
    return [...this.found.values()]
      .filter((finding) => finding.area === area)
      .sort(
        (one, other) =>
          Number(other.isFault) - Number(one.isFault) || rank.indexOf(one.code) - rank.indexOf(other.code),
      );
  }
}
