/**
 * What must be true when the day is over, looked up on both sides past the code that is on trial: the phone's bare
 * database, the server's tables and files.
 */
import { isGood } from "./browser.mjs";
import { server } from "./server.mjs";
import { look } from "./storage.mjs";

const part = (text) => Buffer.from(text, "base64url");

export class Judge {
  #world;
  #said; // what the server really has

  constructor(world) {
    this.#world = world;
  }

  /** Whether every queue is empty and everything is where it should be. */
  async isHome() {
    const phones = await this.#phones();
    this.#said = server.audit();
    if (phones.some((phone) => this.#waiting(phone) > 0)) return false;
    return this.#missing(phones).length === 0 && this.#untold(phones).length === 0;
  }

  async verdict(drained) {
    const phones = await this.#phones();
    this.#said = server.audit();
    const { parcels, differing } = server.compare();
    const missing = this.#missing(phones);
    const onPhone = new Set(phones.flatMap(({ events }) => events.map(({ id }) => id)));
    const duplicated = this.#duplicated();
    const lost = missing.filter((id) => !onPhone.has(id) && !this.#isOnPhone(phones, id));
    const undrained = drained === null ? this.#why(phones, missing) : [];
    const failures = [
      ...this.#world.failures,
      ...lost.map((id) => `lost: ${id}`),
      ...duplicated.map((id) => `duplicated: ${id}`),
      ...differing.map((words) => `differing: ${words}`),
      ...undrained,
      ...this.#unsound(phones),
      ...this.#unproved(phones),
    ];
    return {
      events: this.#said.events.length,
      photos: this.#said.held.length,
      quarantined: this.#said.quarantined.length,
      requests: this.#world.network.requests,
      bytes: this.#world.network.bytes,
      minutes: this.#world.clock.now / 60_000,
      parcels,
      lost: lost.length,
      duplicated: duplicated.length,
      differing: differing.length,
      failures,
    };
  }

  #phones() {
    return Promise.all(
      this.#world.handsets.map(async (handset) => ({ handset, ...(await look(handset.database)) })),
    );
  }

  /**
   * One that the server knows nothing of after a restore: its enrolment came after the backup, whether or not the hand
   * that made it lived to hear of it. Its work stays on the phone, which says so.
   */
  #isStranger(device) {
    if (this.#world.strangers.has(device)) return true;
    return this.#world.epoch !== undefined && !this.#said.devices.some(({ id }) => id === device);
  }

  #isRevoked(device) {
    const row = this.#said.devices.find(({ id }) => id === device);
    return row ? row.revoked_at !== null : false;
  }

  /** Rows that are still to go, of devices that may send at all. */
  #waiting({ outbox, blobs }) {
    const events = outbox.filter(({ device }) => !this.#isStranger(device));
    const pictures = blobs.filter(
      ({ device, state }) => (state === "wanted" || state === "refused") && !this.#isStranger(device),
    );
    return events.length + pictures.length;
  }

  /** Events and pictures that should be at the server and are not. */
  #missing(phones) {
    const there = new Set(this.#said.events.map(({ id }) => id));
    const heldBack = new Set(this.#said.quarantined.map(({ sha256 }) => sha256));
    const held = new Set(this.#said.held);
    const missing = [];
    for (const [id, { sha256, device, digests }] of this.#expected(phones)) {
      if (this.#world.gone.has(id)) continue;
      const mayBeHeldBack = this.#isRevoked(device) && heldBack.has(sha256);
      if (!there.has(id) && !mayBeHeldBack) missing.push(id);
      missing.push(...digests.filter((digest) => !held.has(digest) && !this.#world.gone.has(digest)));
    }
    return [...new Set(missing)];
  }

  /** Whatever a hand was told to be sealed, and whatever lies sealed on a phone. */
  #expected(phones) {
    const expected = new Map();
    for (const { handset, events } of phones) {
      for (const [id, sealed] of handset.sealed) {
        if (!this.#isStranger(sealed.device)) expected.set(id, sealed);
      }
      for (const { id, sha256, device, blobs, kind } of events) {
        if (this.#isStranger(device)) continue;
        const digests = kind === "blob_lost" ? [] : blobs.map((blob) => blob.sha256);
        expected.set(id, { sha256, device, digests });
      }
    }
    return expected;
  }

  #isOnPhone(phones, digest) {
    return phones.some(({ blobs }) =>
      blobs.some(({ sha256, state }) => sha256 === digest && state !== "lost"),
    );
  }

  #duplicated() {
    const seen = new Set();
    const twice = this.#said.events.filter(({ id, sha256 }) => {
      const isAgain = seen.has(id) || seen.has(sha256);
      seen.add(id).add(sha256);
      return isAgain;
    });
    return [...twice.map(({ id }) => id), ...this.#world.doubled];
  }

  /** The office has been told that nothing is left, and misses no number of the chain. */
  #untold(phones) {
    const twins = new Map();
    for (const { identities } of phones) {
      for (const { device } of identities) twins.set(device, (twins.get(device) ?? 0) + 1);
    }
    return this.#said.devices.filter(({ id, seqs, unsent, unsent_blobs: pictures, high_seq: high }) => {
      if (!twins.has(id) || this.#isRevoked(id) || this.#isStranger(id)) return false;
      const isOwner = phones.some(({ events }) => events.some(({ device }) => device === id));
      if (!isOwner) return false;
      const ranges = JSON.parse(seqs);
      const isWhole = high === 0 || (ranges.length === 1 && ranges[0][0] === 1);
      return unsent !== 0 || pictures !== 0 || !isWhole;
    });
  }

  #why(phones, missing) {
    const rows = phones.flatMap(({ handset, outbox, blobs }) => [
      ...outbox
        .filter(({ device }) => !this.#isStranger(device))
        .map(({ seq, tries, parked }) => `${handset.name} event ${seq} tries ${tries} parked ${parked}`),
      ...blobs
        .filter(
          ({ state, device }) => (state === "wanted" || state === "refused") && !this.#isStranger(device),
        )
        .map(
          ({ size, state, tries, problem }) =>
            `${handset.name} picture of ${size} bytes ${state} tries ${tries} ${problem?.code ?? ""}`,
        ),
      ...handset.live.map(({ phone }) => `${handset.name} says ${JSON.stringify(phone?.syncState)}`),
    ]);
    const untold = this.#untold(phones).map((device) => `office: ${JSON.stringify(device)}`);
    const lacking = missing.map((id) => `missing ${id}`);
    return [`undrained: ${[...rows, ...lacking, ...untold].join("; ")}`];
  }

  /** Nothing at the server that no phone sealed, no stranger's bytes, nothing held back without need. */
  #unsound(phones) {
    const expected = this.#expected(phones);
    const found = [];
    for (const { id, sha256, sound } of this.#said.events) {
      const sealed = expected.get(id);
      if (!sound) found.push(`unsound: event ${id} is not the bytes of its digest`);
      if (sealed && sealed.sha256 !== sha256) {
        found.push(`unsound: event ${id} has other bytes than were sealed`);
      }
      if (!sealed && !this.#world.gone.has(id) && this.#world.strangers.size === 0) {
        found.push(`unsound: event ${id} was sealed by nobody`);
      }
    }
    for (const { device, code, detail } of this.#said.quarantined) {
      if (code !== "device_revoked") found.push(`held back without need: ${device} ${code} ${detail}`);
    }
    return [...found, ...this.#falseLosses(phones)];
  }

  /** A picture is called lost that nothing has taken. */
  #falseLosses(phones) {
    const isGone = ({ sha256 }) => this.#world.gone.has(sha256);
    return phones
      .flatMap(({ events }) => events.filter(({ kind }) => kind === "blob_lost"))
      .filter(({ blobs }) => blobs.length === 0 || !blobs.every(isGone))
      .map(({ id }) => `unsound: ${id} tells a loss`);
  }

  /** Each event that the server took has its receipt on the phone, signed by the key of the enrolment. */
  #unproved(phones) {
    return phones.flatMap(({ identities, events, receipts }) => {
      const proved = new Set();
      for (const { device, serverJwk } of identities) {
        for (const { jws } of receipts.filter((row) => row.device === device)) {
          const [head, body, mark] = jws.split(".");
          if (!isGood(serverJwk, part(mark), Buffer.from(`${head}.${body}`))) continue;
          const said = JSON.parse(part(body));
          if (said.device !== device) continue;
          for (const { id, sha256 } of said.events) proved.add(`${id} ${sha256}`);
        }
      }
      return events
        .filter(({ state, result }) => state === "settled" && result.status !== "quarantined")
        .filter(({ id, sha256 }) => !proved.has(`${id} ${sha256}`))
        .map(({ id }) => `unproved: ${id} has no receipt that verifies`);
    });
  }
}
