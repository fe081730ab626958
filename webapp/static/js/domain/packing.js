/**
 * What a packer answers: the points that are asked of these parcels, and the pieces counted of those ordered. Pure.
 * @module
 */

/** @import {Draft, Parcel, Point, Rules} from './types.js' */

/** Kept in the draft's `data` and sealed with it. `checklist` is point → ticked, `counted` and `ordered` parcel → pieces. */
/** @typedef {{checklist:Record<string, boolean>, counted:Record<string, number>, ordered:Record<string, number>}} Answers */

/** As `sync/rules/packing.py` has it: for a phone whose rules are older than the checklist. @type {Point[]} */
const GUIDE = [
  { code: "size", label: "The packaging fits the size of the goods", when: "always" },
  { code: "marked", label: "Marked as delicate on the outside, with how to handle it", when: "delicate" },
  { code: "layers", label: "Packed in several layers", when: "delicate" },
  {
    code: "nothing_else",
    label: "Nothing inside asks for reviews, threatens, or is forbidden",
    when: "always",
  },
  { code: "complete", label: "All that was ordered is inside, and nothing dangerous", when: "always" },
];

/**
 * @param {Rules|null} rules
 * @param {boolean} delicate one of the parcels is
 * @returns {Point[]}
 */
export function pointsFor(rules, delicate) {
  return (rules?.checklist ?? GUIDE).filter(({ when }) => delicate || when !== "delicate");
}

/** @param {Pick<Draft, 'data'>} draft @returns {Answers} what was answered so far */
export function answersOf({ data }) {
  const { checklist = {}, counted = {}, ordered = {} } = /** @type {Partial<Answers>} */ (data);
  return { checklist, counted, ordered };
}

/**
 * @param {Draft} draft
 * @param {(code: string) => Parcel|null} parcel
 * @returns {{uncounted:string[], differing:string[]}} codes nobody counted yet, and those whose count is not the order's
 */
export function countsOf(draft, parcel) {
  const { counted } = answersOf(draft);
  const codes = draft.scans.map(({ code }) => code);
  const uncounted = codes.filter((code) => counted[code] === undefined);
  const differing = codes.filter((code) => {
    const due = parcel(code)?.count;
    return counted[code] !== undefined && due !== undefined && due > 0 && counted[code] !== due;
  });
  return { uncounted, differing };
}

/**
 * The whole answer as it is sealed: every point asked is ticked or not, and what the list said is beside every count.
 * @param {Draft} draft
 * @param {Point[]} points
 * @param {(code: string) => Parcel|null} parcel
 * @returns {Answers}
 */
export function sealedAnswers(draft, points, parcel) {
  const { checklist, counted } = answersOf(draft);
  const codes = draft.scans.map(({ code }) => code).filter((code) => counted[code] !== undefined);
  const due = codes.map((code) => /** @type {const} */ ([code, parcel(code)?.count ?? 0]));
  return {
    checklist: Object.fromEntries(points.map(({ code }) => [code, checklist[code] === true])),
    counted: Object.fromEntries(codes.map((code) => [code, counted[code] ?? 0])),
    ordered: Object.fromEntries(due.filter(([, pieces]) => pieces > 0)),
  };
}

/**
 * Another set of parcels is packed anew: the points are asked again, and only counts of parcels still here stay.
 * @param {Record<string, unknown>} data
 * @param {string[]} codes of the parcels now
 * @returns {Record<string, unknown>}
 */
export function withoutAnswers(data, codes) {
  if (!data.checklist && !data.counted) return data;
  const { counted } = answersOf({ data });
  const kept = Object.entries(counted).filter(([code]) => codes.includes(code));
  return { ...data, checklist: {}, counted: Object.fromEntries(kept) };
}

/**
 * @param {Record<string, unknown>} data
 * @param {(code: string) => string} now what the list calls a code by now
 * @returns {Record<string, unknown>}
 */
export function renameCounts(data, now) {
  if (!data.counted) return data;
  const { counted } = answersOf({ data });
  return { ...data, counted: Object.fromEntries(Object.entries(counted).map(([code, n]) => [now(code), n])) };
}
