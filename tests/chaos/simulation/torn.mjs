/**
 * What Chromium does to a database that was written to as it was killed: it throws it away, or reads it up to the torn record
 * only. The phone has a second copy then, and nothing that was promised may be missing.
 */
import { isBehind } from "../../../webapp/static/js/storage/behind.js";
import { COPIED, goBack, look, throwAway } from "./storage.mjs";

const MOST_LATER_MS = 600_000;

/** The browser ends in the middle of whatever it does, and its database is no more what it was. */
async function tear(world, handset, what, work) {
  if (!handset.buckets) return;
  for (const tab of handset.live) tab.die();
  const { database } = handset;
  const rows = await look(database);
  world.count(what);
  world.note(`${handset.name} ${what}`);
  // What nobody was told to be kept may be gone, and so may what the phone knows to be in one copy only.
  const unheard = rows.events.filter(({ id }) => !handset.sealed.has(id));
  world.forgive(handset, isBehind(database) ? rows : { ...rows, events: unheard, blobs: [] });
  await work(database);
  await handset.open();
  world.forgive(handset, { ...rows, events: [], blobs: await noMoreHere(database, rows) });
}

/** Pictures that are with the office are kept once: a backup that is put back there may lack what the phone has just lost. */
async function noMoreHere(database, { blobs }) {
  const here = new Set((await look(database, ["blob_bytes"])).blob_bytes.map(({ sha256 }) => sha256));
  return blobs.filter(({ sha256, state }) => state === "held" && !here.has(sha256));
}

export const TORN = {
  "store thrown away": (world, handset) =>
    handset.do("tear", () => tear(world, handset, "store thrown away", throwAway)),

  "store went back": (world, handset) =>
    handset.do("tear", async () => {
      const { database } = handset;
      const rows = await look(database, COPIED);
      await world.clock.pass(handset.chance.whole(0, MOST_LATER_MS));
      if (database !== handset.database) return; // cleared meanwhile
      await tear(world, handset, "store went back", (name) => goBack(name, rows));
    }),
};
