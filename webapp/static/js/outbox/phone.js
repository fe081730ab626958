/**
 * The phone's whole offline heart behind one door: what the pages may ask of it.
 * Pages call this and listen to its events; they never see IndexedDB, keys or the network.
 * @module
 */
import { asScans, blankDraft } from "../domain/draft.js";
import { PhoneError, problemOf } from "../domain/problems.js";
import { storeBlob } from "../storage/blobs.js";
import { deleteDraft, keptDraft, putDraft } from "../storage/drafts.js";
import { eventById, unpark } from "../storage/events.js";
import { currentIdentity, listIdentities, privateKeyOf } from "../storage/identities.js";
import { getMeta } from "../storage/meta.js";
import { Shelf } from "../storage/shelf.js";
import { Store } from "../storage/store.js";
import { readWorklist } from "../storage/worklist.js";
import { makeContext } from "./context.js";
import { Kept } from "./kept.js";
import { Late } from "./late.js";
import { People } from "./people.js";

/** @import {Draft, Identity, Kind, Sealed, StorageReport, SyncState} from '../domain/types.js' */
/** @import {PhoneOptions, Context} from './context.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Rescue} from './rescue.js' */
/** @import {SyncEngine} from './sync.js' */

/**
 * Opens the stores and loads the worklist; a phone nobody has enrolled yet has `identity` null. It sends nothing until
 * `start`, which is called when the first screen stands.
 * @param {PhoneOptions} [options] what a test puts in the browser's place
 * @returns {Promise<Phone>}
 * @throws {PhoneError} `storage-unavailable` when the phone's storage will not open
 */
export async function openPhone(options = {}) {
  const shelf = options.shelf ?? new Shelf();
  const context = makeContext(options, new Store(options.databaseName ?? shelf.read().current), shelf);
  await context.store.open();
  const phone = new Phone(context);
  await phone.reload();
  return phone;
}

/**
 * Events: `changed` (outbox, worklist or counts are other than before), `person` (somebody else is signed in, or nobody)
 * and `sync` (a `CustomEvent<SyncState>`).
 */
export class Phone extends Kept {
  /** @type {Context} */ #context;
  /** @type {Late} */ #late;
  /** @type {SyncState} the last state, for a page that opens later than the event */
  syncState = { state: "idle", problem: null, nextAt: null };
  /** @type {IdentityRow|null} */ #row = null;
  #keyLost = false;
  #isAutomatic = false;
  /** @type {Rescue|null} */ #rescue = null;
  /** @type {Promise<void>} */ #reloaded = Promise.resolve();
  /** @type {Promise<unknown>} the reading before this one: they must not overtake each other */ #reading =
    Promise.resolve();
  /** @type {People} */ people;
  /** Somebody is enrolled on this phone, signed in or not. */
  hasPeople = false;

  /** @param {Context} context */
  constructor(context) {
    super(context.store, () => this.#row?.device ?? null);
    this.#context = context;
    const opened = () => this.#changed();
    this.#late = new Late(context, (engine) => this.#listenTo(engine), opened);
    this.people = new People(
      context,
      () => this.#row?.device ?? null,
      () => this.#reloadFor("person"),
    );
    context.channel?.addEventListener("message", ({ data }) => {
      if (data === "outbox") this.#changed();
      else void this.#quietly(this.reload(false));
    });
  }

  /** Begins the automatic triggers: online, visible, timer, Background Sync. */
  start() {
    this.#isAutomatic = true;
    void this.#quietly(this.#late.start());
  }

  /** Ends triggers and closes the stores. */
  close() {
    this.#late.stop();
    this.#context.channel?.close();
    this.#context.store.close();
  }

  /**
   * Reads identity, worklist and rules from the stores again, and tells the pages (and, unless
   * `tellOthers` is false, the other tabs).
   * @param {boolean} [tellOthers]
   * @returns {Promise<void>}
   */
  async reload(tellOthers = true) {
    const reading = this.#reading.catch(() => undefined).then(() => this.#read());
    this.#reading = reading;
    await reading;
    if (tellOthers) this.#announce("all");
    else this.#changed();
  }

  /** Who is signed in and their list change at once: nobody sees another's. */
  async #read() {
    const { store } = this.#context;
    const row = await currentIdentity(store);
    const [kept, keyLost] = await Promise.all([
      row ? readWorklist(store, row.device) : null,
      isKeyLost(store, row),
    ]);
    this.hasPeople = row !== null || (await listIdentities(store)).length > 0;
    const isOther = row?.device !== this.#row?.device;
    this.#row = row;
    this.#keyLost = keyLost;
    this.keepLists(kept);
    this.forget();
    if (isOther) this.dispatchEvent(new Event("person"));
  }

