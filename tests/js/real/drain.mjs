/**
 * A phone with a day's work comes into a narrow network: sealed without one, then sent over `link`.
 * Argument: JSON of {url, link, code, parcels, events, photos, photoBytes}. Prints {ms, bytes, counts, rounds}.
 */
import "fake-indexeddb/auto";
import { openPhone } from "../../../webapp/static/js/outbox/phone.js";

const { url, link, code, parcels, events, photos, photoBytes } = JSON.parse(process.argv[2]);
let base = url;
let isOnline = true;
const options = {
  base: "",
  auto: false,
  locks: null,
  storageManager: null,
  fetch: (path, init) => (isOnline ? fetch(base + path, init) : Promise.reject(new TypeError("no network"))),
};

/** A JPEG as far as its header goes; what follows is noise, as in a real one. */
function picture() {
  const bytes = new Uint8Array(photoBytes);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, bytes.length)));
  }
  const header = "ffd8ffc00011080300040003011100021100031100";
  bytes.set(Uint8Array.from(header.match(/../g), (pair) => parseInt(pair, 16)));
  return bytes.buffer;
}

const phone = await openPhone(options);
await phone.enrol(code, { label: "Drain" });
await phone.kick("user");
isOnline = false;
let bytes = 0;
for (let number = 0; number < events; number += 1) {
  const parcel = parcels[number % parcels.length];
  const draft = phone.newDraft("attempt", { reason: "nobody_home" });
  draft.scans = [
    { code: parcel, raw: parcel, verdict: "known", at: draft.startedAt, typed: false, override: null },
  ];
  if (number < photos) {
    draft.photos.push({ ...(await phone.storePhoto(picture(), "image/jpeg")), role: "photo", parcel });
    bytes += photoBytes;
  }
  bytes += (await phone.eventJws((await phone.seal(draft)).id)).length;
}
console.error("sealed");
base = link;
isOnline = true;
const start = performance.now();
let rounds = 0;
let counts = await phone.counts();
while (counts.unsent + counts.unsentBlobs > 0) {
  const { state, nextAt } = await phone.kick("user");
  rounds += 1;
  counts = await phone.counts();
  // What the phone would wait by itself: this drives it without its timers.
  const wait = state === "offline" ? Math.max(0, Date.parse(nextAt) - Date.now()) : 0;
  if (counts.unsent + counts.unsentBlobs > 0) await new Promise((done) => setTimeout(done, wait));
}
console.log(JSON.stringify({ ms: performance.now() - start, bytes, counts, rounds }));
phone.close();
process.exit(0);
