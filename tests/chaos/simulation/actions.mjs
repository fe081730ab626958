/**
 * What hands, phones, the office and the machine room do on a simulated day. Each is called with the world and one phone,
 * and comes to its end while the clock runs on.
 */
import { photo, signature } from "./pictures.mjs";
import { server } from "./server.mjs";
import { copy, look } from "./storage.mjs";
import { TORN } from "./torn.mjs";
import { VERSIONS } from "./versions.mjs";

const YEAR = 31_557_600_000;
const HOUR = 3_600_000;
const SIZES = { small: 20, medium: 3, large: 2, huge: 1 };
const BYTES = {
  small: [600, 4_000],
  medium: [20_000, 66_000],
  large: [66_000, 150_000],
  huge: [150_000, 400_000],
};
const KINDS = { collect: 5, attempt: 4, deliver: 3, drop_off: 2, pack: 2, report: 1 };
const REASONS = { attempt: "nobody_home", report: "damaged" };

const scanned = (code, at) => ({ code, raw: code, verdict: "known", at, typed: false, override: null });

async function fill(world, handset, phone, draft) {
  const { chance } = handset;
  const codes = chance.some(world.cast.parcels, chance.whole(1, 3));
  draft.scans = codes.map((code) => scanned(code, draft.startedAt));
  const photos = chance.weighed({ 0: 3, 1: 5, 2: 2 });
  for (let left = Number(photos); left > 0; left -= 1) {
    const bytes = photo(chance, chance.whole(...BYTES[chance.weighed(SIZES)]));
    draft.photos.push({ ...(await phone.storePhoto(bytes, "image/jpeg")), role: "photo", parcel: null });
  }
  if (draft.kind !== "collect" && draft.kind !== "deliver") return;
  draft.counterpart = { name: "Ben", role: "seller" };
  draft.signature = { ...(await phone.storePhoto(signature(chance), "image/png")), strokes: [] };
}

async function begin(world, handset, phone) {
  const left = await phone.loadDraft();
  if (left) return left;
  const kind = handset.chance.weighed(KINDS);
  const draft = phone.newDraft(kind, { intact: true, carrier: "jnt", reason: REASONS[kind] ?? null });
  await fill(world, handset, phone, draft);
  await phone.saveDraft(draft);
  return draft;
}

/** From here on the simulation holds the phone to it. */
function note(world, handset, sealed, device, digests) {
  handset.sealed.set(sealed.id, { sha256: sealed.sha256, device, digests });
  world.note(`${handset.name} sealed no. ${sealed.seq}`);
}

async function seal(world, handset) {
  const { phone } = await handset.inHand();
  if (!phone.identity) return;
  const { device } = phone.identity;
  const draft = await begin(world, handset, phone);
  const digests = [...draft.photos, ...(draft.signature ? [draft.signature] : [])].map(
    ({ sha256 }) => sha256,
  );
  const sealed = await phone.seal(draft);
  note(world, handset, sealed, device, digests);
  const before = handset.drafts.get(draft.id) ?? sealed.id;
  if (before !== sealed.id) world.doubled.push(`${before} and ${sealed.id} are of one draft`);
  handset.drafts.set(draft.id, sealed.id);
}

