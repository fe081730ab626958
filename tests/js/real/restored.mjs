/**
 * The phone's modules while the server goes back to an older backup. Seals and sends, says "sent" on stderr, waits for a
 * line on stdin; seals and sends more, says "sent" again; waits once more, then goes on until all is home.
 * Argument: JSON of {url, code, parcels, photos}. Prints {sealed: [{id, parcel}], unsentAfter, counts, items}.
 */
import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { openPhone } from "../../../webapp/static/js/outbox/phone.js";

const { url, code, parcels, photos } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const noise = readFileSync(photos.small);
const phone = await openPhone({ base: url, auto: false, locks: null, storageManager: null });
await phone.enrol(code, { label: "Restored" });
const sealed = [];

function picture(number) {
  const bytes = Uint8Array.from(noise);
  new DataView(bytes.buffer).setUint32(bytes.length - 6, number);
  return bytes.buffer;
}

async function sealSome(count) {
  for (let i = 0; i < count; i += 1) {
    const parcel = parcels[sealed.length % parcels.length];
    const draft = phone.newDraft("attempt", { reason: "nobody_home" });
    draft.scans = [
      { code: parcel, raw: parcel, verdict: "known", at: draft.startedAt, typed: false, override: null },
    ];
    draft.photos.push({
      ...(await phone.storePhoto(picture(sealed.length), "image/jpeg")),
      role: "photo",
      parcel,
    });
    sealed.push({ id: (await phone.seal(draft)).id, parcel });
  }
  await phone.kick("user");
}

async function sendAll() {
  await sealSome(4);
  const { unsent, unsentBlobs } = await phone.counts();
  console.error(unsent + unsentBlobs === 0 ? "sent" : `not sent: ${unsent} and ${unsentBlobs}`);
  await lines.next();
}

await sendAll();
await sendAll();
const unsentAfter = [];
const end = Date.now() + 60_000;
do {
  await phone.kick("user");
  const { unsent, unsentBlobs } = await phone.counts();
  unsentAfter.push(unsent + unsentBlobs);
} while ((unsentAfter.at(-1) > 0 || unsentAfter.length < 3) && Date.now() < end);
const items = await phone.outbox();
console.log(
  JSON.stringify({
    sealed,
    unsentAfter,
    counts: await phone.counts(),
    items: items.map(({ state }) => ({ state })),
  }),
);
phone.close();
process.stdin.destroy();
