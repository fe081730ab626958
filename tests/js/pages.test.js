/** The pure parts of the pages: what is left of a run, and the enrolment code in what was scanned or typed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeInLink, codeTyped } from "../../webapp/static/js/domain/enrolment.js";
import { blankDraft } from "../../webapp/static/js/domain/draft.js";
import { buildPayload } from "../../webapp/static/js/domain/payload.js";
import { Flow } from "../../webapp/static/js/pages/flow.js";
import { aboutOf, whatToShow } from "../../webapp/static/js/pages/photo-words.js";
import { counted, judgeHere } from "../../webapp/static/js/pages/scan-judge.js";
import { PhoneError } from "../../webapp/static/js/domain/problems.js";
import {
  asAttempt,
  dropPhotos,
  renameScans,
  takeOff,
  takeScans,
} from "../../webapp/static/js/pages/scans.js";
import { answeredTasks, isDone, leftOf, runsOn, sealedCodes } from "../../webapp/static/js/pages/progress.js";

const parcel = (code, status = "ready", cancel = null) => ({ code, status, cancel });
const run = (kind, parcels) => ({ id: "r", kind, parcels });
const item = (kind, parcels, voided = false) => ({ kind, parcels, voided });

test("what this phone sealed is done before the office says so", () => {
  const sealed = sealedCodes([item("collect", ["A"]), item("deliver", ["B"]), item("collect", ["C"], true)]);
  assert.ok(isDone("collect", "A", parcel("A"), sealed));
  assert.ok(isDone("drop_off", "A", parcel("A"), sealed), "one handover, whichever way");
  assert.ok(!isDone("deliver", "A", parcel("A"), sealed), "a collected parcel is yet to be delivered");
  assert.ok(isDone("deliver", "B", parcel("B", "out_for_delivery"), sealed));
  assert.ok(!isDone("collect", "C", parcel("C"), sealed), "a withdrawn one is open again");
});

test("what somebody else handed over is done by the office's list", () => {
  assert.ok(isDone("collect", "A", parcel("A", "in_transit"), new Map()));
  assert.ok(!isDone("deliver", "A", parcel("A", "in_transit"), new Map()));
  assert.ok(!isDone("collect", "X", null, new Map()), "an unknown parcel is not done");
  assert.ok(!isDone("report", "A", parcel("A", "delivered"), new Map()), "a problem can always be told");
});

test("a cancelled parcel is not waited for, unless it was handed over", () => {
  const parcels = {
    A: parcel("A"),
    B: parcel("B", "cancelled", "cancelled"),
    C: parcel("C", "handed_over", "cancelled"),
  };
  const left = leftOf(run("collect", ["A", "B", "C", "D"]), (code) => parcels[code] ?? null, new Map());
  assert.deepEqual(left, { done: 1, total: 3, left: ["A", "D"] });
});

test("a parcel whose cancelling is only asked for is still on the run", () => {
  const left = leftOf(run("collect", ["A"]), () => parcel("A", "ready", "requested"), new Map());
  assert.deepEqual(left.left, ["A"]);
});

test("where nothing is of today, open runs of later days are shown", () => {
  const on = (day, state = "open") => ({ day, state });
  const [old, done, today, ahead] = [
    on("2026-11-20"),
    on("2026-11-20", "closed"),
    on("2026-11-22"),
    on("2026-11-25"),
  ];
  assert.deepEqual(runsOn([old, done, today, ahead], "2026-11-22"), [old, today]);
  assert.deepEqual(runsOn([done, today, ahead], "2026-11-21"), [today, ahead]);
  assert.deepEqual(runsOn([done], "2026-11-19"), []);
});

test("an enrolment code is taken out of the office's link, whatever the address", () => {
  assert.equal(codeInLink("https://baton.example/app/#/enrol/J6R9-GCJM"), "J6R9-GCJM");
  assert.equal(codeInLink("http://192.168.1.20:8000/app/#/enrol/J6R9GCJM0S8D\n"), "J6R9GCJM0S8D");
  for (const other of [
    "F7ANY0M5J7AJ",
    "https://baton.example/",
    "javascript:/app/#/enrol/X",
    "ftp://a/app/#/enrol/X",
    "https://a b/app/#/enrol/X",
  ]) {
    assert.equal(codeInLink(other), null, other);
  }
});

test("a typed code may be a pasted link", () => {
  assert.equal(codeTyped("  j6r9 gcjm 0s8d "), "j6r9gcjm0s8d");
  assert.equal(codeTyped(" "), "");
  assert.equal(codeTyped("https://baton.example/app/#/enrol/J6R9"), "J6R9");
  assert.equal(codeTyped("Your link: https://baton.example/app/#/enrol/J6R9?from=chat"), "J6R9");
});

test("a stray % in a link is a wrong code, told by the office, and no silence", () => {
  const link = "https://a/app/#/enrol/J6R9%";
  assert.equal(codeTyped(link), "J6R9%");
  assert.equal(codeInLink(link), "J6R9%");
});

const scan = (code) => ({ code, raw: code, verdict: "known", at: "", typed: false, override: null });
const signed = (codes) => ({
  ...blankDraft("d", "collect", "2026-11-22T07:00:00.000Z"),
  scans: codes.map(scan),
  counterpart: { name: "Rina", role: "seller" },
  intact: true,
  signature: { sha256: "f", type: "image/png", size: 1, strokes: null },
  pad: [{ points: [] }],
});

test("a change of parcels takes the signature and the answer back, not the name", () => {
  for (const codes of [["A", "B", "C"], ["A"], ["A", "C"]]) {
    const draft = signed(["A", "B"]);
    assert.equal(takeScans(draft, codes.map(scan)), true, codes.join());
    assert.deepEqual([draft.pad, draft.signature, draft.intact], [[], null, null], codes.join());
    assert.equal(draft.counterpart.name, "Rina");
    assert.equal(takeScans(draft, ["A", "B"].map(scan)), false, "nothing is left to take back");
  }
});

test("the same parcels in another order stay signed", () => {
  const draft = signed(["A", "B"]);
  assert.equal(takeScans(draft, ["B", "A"].map(scan)), false);
  assert.deepEqual([draft.pad.length, draft.intact], [1, true]);
});

test("a failed delivery says nothing of what the recipient had begun to say and sign", () => {
  const place = { id: null, lat: 1.3, lon: 103.8, accuracy_m: 9 };
  const said = { kind: "deliver", run: "r", expected: 2, note: "one is wet", place };
  const draft = { ...signed(["A", "B"]), ...said, data: { signature: { strokes: [] } } };
  asAttempt(draft);
  const link = { id: "e", device: "d", actor: "a", seq: 1, prev: null, at: draft.startedAt, offset_ms: null };
  const { kind, run, parcels, expected, counterpart, intact, note, blobs, data, ...rest } = buildPayload(
    draft,
    link,
  );
  assert.deepEqual([kind, run, parcels, rest.place], ["attempt", "r", ["A", "B"], place]);
  assert.deepEqual([expected, counterpart, intact, note], [null, null, null, null]);
  assert.deepEqual([blobs, data, draft.pad], [[], {}, []]);
});

test("a parcel that is taken off names no picture any more, and its own can go with it", () => {
  const draft = signed(["A", "B"]);
  const photo = (sha256, parcel, more) => ({ sha256, parcel, role: "photo", ...more });
  const all = photo("all", null);
  const tags = [photo("t1", "A", { role: "tag", of: "all" }), photo("t2", "B", { role: "tag", of: "a" })];
  draft.photos = [all, photo("a", "A"), photo("b", "B"), ...tags];
  const left = () => draft.photos.map(({ sha256, parcel }) => [sha256, parcel]);
  const own = takeOff(draft, "A");
  const kept = [
    ["all", null],
    ["a", null],
    ["b", "B"],
    ["t2", "B"],
  ];
  assert.deepEqual(left(), kept);
  dropPhotos(draft, own);
  assert.deepEqual(left(), [kept[0], kept[2]], "the tag that was cut from it too");
});

test("an unfinished handover without parcels is gone on with at Scan", () => {
  const flow = new Flow(new EventTarget());
  flow.draft = { ...blankDraft("d", "attempt", ""), step: "photo", run: "r 1" };
  assert.equal(flow.route, "#/scan/deliver?run=r%201", "a failed delivery is scanned as one");
  flow.draft.scans = [scan("A")];
  assert.equal(flow.route, "#/photo");
});

test("a driver's other doors are not missing at this one; a collection's parcels are", () => {
  const at = (kind) => ({
    phone: { parcel: (code) => parcel(code, "in_transit") },
    shell: { sealed: new Map() },
    flow: { run: run(kind, ["A", "B", "C"]), draft: { ...blankDraft("d", kind, ""), scans: [scan("B")] } },
  });
  const door = counted(at("deliver"));
  assert.deepEqual([door.scanned, door.expected], [1, null]);
  assert.equal(counted(at("attempt")).expected, null);
  const app = at("collect");
  app.phone.parcel = parcel;
  const pile = counted(app);
  assert.deepEqual([pile.scanned, pile.expected, pile.missing], [1, 3, ["A", "C"]]);
});

test("Photo says which parcel it is about, and what its picture must show", () => {
  const draft = (kind, codes, more) => ({ ...blankDraft("d", kind, ""), scans: codes.map(scan), ...more });
  const one = draft("report", ["F7ANY0M5J7AJ"]);
  assert.equal(aboutOf(one, null), "Problem · F7AN-Y0M5-J7AJ");
  assert.equal(aboutOf(draft("deliver", ["A"]), { title: "Deliver · South" }), "Deliver · A");
  assert.equal(aboutOf(draft("deliver", ["A", "B"]), { title: "Deliver · South" }), "Deliver · South");
  assert.equal(aboutOf(draft("report", ["A", "B"], { ref: "e" }), null), "2 parcels");
  assert.match(whatToShow(one), /what is wrong/);
  assert.match(whatToShow(draft("attempt", ["A"])), /the door, with the parcel\./);
  assert.match(whatToShow(draft("collect", ["A", "B"])), /all parcels/);
  assert.match(
    whatToShow(draft("report", ["A"], { ref: "e", ask: "The tag" })),
    /^The office asks: The tag$/,
  );
});

test("a step that could not be kept is told, whatever the reason", async () => {
  for (const error of [new TypeError("no store"), new PhoneError("storage-full", "No room.")]) {
    const phone = Object.assign(new EventTarget(), { saveDraft: () => Promise.reject(error) });
    const flow = new Flow(phone);
    flow.draft = signed(["A"]);
    let told = null;
    flow.addEventListener("problem", ({ detail }) => (told = detail));
    assert.equal(await flow.save(), false);
    assert.ok(told?.title, error.name);
  }
});

test("a second retake of the same proof is open until it is answered itself", () => {
  const task = (id, created_at) => ({ id, event: "e", created_at });
  const tasks = [task("t1", "2026-11-22T08:00:00Z"), task("t2", "2026-11-22T10:00:00Z")];
  const report = (more) => ({ ...item("report", ["A"]), ref: "e", at: "2026-11-22T09:00:00Z", ...more });
  assert.deepEqual([...answeredTasks(tasks, [report({ task: "t1" })])], ["t1"]);
  assert.deepEqual(
    [...answeredTasks(tasks, [report({ task: null })])],
    ["t1"],
    "an older report, by its time",
  );
  assert.deepEqual([...answeredTasks(tasks, [report({ task: "t2" })])], ["t2"], "whatever the clocks say");
  assert.equal(answeredTasks(tasks, [report({ task: "t1", voided: true })]).size, 0);
});

test("a parcel scanned by two names before the list came is one parcel after it", () => {
  const known = { ...parcel("F7ANY0M5J7AJ"), tracking_number: "JP 1", carrier: null };
  const worklist = { parcels: new Map([[known.code, known]]), byTracking: new Map([["JP1", known.code]]) };
  const draft = signed(["JP1", known.code, "B"]);
  draft.photos = [{ sha256: "p", parcel: "JP1" }];
  const app = { phone: { worklist, rules: null }, shell: { sealed: new Map() }, flow: { draft, run: null } };
  assert.equal(judgeHere(app, "JP 1").verdict, "again");
  assert.equal(renameScans(draft, worklist), true);
  assert.deepEqual(
    draft.scans.map(({ code }) => code),
    [known.code, "B"],
  );
  assert.deepEqual([draft.photos[0].parcel, draft.intact], [known.code, null]);
  assert.equal(renameScans(draft, worklist), false);
  const renamed = signed(["JP1"]);
  assert.equal(renameScans(renamed, worklist), true);
  assert.deepEqual(
    [renamed.scans[0].code, renamed.intact],
    [known.code, true],
    "it was signed for that parcel",
  );
});

test("a cancelled parcel stops a handover, not a report about it", () => {
  const gone = { ...parcel("F7ANY0M5J7AJ", "cancelled", "cancelled"), tracking_number: null, carrier: null };
  const worklist = { parcels: new Map([[gone.code, gone]]), byTracking: new Map() };
  const judged = (kind) =>
    judgeHere(
      {
        phone: { worklist, rules: null },
        shell: { sealed: new Map() },
        flow: { draft: blankDraft("d", kind, ""), run: null },
      },
      gone.code,
    );
  assert.deepEqual([judged("report").verdict, judged("report").tone], ["known", "warn"]);
  assert.deepEqual([judged("collect").verdict, judged("collect").tone], ["cancelled", "stop"]);
});
