/**
 * The handover being made: begun, saved after every step, gone on with after a crash, sealed or thrown away.
 * @module
 */
import { goingOn } from "../domain/draft.js";
import { PhoneError, problemOf } from "../domain/problems.js";
import { rowOf } from "../domain/transitions.js";

/** @import {CounterpartRole, Draft, Kind, Photo, Run} from '../domain/types.js' */
/** @import {Phone} from '../outbox/phone.js' */
/** @import {Stroke} from '../capture/strokes.js' */

/** A draft with what only the screens need: the strokes on the pad, what the office asked, which photo a tag was cut from. */
/** @typedef {Photo & {of?:string}} OpenPhoto */
/** @typedef {Omit<Draft, 'photos'> & {photos:OpenPhoto[], pad?:Stroke[], ask?:string}} OpenDraft */
/** @typedef {{photo:'must'|'may', sign:boolean, reason:boolean, role:CounterpartRole, check?:boolean}} Steps */

/** What PROTOCOL §2 must have for each kind (and the guide of a return, R32); the screens do not let it be left out. */
/** @type {Record<string, Steps>} */
const STEPS = {
  collect: { photo: "must", sign: true, reason: false, role: "seller" },
  drop_off: { photo: "must", sign: true, reason: false, role: "clerk" },
  deliver: { photo: "may", sign: true, reason: false, role: "recipient" },
  pack: { photo: "must", sign: false, reason: false, role: "other", check: true },
  "return.start": { photo: "must", sign: true, reason: true, role: "clerk" },
  "return.done": { photo: "must", sign: true, reason: false, role: "seller" },
  attempt: { photo: "must", sign: false, reason: true, role: "recipient" },
  report: { photo: "must", sign: false, reason: true, role: "other" },
};

/** Events: `problem` (`CustomEvent<Problem>`) when a step could not be saved, `elsewhere` when another tab went on. */
export class Flow extends EventTarget {
  /** @type {Phone} */ #phone;
  /** @type {OpenDraft|null} */ draft = null;
  #sealing = false;
  /** What is written of drafts, one after the other: a write that is tried again must not overtake a newer one. */
  #writing = Promise.resolve();
  /** @type {{draft:OpenDraft, kept:Promise<boolean>}|null} the save that waits for its turn */ #next = null;
  /** What is being added that takes a while, one after the other: a seal waits for all of it. */
  #adding = Promise.resolve();

  /** @param {Phone} phone */
  constructor(phone) {
    super();
    this.#phone = phone;
  }

