/** Whose a number is that no list knows: as Python guesses, offline, and never surer than the table. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { guess, likely } from "../../webapp/static/js/domain/carriers.js";
import { blankDraft } from "../../webapp/static/js/domain/draft.js";
import { judge } from "../../webapp/static/js/domain/verdict.js";
import { emptyWorklist, indexTracking } from "../../webapp/static/js/domain/worklist.js";

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const CODE = "F7ANY0M5J7AJ";
const parcel = (code, more) => ({ code, carrier: "jnt", status: "ready", cancel: null, flags: {}, ...more });
const about = (parcels, more) => {
  const worklist = {
    ...emptyWorklist(),
    parcels: new Map(parcels.map((p) => [p.code, p])),
    byTracking: indexTracking(parcels),
  };
  return { worklist, draft: blankDraft("d", "collect", ""), run: null, ...more };
};
const run = (parcels, carrier) => ({ id: "r", kind: "collect", carrier, parcels, state: "open" });

test("whose a number may be is guessed exactly as Python does", () => {
  const { known, rows } = vectors("carriers");
  for (const { text, guess: guessed, likely: sure } of rows) {
    assert.deepEqual(guess(text, known), guessed, text);
    assert.equal(likely(text, known)?.code ?? null, sure, text);
  }
});

test("a number that no list and no carrier of the shop knows says whose it looks like, offline", () => {
  const { known } = vectors("carriers");
  const shop = (carriers) => ({ carriers, known_carriers: known });
  const jnt = { code: "jnt", name: "J&T", tracking_pattern: "JP\\d{10}", built_in: "jt-express" };
  const shopee = { code: "shopee", name: "Shopee's van", tracking_pattern: null, built_in: "spx" };
  const SPX = "SPXMY043978601057";
  const cases = [
    // Surely another's than that of the run: it stops.
    [SPX, shop([jnt]), "jnt", "other_carrier", "SPX Express"],
    [SPX, shop([jnt, shopee]), "jnt", "other_carrier", "Shopee's van"],
    // The run's own, in a form that its own pattern does not know yet: no alarm.
    ["JX8009962760", shop([jnt]), "jnt", "unknown", "J&T"],
    // Where the run's carrier is none of the table, nobody can tell whether it is the same.
    [SPX, shop([{ code: "van", name: "Our van", tracking_pattern: null }]), "van", "unknown", "SPX Express"],
    [SPX, shop([jnt]), null, "unknown", "SPX Express"],
    ["JP0123456789", shop([jnt, { ...shopee, code: "other" }]), "other", "other_carrier", "J&T"],
  ];
  for (const [raw, rules, carrier, verdict, looksLike] of cases) {
    const told = judge(raw, about([], { rules, run: run([], carrier) }));
    assert.deepEqual([told.verdict, told.code, told.looksLike], [verdict, raw, looksLike], raw);
  }
  const shape = judge("630123456789", about([], { rules: shop([jnt]), run: run([], "jnt") }));
  assert.deepEqual([shape.verdict, shape.looksLike], ["invalid", null]);
  const misread = judge("EE876543217MY", about([], { rules: shop([jnt]), run: run([], "jnt") }));
  assert.equal(misread.verdict, "invalid");
  const mine = judge(SPX, about([parcel(CODE, { tracking_number: SPX })], { rules: shop([jnt]) }));
  assert.deepEqual([mine.verdict, mine.looksLike], ["known", null]);
});
