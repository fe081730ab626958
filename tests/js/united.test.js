/** A handover that went on in two places, and what is left of one that was sealed in another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blankDraft, restOf, united } from "../../webapp/static/js/domain/draft.js";

const scan = (code) => ({ code, raw: code, verdict: "known", at: "", typed: false, override: null });
const photo = (sha256) => ({ sha256, type: "image/jpeg", size: 1, role: "photo", parcel: null });
const draft = (fields) => ({ ...blankDraft("d", "collect", "2026-11-27T00:00:00Z"), ...fields });
const signed = {
  ...{ signature: { sha256: "ink", type: "image/png", size: 1, strokes: [] }, intact: true },
  ...{ pad: [[1]], step: "sign" },
};
const codesOf = ({ scans }) => scans.map(({ code }) => code);

test("it has the parcels and photos of both, once", () => {
  const both = united(
    draft({ scans: [scan("A"), scan("B")], photos: [photo("1"), photo("2")] }),
    draft({ scans: [scan("C"), scan("A")], photos: [photo("3"), photo("1")] }),
  );
  assert.deepEqual(codesOf(both), ["C", "A", "B"]);
  assert.deepEqual(
    both.photos.map(({ sha256 }) => sha256),
    ["3", "1", "2"],
  );
});

test("nobody has signed for parcels that they did not see", () => {
  const both = united(
    draft({ scans: [scan("A")], data: { checklist: { a: true }, counted: { A: 1 } }, ...signed }),
    draft({ scans: [scan("A"), scan("B")] }),
  );
  assert.deepEqual([both.signature, both.intact, both.pad, both.step], [null, null, [], "scan"]);
  assert.deepEqual(both.data, { checklist: {}, counted: { A: 1 } });
});

test("what was signed for all of them stays, and what was signed for fewer is not taken", () => {
  const all = draft({ scans: [scan("A"), scan("B")], ...signed });
  const fewer = draft({ scans: [scan("A")], ...signed });
  assert.equal(united(all, draft({ scans: [scan("A")] })).signature.sha256, "ink");
  assert.equal(united(draft({ scans: [scan("A"), scan("B")] }), fewer).signature, null);
  assert.equal(united(draft({ scans: [scan("A"), scan("B")] }), fewer).pad, undefined);
});

test("words that only the older has are kept", () => {
  const older = draft({ note: "at the back door", carrier: "jnt", reason: "nobody_home", data: { a: 1 } });
  const both = united(draft({ note: "", reason: "refused", data: { b: 2 } }), older);
  assert.deepEqual(
    [both.note, both.carrier, both.reason, both.data],
    ["at the back door", "jnt", "refused", { a: 1, b: 2 }],
  );
});

test("the rest of a sealed one begins anew, for whoever began it, signed by nobody", () => {
  const sealed = { parcels: ["A"], blobs: [{ sha256: "1" }] };
  const whole = draft({
    ...{ scans: [scan("A"), scan("B")], photos: [photo("1"), photo("2")], ...signed, run: "r" },
    ...{ owner: "dev", counterpart: { name: "X", role: "seller" }, data: { checklist: { a: true } } },
  });
  const rest = restOf(whole, sealed);
  assert.deepEqual(codesOf(rest), ["B"]);
  assert.deepEqual(
    [rest.id, rest.run, rest.owner, rest.step, rest.signature, rest.intact, rest.counterpart, rest.data],
    ["rest:d", "r", "dev", "scan", null, null, null, {}],
  );
  assert.equal("pad" in rest, false);
  assert.equal(restOf(draft({ scans: [scan("A")] }), sealed), null);
});