  /** Finds what was left unfinished. */
  async load() {
    const found = /** @type {OpenDraft|null} */ (await this.#phone.loadDraft());
    this.draft ??= found; // a hand that was quicker goes before
  }

  /** Somebody else is signed in: this handover is kept as it stands for whoever began it. */
  putAway() {
    if (this.draft && !this.#sealing && this.isBegun) void this.save();
    this.draft = null;
  }

  /** @returns {Steps} of the draft's kind */
  get steps() {
    const steps = this.draft && STEPS[rowOf(this.draft.kind, this.draft.data)];
    if (!steps) throw new Error(`no steps for ${this.draft?.kind}`);
    return steps;
  }

  /** @returns {boolean} something was done that would be a pity to lose */
  get isBegun() {
    return this.draft !== null && (this.draft.scans.length > 0 || this.draft.photos.length > 0);
  }

  /** @returns {boolean} from here on nothing of it changes */
  get isSealing() {
    return this.#sealing;
  }

  /** @returns {Run|null} */
  get run() {
    return this.draft?.run ? this.#phone.run(this.draft.run) : null;
  }

  /** @returns {string} where the draft is gone on with */
  get route() {
    const draft = this.draft;
    if (!draft) return "#/";
    if (draft.step === "scan" || draft.scans.length === 0) return scanRouteOf(draft);
    return `#/${draft.step}`;
  }

  /**
   * @param {Kind} kind
   * @param {Partial<Draft>} [fields]
   * @returns {OpenDraft}
   */
  begin(kind, fields = {}) {
    const draft = this.#phone.newDraft(kind, fields);
    this.draft = draft;
    return draft;
  }

  /** @param {Run} run @returns {OpenDraft} */
  beginRun(run) {
    const place = run.place ? { id: run.place.id, lat: null, lon: null, accuracy_m: null } : null;
    return this.begin(run.kind, { run: run.id, carrier: run.carrier, place });
  }

  /**
   * Adds to the draft what takes a while, as a photo does, in its turn.
   * @template T @param {() => Promise<T>} work @returns {Promise<T>}
   */
  add(work) {
    const added = this.#adding.then(work);
    this.#adding = added.then(done, done);
    return added;
  }

  /** @returns {Promise<void>} when nothing is being added any more */
  async added() {
    const last = this.#adding;
    await last;
    if (last !== this.#adding) await this.added();
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  #write(work) {
    const written = this.#writing.then(work);
    this.#writing = written.then(done, done);
    return written;
  }

  /**
   * Keeps the draft as it is when the saves before this one are done; a failure is told once and does not stop the hand.
   * @returns {Promise<boolean>} kept
   */
  async save() {
    const { draft } = this;
    if (!draft) return false;
    if (this.#next?.draft !== draft) {
      const kept = this.#write(() => {
        this.#next = null;
        return this.#keep(draft);
      });
      this.#next = { draft, kept };
    }
    return this.#next.kept;
  }

  /** @param {OpenDraft} draft @returns {Promise<boolean>} */
  async #keep(draft) {
    try {
      const kept = await this.#phone.saveDraft(structuredClone(draft));
      if (kept || this.#sealing || this.draft !== draft) return kept;
      throw new PhoneError(
        "sealed-elsewhere",
        "Another tab has sealed this handover.",
        "Seal what is here too: what is new goes on as a handover of its own.",
      );
    } catch (error) {
      if (isElsewhere(error)) {
        // Nothing is to be loaded for one that was put away: the other tab's is kept, and the next person is not asked.
        if (this.draft === draft) this.dispatchEvent(new Event("elsewhere"));
      } else this.dispatchEvent(new CustomEvent("problem", { detail: problemOf(error) }));
      return false;
    }
  }

  /** Takes the handover as another tab has left it; what was added here since is dropped. @returns {Promise<void>} */
  async loadAgain() {
    const { draft } = this;
    if (!draft) return;
    await this.added();
    const kept = await this.#write(() => this.#phone.loadDraft(draft.id));
    if (this.draft === draft) this.draft = kept;
  }

  /** @param {Draft['step']} step */
  async toStep(step) {
    if (!this.draft || this.draft.step === step) return;
    this.draft.step = step;
    await this.save();
  }

  /** Throws the draft away. @returns {Promise<boolean>} false: another tab went on with it, and that is asked about */
  async discard() {
    const { draft } = this;
    if (!draft) return true;
    this.draft = null;
    try {
      await this.#write(() => this.#phone.discardDraft(draft));
      return true;
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      this.draft ??= draft;
      this.dispatchEvent(new Event("elsewhere"));
      return false;
    }
  }

  /**
   * @param {OpenDraft|null} [meant] what the screen shows; when somebody else's is open by now, nothing is sealed
   * @returns {Promise<string>} the event's id
   * @throws {PhoneError} the draft stays as it was, or (`sealed-elsewhere`) is now what is left to seal
   */
  async seal(meant = this.draft) {
    await this.added();
    if (!this.draft || this.draft !== meant) throw new PhoneError("no-draft", "There is nothing to seal.");
    const draft = structuredClone(this.draft); // what changes on the screen from here on is not half in it
    delete draft.pad; // the strokes go along with the signature, not twice
    delete draft.ask;
    this.#sealing = true;
    try {
      const { id } = await this.#phone.seal(draft);
      if (this.draft === meant) this.draft = null;
      return id;
    } catch (error) {
      if (isSealedElsewhere(error)) await this.#goOnWith(draft, error);
      if (isElsewhere(error)) this.dispatchEvent(new Event("elsewhere"));
      throw error;
    } finally {
      this.#sealing = false;
    }
  }

  /** What another tab did not seal becomes a handover of its own, at its first step. @param {Draft} draft @param {PhoneError} error */
  async #goOnWith(draft, error) {
    const rest = /** @type {Pick<Draft, 'scans'|'photos'>} */ (error.cause);
    this.begin(draft.kind, { ...goingOn(draft), ...rest });
    await this.save();
  }

  /** Asks the phone where it is, after a press and not before: nobody says yes to a page that only just opened. */
  locate() {
    const { draft } = this;
    if (draft && typeof draft.place?.lat !== "number") void this.#locate(draft);
  }

  /** @param {OpenDraft} draft */
  async #locate(draft) {
    const here = await import("../capture/position.js").then(
      ({ whereAmI }) => whereAmI(),
      () => null, // not on this phone: as if it did not know where it is
    );
    if (!here || this.draft !== draft) return;
    draft.place = { id: draft.place?.id ?? null, ...here };
    if (this.isBegun) await this.save();
  }
}

/** @param {unknown} error @returns {error is PhoneError} the rest is a new handover now, at `Flow.route` */
export function isSealedElsewhere(error) {
  return error instanceof PhoneError && error.code === "sealed-elsewhere";
}

/** @param {unknown} error @returns {error is PhoneError} another tab went on with it; `loadAgain` takes it from there */
export function isElsewhere(error) {
  return error instanceof PhoneError && error.code === "draft-elsewhere";
}

function done() {}

/** @param {Draft} draft @returns {string} where its parcels are scanned */
export function scanRouteOf({ kind, run, data }) {
  return scanRoute(kind === "return" ? `return-${String(data.stage)}` : kind, run);
}

/** @param {string} kind or `return-start`, `return-done` @param {string|null} run @returns {string} where its parcels are scanned */
export function scanRoute(kind, run) {
  const door = kind === "attempt" ? "deliver" : kind; // a failed delivery was scanned as one
  return run ? `#/scan/${door}?run=${encodeURIComponent(run)}` : `#/scan/${door}`;
}

/** @param {OpenDraft} draft @returns {OpenPhoto[]} without the cut-out tags */
export function picturesOf(draft) {
  return draft.photos.filter(({ role }) => role === "photo");
}
