/**
 * The phone's modules on a bad network: seals and sends without pause until a line comes in on stdin, then until all is home.
 * Argument: JSON of {url, code, parcels, photos}. Prints {sealed: [{id, parcel}], rounds, states, unsent}.
 */
import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { openPhone } from "../../../webapp/static/js/outbox/phone.js";

const { url, code, parcels, photos } = JSON.parse(process.argv[2]);
const IMPATIENT_MS = { storm: 1_500, calm: 10_000 }; // a test cannot wait out the phone's own deadlines

let isStormy = true;
process.stdin.once("data", () => (isStormy = false));
const options = {
  base: url,
  auto: false,
  locks: null,
  storageManager: null,
  fetch: (address, init) =>
    fetch(address, {
      ...init,
      signal: AbortSignal.any([init.signal, AbortSignal.timeout(IMPATIENT_MS[isStormy ? "storm" : "calm"])]),
    }),
};
const noise = readFileSync(photos.large);

/** Every picture has a digest of its own. */
function picture(number) {
  const bytes = Uint8Array.from(noise);
  new DataView(bytes.buffer).setUint32(bytes.length - 6, number);
  return bytes.buffer;
}

async function seal(phone, number) {
  const parcel = parcels[number % parcels.length];
  const draft = phone.newDraft("attempt", { reason: "nobody_home" });
  draft.scans = [
    { code: parcel, raw: parcel, verdict: "known", at: draft.startedAt, typed: false, override: null },
  ];
  if (number % 3 === 0) {
    draft.photos.push({ ...(await phone.storePhoto(picture(number), "image/jpeg")), role: "photo", parcel });
  }
  return { id: (await phone.seal(draft)).id, parcel };
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const phone = await openPhone(options);
await phone.enrol(code, { label: "Storm" });
console.error("enrolled");
const sealed = [];
const states = {};
let rounds = 0;
let counts = await phone.counts();
let end = Infinity;
while (isStormy || (counts.unsent + counts.unsentBlobs > 0 && Date.now() < end)) {
  if (!isStormy && end === Infinity) end = Date.now() + 150_000;
  if (isStormy) sealed.push(await seal(phone, sealed.length));
  const { state } = await phone.kick("user");
  states[state] = (states[state] ?? 0) + 1;
  rounds += 1;
  counts = await phone.counts();
  await pause(isStormy ? 20 : 300);
}
await phone.kick("user");
const items = await phone.outbox();
console.log(
  JSON.stringify({
    sealed,
    rounds,
    states,
    counts: await phone.counts(),
    items: items.map(({ state, problem }) => ({ state, problem })),
  }),
);
phone.close();
process.stdin.destroy();