  /** @param {string} reason somebody else is signed in, or nobody */
  async #reloadFor(reason) {
    await this.reload();
    this.#nudge(reason);
  }

  /** @returns {Identity|null} */
  get identity() {
    if (!this.#row) return null;
    const { device, actor, org, signed, label } = this.#row;
    return { device, actor, org, signed, label, keyLost: this.#keyLost };
  }

  /**
   * Makes somebody known to the office on this phone by their one-time code, and signs them in. Whoever was signed in
   * keeps queue, list and unfinished handover.
   * @param {string} code as scanned, or typed in any spelling
   * @param {{label:string}} options what the office will call this phone
   * @returns {Promise<Identity>}
   * @throws {PhoneError} `enrolment-unknown|used|expired`, `offline`, …: nothing was changed
   */
  async enrol(code, { label }) {
    const { enrolPhone } = await this.#late.hands();
    await enrolPhone(this.#context, code, label);
    await this.#reloadFor("enrol");
    void this.persist(); // a browser may ask the person first: the answer is not waited for
    return /** @type {Identity} */ (this.identity);
  }

  /**
   * An empty draft of this kind, with its id and start time; not saved yet.
   * @param {Kind} kind
   * @param {Partial<Draft>} [fields]
   * @returns {Draft}
   */
  newDraft(kind, fields = {}) {
    const { newId, nowText } = this.#context;
    const draft = { ...blankDraft(newId(), kind, nowText()), ...fields };
    return this.#row ? { ...draft, owner: this.#row.device } : draft;
  }

  /**
   * @param {Draft} draft kept for whoever began it, signed in or not
   * @returns {Promise<boolean>} false: it is sealed already, nothing was saved
   * @throws {PhoneError} `draft-elsewhere` when another tab went on with it
   */
  async saveDraft(draft) {
    const { store, now, tab } = this.#context;
    return putDraft(store, draft.owner ?? this.device(), draft, { now: now(), tab });
  }

  /** @param {string} [id] @returns {Promise<Draft|null>} that unfinished draft, or the newest */
  async loadDraft(id) {
    return this.#row ? keptDraft(this.#context.store, this.#row.device, id) : null;
  }

  /**
   * Throws an unfinished draft away, with the photos only it had.
   * @param {Draft} draft
   * @returns {Promise<void>}
   * @throws {PhoneError} `draft-elsewhere`
   */
  async discardDraft(draft) {
    const { store, tab } = this.#context;
    await deleteDraft(store, draft.owner ?? this.device(), draft, tab);
  }

  /**
   * Keeps a picture: durable, and its digest known, before this returns.
   * @param {ArrayBuffer} bytes JPEG, PNG or WebP
   * @param {string} type media type
   * @param {string} [owner] of the draft it is for
   * @returns {Promise<{sha256:string, size:number, type:string}>}
   * @throws {PhoneError} `storage-full`, also when only the room kept free for scans is left
   */
  async storePhoto(bytes, type, owner = this.device()) {
    const { checkRoom } = await this.#late.hands();
    await checkRoom(this.#context, bytes.byteLength);
    const sha256 = await this.#context.digest(bytes);
    await storeBlob(this.#context.store, {
      device: owner,
      sha256,
      type,
      bytes,
      at: this.#context.now(),
    });
    return { sha256, size: bytes.byteLength, type };
  }

  /**
   * Seals a draft: signs it, chains it, puts it in the outbox and deletes the draft, in one strict
   * transaction. Resolves only when that is complete. Sealing the same draft again answers the same event.
   * @param {Draft} draft
   * @returns {Promise<Sealed>}
   * @throws {PhoneError} `blob-missing` (a photo of the draft is not in the store; take it again), `storage-full`,
   *   `person-changed` (it is not theirs who is signed in; it is kept), `no-parcels`, `too-many-parcels` (over 500),
   *   `event-too-large`, `draft-elsewhere` (another tab went on with it), `sealed-elsewhere` (another tab sealed it with
   *   less; the cause is what it lacks)
   */
  async seal(draft) {
    const { sealDraft } = await this.#late.hands();
    const sealed = await sealDraft(this.#context, draft.owner ?? this.device(), draft);
    await this.#quietly(this.#checkKey()); // sealed it is, whatever this finds
    this.#announce("outbox");
    this.#nudge("seal");
    return sealed;
  }

  /**
   * Withdraws an own earlier event; both stay visible.
   * @param {string} id of the event
   * @param {string} reason code
   * @returns {Promise<Sealed>}
   */
  async voidEvent(id, reason) {
    const event = await eventById(this.#context.store, this.device(), id);
    if (!event) throw new PhoneError("event-unknown", "This phone has no such handover.");
    const draft = this.newDraft("void", { id: `void:${id}`, ref: id, reason, run: event.run });
    draft.scans = asScans(event.parcels, draft.startedAt);
    return this.seal(draft);
  }

  /**
   * Offers a parked event, or a refused photo, to the server once more.
   * @param {string} id of the event
   * @returns {Promise<void>}
   */
  async retry(id) {
    await unpark(this.#context.store, this.device(), id);
    this.#announce("outbox");
    await this.kick("user");
  }

  /**
   * Sends and pulls soon. `'user'` also tries when paused.
   * @param {string} reason
   * @returns {Promise<SyncState>} settled when that round has ended; it does not reject
   */
  async kick(reason) {
    try {
      const state = await (await this.#late.engine()).kick(reason);
      await this.#reloaded; // what the round pulled is in memory when it is said to be over
      return state;
    } catch (error) {
      return { ...this.syncState, problem: problemOf(error) };
    }
  }

  /** @returns {import('../storage/shelf.js').LostStore[]} earlier stores of this phone that did not open */
  get lostStores() {
    return this.#context.shelf.lost;
  }

  /** @returns {Promise<StorageReport>} */
  async storage() {
    const { reportStorage } = await this.#late.hands();
    return reportStorage(this.#context, this.#row?.device ?? null);
  }

  /**
   * Asks the browser not to evict what this phone keeps.
   * @returns {Promise<boolean>} its answer
   */
  async persist() {
    const asked = async () => (await this.#context.storageManager?.persist?.()) ?? false;
    return asked().catch(() => false); // it will not even be asked
  }

  /**
   * The server's signed receipts that name an event: the proof that it was taken, and when.
   * @param {string} id of the event
   * @returns {Promise<{receivedAt:string, verified:boolean, jws:string}[]>} in the order received; `verified` false
   *   where the key of the enrolment did not sign it
   */
  async receiptsOf(id) {
    const { listReceipts } = await this.#late.hands();
    const kept = await listReceipts(this.#context.store, this.device());
    return kept
      .filter(({ events }) => events.includes(id))
      .map(({ receivedAt, verified, jws }) => ({ receivedAt, verified, jws }));
  }

  /** @returns {Promise<Rescue>} what writes the unsent work to a file */
  async rescue() {
    const { Rescue } = await this.#late.hands();
    this.#rescue ??= new Rescue(this.#context, () => this.#row?.device ?? null);
    return this.#rescue;
  }

  /** @returns {Promise<import('./telling.js').Telling>} what lets this person be told with the app closed */
  async telling() {
    const { Telling } = await this.#late.hands();
    return new Telling(this.#context, () => this.#row);
  }

  /** @param {SyncEngine} engine */
  #listenTo(engine) {
    engine.addEventListener("state", (event) => {
      this.#tellSync(/** @type {CustomEvent<SyncState>} */ (event).detail);
    });
    engine.addEventListener("settled", () => this.#announce("outbox"));
    for (const pulled of ["list", "age"]) {
      engine.addEventListener(pulled, () => {
        this.#reloaded = this.#quietly(pulled === "list" ? this.reload() : this.#renewAge());
      });
    }
  }

  /** @param {SyncState} state */
  #tellSync(state) {
    this.syncState = state;
    this.dispatchEvent(new CustomEvent("sync", { detail: state }));
  }

  /** Whatever was read before is stale. */
  #changed() {
    this.forget();
    this.dispatchEvent(new Event("changed"));
  }

  /**
   * Work nobody waits for: its failure is told as the state of sync, and what is in memory stays as it was.
   * @param {Promise<unknown>} work
   * @returns {Promise<void>}
   */
  async #quietly(work) {
    try {
      await work;
    } catch (error) {
      this.dispatchEvent(
        new CustomEvent("sync", { detail: { ...this.syncState, problem: problemOf(error) } }),
      );
    }
  }

  /** A browser may drop the key alone; sealing goes on without it, and is flagged. */
  async #checkKey() {
    this.#keyLost = await isKeyLost(this.#context.store, this.#row);
  }

  async #renewAge() {
    const { store } = this.#context;
    const known = this.#row ? await getMeta(store, this.#row.device, "worklist") : null;
    if (known && this.#row) this.keepAge(known.asOf, await getMeta(store, this.#row.device, "offset"));
    this.#announce("outbox");
  }

  /** @param {'outbox'|'all'} what has changed; other tabs need not read the list again for the outbox's sake */
  #announce(what) {
    this.#changed();
    this.#context.channel?.postMessage(what);
  }

  /** @param {string} reason */
  #nudge(reason) {
    if (this.#isAutomatic) void this.kick(reason);
  }
}

/** @param {Store} store @param {IdentityRow|null} row @returns {Promise<boolean>} */
async function isKeyLost(store, row) {
  return row?.signed === true && (await privateKeyOf(store, row.device)) === null;
}
