/**
 * The phone's real modules against a real server: argument 1 is a JSON of {url, code, spare, parcels, photos}. Prints what the
 * phone holds to be true as one JSON; the caller compares it with what the server says.
 */
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { judge } from "../../../webapp/static/js/domain/verdict.js";
import { openPhone } from "../../../webapp/static/js/outbox/phone.js";

const { url, code, spare, parcels, photos } = JSON.parse(process.argv[2]);
/** What happens to an answer on its way: throwing loses it. @type {(path:string, method:string, response:Response) => void} */
let onTheWay = () => undefined;
const asked = [];
const options = {
  base: url,
  auto: false,
  locks: null,
  storageManager: null,
  fetch: async (address, init) => {
    const method = init.method ?? "GET";
    const path = address.replace(url, "");
    const response = await fetch(address, init);
    asked.push(`${method} ${path.replace(/(blobs\/)[^/?]+/, "$1…")} ${response.status}`);
    if (process.env.TALK) {
      console.error(asked.at(-1), response.status >= 400 ? await response.clone().text() : "");
    }
    onTheWay(path, method, response);
    return response;
  },
};

const bytes = (file) => {
  const read = readFileSync(file);
  return read.buffer.slice(read.byteOffset, read.byteOffset + read.byteLength);
};

async function handover(phone, codes, pictures) {
  const draft = phone.newDraft("collect", { intact: true, counterpart: { name: "Ben", role: "seller" } });
  draft.scans = codes.map((one) => ({
    code: one,
    raw: one,
    verdict: "known",
    at: draft.startedAt,
    typed: false,
    override: null,
  }));
  for (const file of pictures) {
    draft.photos.push({
      ...(await phone.storePhoto(bytes(file), "image/jpeg")),
      role: "photo",
      parcel: codes[0],
    });
  }
  draft.signature = { ...(await phone.storePhoto(bytes(photos.signature), "image/png")), strokes: [] };
  await phone.saveDraft(draft);
  return phone.seal(draft);
}

const phone = await openPhone(options);
await phone.enrol(`${url}/app/#/enrol/${code}`, { label: "Node" });
await assert.rejects(phone.enrol(code, { label: "Again" }), { code: "enrolment-used" });
await assert.rejects(phone.enrol("AAAABBBBCCCC", { label: "x" }), { code: "enrolment-unknown" });
let state = await phone.kick("user");
assert.deepEqual([state.state, state.problem], ["idle", null]);

const [run] = phone.runs();
const draft = phone.newDraft("collect", { run: run.id });
const verdicts = parcels.map(
  (one) => judge(one, { worklist: phone.worklist, draft, run, rules: phone.rules }).verdict,
);

const one = await handover(phone, parcels.slice(0, 2), [photos.small, photos.large]);
state = await phone.kick("user");
assert.deepEqual([state.state, state.problem], ["idle", null], JSON.stringify(asked));

onTheWay = (path) => {
  if (path === "/sync/v1/events") throw new TypeError("lost after the commit");
};
const two = await handover(phone, parcels.slice(2, 3), [photos.small]);
state = await phone.kick("user");
assert.equal(state.state, "offline");
assert.equal((await phone.counts()).unsent, 1);

let cuts = 0;
onTheWay = (path, method) => {
  if (method === "PATCH" && cuts++ === 0) throw new TypeError("cut in the middle of a picture");
};
await handover(phone, parcels.slice(3, 4), [photos.huge]);
await phone.kick("user");
onTheWay = () => undefined;
state = await phone.kick("user");
assert.deepEqual([state.state, state.problem], ["idle", null], JSON.stringify(asked));

await phone.voidEvent(two.id, "wrong_parcel");
await phone.kick("user");
const first = await phone.outbox();
const counts = await phone.counts();

await phone.enrol(spare, { label: "Second" });
for (let i = 0; i < 250; i += 1) {
  const attempt = phone.newDraft("attempt", { reason: "nobody_home" });
  attempt.scans = [
    {
      code: parcels[4],
      raw: parcels[4],
      verdict: "known",
      at: attempt.startedAt,
      typed: false,
      override: null,
    },
  ];
  await phone.seal(attempt);
}
const start = performance.now();
state = await phone.kick("user");
const sent_in_ms = Math.round(performance.now() - start);
assert.deepEqual([state.state, state.problem], ["idle", null]);
const second = await phone.outbox();
assert.equal(second.length, 250);
console.log(
  JSON.stringify({
    one,
    two,
    verdicts,
    counts,
    asked,
    sent_in_ms,
    rules: phone.rules.version,
    outbox: first.map(({ seq, kind, state: is, effects, receiptAt, photosHeld, photosTotal, problem }) => ({
      seq,
      kind,
      state: is,
      effects,
      receiptAt,
      photosHeld,
      photosTotal,
      problem,
    })),
    second: [...new Set(second.map(({ state: is }) => is))],
  }),
);
phone.close();
