/**
 * What changes under a queue while it is on its way: the app's version, before and behind the one that is open; the service
 * worker, woken and ended at any await; the people of a phone, one of whom is removed.
 */
import { look, openNewer } from "./storage.mjs";

const OLD = "baton-web/0.0.9"; // older than the server takes

export const VERSIONS = {
  /** A phone from a drawer: the server refuses its app, and keeps asking for the new one until a person opens that. */
  "old app version": (world, handset) =>
    handset.do("open", async () => {
      world.count("old app version");
      handset.reload({ client: OLD });
      await handset.open();
    }),

  "newer version beside it": (world, handset) =>
    handset.do("upgrade", async () => {
      world.count("newer version beside it");
      await openNewer(handset.database);
    }),

  /** The new version's worker takes over: every page is loaded again, wherever it was. */
  "updated in mid-flush": (world, handset) =>
    handset.do("update", async () => {
      world.count("updated in mid-flush");
      const { phone } = await handset.inHand();
      void phone.kick("user");
      await new Promise((done) => setTimeout(done, handset.chance.whole(0, 5_000)));
      handset.reload({ client: handset.client });
      await handset.open();
    }),

  "worker woken": (world, handset) =>
    handset.do("wake", async () => {
      world.count("worker woken");
      await handset.wake();
    }),

  /** With what is unsent: the number is asked for and typed. */
  "person removed": (world, handset) =>
    handset.do("remove", async () => {
      const { phone } = await handset.inHand();
      const people = await phone.people.list();
      if (people.length === 0) return;
      const { device, unsent } = handset.chance.pick(people);
      const { database } = handset;
      const rows = await look(database);
      const mine = Object.fromEntries(
        Object.entries(rows).map(([name, found]) => [name, found.filter((row) => row.device === device)]),
      );
      handset.leaving.push({ database, device, rows: mine });
      world.count("person removed");
      await phone.people.remove(device, unsent.total || null);
      world.note(`${handset.name} one person removed with ${unsent.total} unsent`);
    }),
};
