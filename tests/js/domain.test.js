/** The pure rules of the phone. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isCode, looksLikeCode, normalise, pretty } from "../../webapp/static/js/domain/codes.js";
import { waitFor } from "../../webapp/static/js/domain/backoff.js";
import { DEFAULT_LIMITS, nextBatch, uploadOrder } from "../../webapp/static/js/domain/batches.js";
import { progress } from "../../webapp/static/js/domain/counts.js";
import { blankDraft } from "../../webapp/static/js/domain/draft.js";
import { uuidv7 } from "../../webapp/static/js/domain/ids.js";
import { buildPayload } from "../../webapp/static/js/domain/payload.js";
import { settle, toOfferAgain } from "../../webapp/static/js/domain/settle.js";
import { predict } from "../../webapp/static/js/domain/transitions.js";
import { judge } from "../../webapp/static/js/domain/verdict.js";
import { emptyWorklist, indexTracking, joinPages } from "../../webapp/static/js/domain/worklist.js";

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const CODE = "F7ANY0M5J7AJ";
const OTHER = "RKPAPG5Y48SQ";

test("codes are read and refused exactly as Python does", () => {
  const { valid, invalid } = vectors("codes");
  for (const { typed, code } of valid) assert.equal(normalise(typed), code, typed);
  for (const typed of invalid) assert.equal(normalise(typed), null, typed);
  assert.equal(pretty(CODE), "F7AN-Y0M5-J7AJ");
  assert.ok(isCode(CODE) && looksLikeCode("F7ANY0M5J7AK") && !looksLikeCode("JNT123"));
});

test("every wrong character and every swap of neighbours is refused", () => {
  for (let i = 0; i < 12; i += 1) {
    for (const char of "0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
      const wrong = CODE.slice(0, i) + char + CODE.slice(i + 1);
      assert.equal(normalise(wrong), char === CODE[i] ? CODE : null);
    }
    const swapped =
      CODE.slice(0, i) +
      CODE.slice(i, i + 2)
        .split("")
        .reverse()
        .join("") +
      CODE.slice(i + 2);
    if (swapped !== CODE) assert.equal(normalise(swapped), null, swapped);
  }
});

test("the phone predicts what the table says, for every status and kind", () => {
  const { rows, conditions } = vectors("transitions");
  const table = {};
  for (const { kind, status, to, anomalies } of rows) (table[kind] ??= {})[status] = { to, anomalies };
  for (const { kind, status, to, anomalies } of rows) {
    const told = predict({ table, conditions }, kind, status);
    assert.equal(told.status, to ?? status);
    assert.deepEqual(
      told.anomalies,
      anomalies.filter((code) => !(code in conditions)),
    );
  }
  assert.deepEqual(predict(null, "collect", "ready"), { status: "ready", anomalies: [] });
});

const parcel = (code, more = {}) => ({
  code,
  tracking_number: null,
  carrier: "jnt",
  status: "ready",
  flags: {},
  fragile: false,
  count: 1,
  place: null,
  cancel: null,
  recipient: null,
  ...more,
});
const scan = (code) => ({ code, raw: code, verdict: "known", at: "", typed: false, override: null });
const about = (parcels, more = {}) => {
  const worklist = {
    ...emptyWorklist(),
    parcels: new Map(parcels.map((p) => [p.code, p])),
    byTracking: indexTracking(parcels),
  };
  return { worklist, draft: blankDraft("d", "collect", ""), run: null, rules: null, ...more };
};
const run = (parcels, carrier = "jnt") => ({
  id: "r",
  kind: "collect",
  title: "",
  day: "",
  carrier,
  place: null,
  parcels,
  state: "open",
});
const rules = {
  carriers: [
    { code: "jnt", name: "J&T", tracking_pattern: "JP\\d{10}" },
    { code: "ninja", name: "Ninja", tracking_pattern: "NV\\w{8}" },
  ],
};

test("a scan is judged by the gravest thing about it", () => {
  const known = parcel(CODE, { tracking_number: "JP0123456789" });
  const cases = [
    ["f7an-y0m5-j7aj", about([known], { run: run([CODE]) }), "known", CODE, "go"],
    ["jp 0123456789", about([known], { run: run([CODE]) }), "known", CODE, "go"],
    [CODE, about([known], { run: run([OTHER]) }), "not_on_list", CODE, "warn"],
    [CODE, about([known], { run: run([CODE], "ninja") }), "other_carrier", CODE, "stop"],
    [
      CODE,
      about([parcel(CODE, { cancel: "requested" })], { run: run([CODE], "ninja") }),
      "cancelled",
      CODE,
      "stop",
    ],
    [CODE, about([parcel(CODE, { status: "cancelled" })]), "cancelled", CODE, "stop"],
    [CODE, about([]), "unknown", CODE, "warn"],
    ["JP9999999999", about([], { rules }), "unknown", "JP9999999999", "warn"],
    ["NV12345678", about([], { rules, run: run([], "jnt") }), "other_carrier", "NV12345678", "stop"],
    ["F7ANY0M5J7AK", about([known]), "invalid", null, "stop"],
    ["https://example.com/x", about([known]), "invalid", null, "stop"],
    ["", about([known]), "invalid", null, "stop"],
    [CODE, about([parcel(CODE, { carrier: null })], { run: run([CODE], "ninja") }), "known", CODE, "go"],
  ];
  for (const [raw, where, verdict, code, tone] of cases) {
    const told = judge(raw, where);
    assert.deepEqual([told.verdict, told.code, told.tone], [verdict, code, tone], raw);
    assert.ok(told.word.length > 0);
  }
  const again = about([known]);
  again.draft.scans = [scan(CODE)];
  assert.equal(judge("JP0123456789", again).verdict, "again");
  const words = (run) => judge(CODE, about([known], { run })).word;
  assert.deepEqual([words(run([CODE])), words(null)], ["On the list", "Known parcel"]);
});

test("17 of 20, and which are missing", () => {
  const codes = Array.from({ length: 20 }, (_, i) => `P${i}`);
  const draft = blankDraft("d", "collect", "");
  draft.scans = [...codes.slice(0, 17), "X"].map(scan);
  const told = progress(draft, run(codes));
  assert.deepEqual([told.scanned, told.expected], [17, 20]);
  assert.deepEqual(told.missing, ["P17", "P18", "P19"]);
  assert.deepEqual(told.surplus, ["X"]);
});

test("the payload has the members PROTOCOL names and no others", () => {
  const draft = blankDraft("d", "collect", "");
  draft.scans = [
    scan(CODE),
    scan(CODE),
    { ...scan(OTHER), typed: true, override: "label torn", verdict: "other_carrier" },
  ];
  const link = { id: "i", device: "v", actor: "a", seq: 1, prev: null, at: "t", offset_ms: null };
  const payload = buildPayload(draft, link);
  assert.deepEqual(Object.keys(payload).sort(), [
    "actor",
    "at",
    "blobs",
    "carrier",
    "counterpart",
    "data",
    "device",
    "expected",
    "id",
    "intact",
    "kind",
    "note",
    "offset_ms",
    "parcels",
    "place",
    "prev",
    "reason",
    "ref",
    "run",
    "seq",
    "v",
  ]);
  assert.deepEqual(payload.parcels, [CODE, OTHER]);
  assert.deepEqual(payload.data, {
    typed: [OTHER],
    overrides: [{ parcel: OTHER, verdict: "other_carrier", reason: "label torn" }],
  });
  draft.scans = Array.from({ length: 501 }, (_, i) => scan(`P${i}`));
  assert.throws(() => buildPayload(draft, link), { code: "too-many-parcels" });
  draft.scans = [];
  assert.throws(() => buildPayload(draft, link), { code: "no-parcels" });
  assert.deepEqual(buildPayload({ ...draft, kind: "void" }, link).parcels, [], "it is about an event");
});

test("a UUIDv7 carries its time and version", () => {
  const id = uuidv7(0x0192_3456_789a, new Uint8Array(16).fill(255));
  assert.equal(id, "01923456-789a-7fff-bfff-ffffffffffff");
});

test("back-off is jittered between 2 s and 5 min and never below Retry-After", () => {
  assert.equal(waitFor(1, 1), 2_000);
  assert.equal(waitFor(3, 1), 8_000);
  assert.equal(waitFor(50, 1), 300_000);
  assert.ok(waitFor(1, 0) > 0);
  assert.ok(waitFor(1, 0, 60_000) >= 60_000);
});

const row = (seq, more = {}) => ({
  device: "d",
  seq,
  id: `id-${seq}`,
  sha256: `sha-${seq}`,
  size: 1000,
  tries: 0,
  notBefore: 0,
  parked: false,
  ...more,
});

test("a batch keeps to count and bytes, and an oversized event goes alone", () => {
  const rows = Array.from({ length: 300 }, (_, i) => row(i + 1));
  assert.equal(nextBatch(rows, { limits: DEFAULT_LIMITS, most: 1000, now: 0 }).length, 200);
  assert.equal(nextBatch(rows, { limits: DEFAULT_LIMITS, most: 7, now: 0 }).length, 7);
  const tight = { ...DEFAULT_LIMITS, max_batch_bytes: 6_000 };
  assert.equal(nextBatch(rows, { limits: tight, most: 200, now: 0 }).length, 3);
  assert.equal(
    nextBatch([row(1, { size: 9_999_999 }), row(2)], { limits: DEFAULT_LIMITS, most: 200, now: 0 }).length,
    1,
  );
  const waiting = [row(1, { notBefore: 10 }), row(2, { parked: true }), row(3)];
  assert.deepEqual(
    nextBatch(waiting, { limits: DEFAULT_LIMITS, most: 9, now: 0 }).map(({ seq }) => seq),
    [3],
  );
});

test("pictures go small before large", () => {
  const blob = (size, state = "wanted") => ({ size, state, notBefore: 0, storedAt: 0 });
  const order = uploadOrder([blob(9), blob(1), blob(3, "held"), blob(4)], 0);
  assert.deepEqual(
    order.map(({ size }) => size),
    [1, 4, 9],
  );
});

const answer = (status, json, protocol = true) => ({
  status,
  protocol,
  json,
  retryAfterMs: null,
  timedOut: false,
});
const result = (seq, status = "applied") => ({
  id: `id-${seq}`,
  sha256: `sha-${seq}`,
  status,
  effects: [],
  problem: null,
});
const body = (results, more = {}) => ({
  epoch: "e",
  received_at: "",
  results,
  high_seq: 9,
  missing_seqs: [],
  want: [],
  receipt: "",
  ...more,
});

test("only a final result that names the row settles it", () => {
  const rows = [row(1), row(2), row(3), row(4)];
  const said = settle(
    answer(200, body([result(1), result(2, "retry"), { ...result(3), id: "stranger" }])),
    rows,
  );
  assert.deepEqual(
    said.settled.map(({ seq }) => seq),
    [1],
  );
  assert.deepEqual(said.later, [2, 3, 4]);
});

test("no answer but a batch's own settles anything", () => {
  const strange = [
    answer(0, null, false),
    answer(200, body([result(1)]), false),
    answer(200, null),
    answer(200, {}),
    answer(200, "ok"),
    answer(204, null),
    answer(200, { ...body([]), results: [{ id: "id-1", status: "applied" }] }),
    answer(302, null),
    answer(401, null),
    answer(403, null),
    answer(404, body([result(1)])),
    answer(409, null),
    answer(426, null),
    answer(429, null),
    answer(500, body([result(1)])),
    answer(502, null, false),
    answer(503, null),
    answer(507, null),
    answer(413, null),
    answer(400, null),
    answer(415, null),
  ];
  for (const one of strange) {
    assert.deepEqual(settle(one, [row(1), row(2)]).settled, [], String(one.status));
    assert.deepEqual(settle(one, [row(1), row(2)]).parked, [], String(one.status));
  }
  assert.equal(settle(answer(200, body([result(1)]), false), [row(1)]).next, "offline");
  assert.equal(settle(answer(401, null), [row(1)]).next, "pause");
});

test("413 and 400 halve down to one, and only that one is parked", () => {
  for (const status of [413, 400]) {
    assert.equal(settle(answer(status, null), [row(1), row(2)]).next, "smaller");
    const alone = settle(answer(status, { code: "malformed-batch", title: "t" }), [row(1)]);
    assert.deepEqual(
      alone.parked.map(({ seq }) => seq),
      [1],
    );
  }
  assert.deepEqual(settle(answer(413, null, false), [row(1)]).parked, [], "a proxy's 413 parks nothing");
  assert.equal(settle(answer(413, null, false), [row(1), row(2)]).next, "smaller");
});

test("a revoked phone's rows settle as kept, and then it stops", () => {
  const said = settle(answer(403, { ...body([result(1, "quarantined")]), code: "device-revoked" }), [row(1)]);
  assert.equal(said.settled.length, 1);
  assert.ok(said.revoked);
  assert.equal(settle(answer(403, { ...body([]), code: "device-revoked" }), []).next, "pause");
});

test("what another epoch settled, and what the server lacks, is offered again", () => {
  const kept = (seq, more = {}) => ({
    seq,
    state: "settled",
    epoch: "e",
    offeredAt: null,
    result: result(seq),
    ...more,
  });
  const rows = [
    kept(1),
    kept(2),
    kept(3, { result: result(3, "quarantined") }),
    kept(4, { state: "parked" }),
  ];
  const ask = (server, now = 1e9) =>
    toOfferAgain(rows, { epoch: "e", high_seq: 9, missing_seqs: [], ...server }, now);
  assert.deepEqual(ask({}), []);
  assert.deepEqual(ask({ epoch: "new" }), [1, 2, 3, 4]);
  assert.deepEqual(ask({ high_seq: 1 }), [2]);
  assert.deepEqual(
    ask({
      missing_seqs: [
        [1, 1],
        [3, 4],
      ],
    }),
    [1],
  );
  rows[0].offeredAt = 1e9 - 1000;
  assert.deepEqual(ask({ missing_seqs: [[1, 1]] }), [], "not twice in ten minutes");
});

test("joined worklist pages do what they would have done one by one", () => {
  const none = { upserts: [], removes: [] };
  const page = (upserts, removes, reset = false) => ({
    epoch: "e",
    cursor: "c",
    more: false,
    reset,
    as_of: "",
    rules: { version: "", etag: "" },
    parcels: { upserts, removes },
    runs: none,
    tasks: none,
    notices: none,
  });
  const joined = joinPages([page([parcel("A"), parcel("B")], []), page([parcel("C")], ["A"])]);
  assert.deepEqual(joined.parcels.upserts.map(({ code }) => code).sort(), ["B", "C"]);
  assert.deepEqual(joined.parcels.removes, ["A"]);
  const reset = joinPages([page([parcel("A")], []), page([parcel("C")], [], true), page([parcel("D")], [])]);
  assert.ok(reset.reset);
  assert.deepEqual(
    reset.parcels.upserts.map(({ code }) => code),
    ["C", "D"],
  );
});
