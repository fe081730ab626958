/** What a packer answers, and what another list or another set of parcels does to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blankDraft } from "../../webapp/static/js/domain/draft.js";
import { countsOf, pointsFor, sealedAnswers } from "../../webapp/static/js/domain/packing.js";
import { judge } from "../../webapp/static/js/domain/verdict.js";
import { renameScans, takeScans } from "../../webapp/static/js/pages/scans.js";

const scan = (code) => ({ code, raw: code, verdict: "known", at: "", typed: false, override: null });
const packing = (codes, data = {}) => ({
  ...blankDraft("d", "pack", "2026-11-22T07:00:00.000Z"),
  scans: codes.map(scan),
  data,
});
const listed = { A: { code: "A", count: 3 }, B: { code: "B", count: 1 }, C: { code: "C", count: 0 } };
const parcel = (code) => listed[code] ?? null;

test("points for delicate parcels are asked only when one is there", () => {
  const points = [
    { code: "size", label: "Fits", when: "always" },
    { code: "layers", label: "Layers", when: "delicate" },
  ];
  assert.deepEqual(
    pointsFor({ checklist: points }, false).map(({ code }) => code),
    ["size"],
  );
  assert.equal(pointsFor({ checklist: points }, true).length, 2);
  assert.equal(pointsFor({ checklist: [] }, true).length, 0, "an organisation may ask nothing");
  assert.ok(pointsFor(null, true).length > 3, "before the first pull the guide's own list is asked");
});

test("what is uncounted and what differs from the order is told apart", () => {
  const draft = packing(["A", "B", "C", "X"], { counted: { A: 2, C: 4 } });
  assert.deepEqual(countsOf(draft, parcel), { uncounted: ["B", "X"], differing: ["A"] });
});

test("a sealed answer names every point asked, ticked or not, and what the list said beside each count", () => {
  const draft = packing(["A", "X"], {
    checklist: { size: true, old: true },
    counted: { A: 2, X: 5, GONE: 1 },
  });
  const points = [
    { code: "size", label: "", when: "always" },
    { code: "layers", label: "", when: "delicate" },
  ];
  assert.deepEqual(sealedAnswers(draft, points, parcel), {
    checklist: { size: true, layers: false },
    counted: { A: 2, X: 5 },
    ordered: { A: 3 },
  });
});

test("another set of parcels is checked anew, and keeps the counts of those still there", () => {
  const draft = packing(["A"], { stage: "x", checklist: { size: true }, counted: { A: 3 } });
  takeScans(draft, ["A", "B"].map(scan));
  assert.deepEqual(draft.data, { stage: "x", checklist: {}, counted: { A: 3 } });
  takeScans(draft, [scan("B")]);
  assert.deepEqual(draft.data.counted, {});
});

test("a count follows its parcel when the list calls it by another name", () => {
  const worklist = {
    parcels: new Map([["F7ANY0M5J7AJ", { code: "F7ANY0M5J7AJ" }]]),
    byTracking: new Map([["JX1", "F7ANY0M5J7AJ"]]),
  };
  const draft = packing(["JX1"], { checklist: { size: true }, counted: { JX1: 2 } });
  assert.ok(renameScans(draft, worklist));
  assert.deepEqual(draft.data, { checklist: { size: true }, counted: { F7ANY0M5J7AJ: 2 } });
});

test("dangerous goods stop packing and handing over, and nothing that comes after", () => {
  const code = "F7ANY0M5J7AJ";
  const about = (kind, dangerous) => {
    const known = { code, carrier: null, cancel: null, status: "confirmed", dangerous };
    const worklist = { parcels: new Map([[code, known]]), byTracking: new Map() };
    return judge(code, { worklist, draft: { ...packing([]), kind }, run: null }).verdict;
  };
  for (const kind of ["pack", "collect", "drop_off"]) assert.equal(about(kind, "stop"), "dangerous", kind);
  for (const kind of ["deliver", "return", "report", "attempt"]) {
    assert.equal(about(kind, "stop"), "known", kind);
  }
  assert.equal(about("pack", "cleared"), "known", "the office has let it go");
});