export const ACTIONS = {
  seal: (world, handset) => handset.do("seal", () => seal(world, handset)),

  "leave a draft": (world, handset) =>
    handset.do("draft", async () => {
      const { phone } = await handset.inHand();
      if (phone.identity) await begin(world, handset, phone);
    }),

  "take back": (world, handset) =>
    handset.do("void", async () => {
      const { phone } = await handset.inHand();
      if (!phone.identity) return;
      const open = (await phone.outbox()).filter(({ kind, voided }) => kind !== "void" && !voided);
      if (open.length === 0) return;
      const { device } = phone.identity;
      note(world, handset, await phone.voidEvent(handset.chance.pick(open).id, "wrong_parcel"), device, []);
    }),

  "press send": (_world, handset) =>
    handset.do("kick", async () => void (await (await handset.inHand()).phone.kick("user"))),

  /** At the n-th await of what the hand does next. */
  kill: (world, handset) =>
    handset.do("kill", async () => {
      const tab = await handset.inHand();
      tab.dieAt = tab.steps + handset.chance.whole(1, 60);
      world.count("phone killed");
      await seal(world, handset);
    }),

  "kill while sending": (world, handset) =>
    handset.do("kill", async () => {
      const tab = await handset.inHand();
      tab.dieAt = tab.steps + handset.chance.whole(1, 80);
      world.count("phone killed");
      await tab.phone.kick("user");
    }),

  "kill at once": (world, handset) => {
    world.count("phone killed");
    for (const tab of handset.live) tab.die();
  },

  "second tab": (world, handset) =>
    handset.do("open", async () => {
      world.count("two tabs");
      await handset.open();
    }),

  "freeze a tab": (world, handset) => {
    const [tab] = handset.live;
    if (!tab) return;
    world.count("tab frozen");
    tab.freeze();
  },

  thaw: (_world, handset) => {
    for (const tab of handset.live) tab.thaw();
  },

  "clock wrong": (world, handset) => {
    world.count("clock wrong");
    const { chance } = handset;
    handset.skew = chance.pick([
      -56 * YEAR,
      73 * YEAR,
      -HOUR * chance.whole(1, 48),
      HOUR * chance.whole(1, 48),
    ]);
  },

  "clock right": (_world, handset) => {
    handset.skew = 0;
  },

  "connection lost": (world, handset) => {
    world.count("database connection lost");
    handset.ails.lost = handset.chance.whole(1, 3);
  },

  "transaction aborted": (world, handset) => {
    world.count("database transaction aborted");
    handset.ails.aborted = handset.chance.whole(1, 2);
  },

  "no room for photos": (world, handset) => {
    world.count("no room for photos");
    if (handset.chance.chance(0.5)) handset.quota = 0;
    else handset.ails.full.add("blob_bytes");
  },

  "no room for events": (world, handset) => {
    world.count("no room for events");
    for (const store of ["events", "sealed", "outbox"]) handset.ails.full.add(store);
  },

  "room again": (_world, handset) => handset.makeRoom(),

  "browser says online": (world) => world.signals.fire("online"),

  weather: (world) => world.network.turn(),

  "another person": (world, handset) =>
    handset.do("enrol", async () => {
      const { phone } = await handset.inHand();
      if (await phone.loadDraft()) return;
      world.count("another person on the phone");
      await world.enrol(handset, phone);
    }),

  "keep a backup": (world) => world.keepBackup(),

  "put back a backup": (world) => world.putBack(),

  revoke: (world, handset) =>
    handset.do("revoke", async () => {
      const device = (await handset.inHand()).phone.identity?.device;
      if (!device || world.wasPutBackWithout(device)) return;
      world.count("phone revoked");
      world.note(`${handset.name} revoked`);
      server.revoke(device);
    }),

  /** The browser clears what it keeps: what was on this phone alone is gone, and nothing else may be. */
  "storage cleared": (world, handset) =>
    handset.do("clear", async () => {
      for (const tab of handset.live) tab.die();
      world.count("storage cleared");
      world.forgive(handset, await look(handset.database));
      handset.beginAnew();
      await world.enrol(handset, (await handset.open()).phone);
    }),

  /** The same profile on a second phone: both go on from the same place in the chain. */
  "profile copied": (world, handset) =>
    handset.do("copy", async () => {
      world.count("profile copied");
      const twin = world.addHandset();
      await copy(handset.database, twin.database);
      await twin.open();
    }),

  ...VERSIONS,
};

/** How often a day's hands do each of these, beside what makes the day special. */
export const ALWAYS = { seal: 10, "press send": 1, weather: 3, "leave a draft": 1, "take back": 1 };
export const SPECIAL = Object.keys(ACTIONS).filter((name) => !(name in ALWAYS));
Object.assign(ACTIONS, TORN);
