/**
 * What is around every screen and known by all: the counts, the sealed codes, the network's state, a new version.
 * @module
 */
import { setCounts } from "../ui/bar.js";
import { answeredTasks, sealedCodes } from "./progress.js";

/** @import {Counts, OutboxItem, SyncState} from '../domain/types.js' */
/** @import {OthersItem} from '../outbox/others.js' */
/** @import {Phone} from '../outbox/phone.js' */
/** @import {Sealed} from './progress.js' */

/** Fewer photos than this fit: say so while there is still a network to send by. */
const TIGHT_PHOTOS = 40;
/** Work unsent for longer than this is offered as a file. */
const STUCK_MS = 86_400_000;

/** Events: `fresh` when any of its facts changed. */
export class Shell extends EventTarget {
  /** @type {Phone} */ #phone;
  /** @type {Counts} */
  counts = {
    unsent: 0,
    unsentBlobs: 0,
    oldestAt: null,
    headSeq: 0,
    othersUnsent: 0,
    othersUnsentBlobs: 0,
  };
  /** @type {OutboxItem[]} */ items = [];
  /** @type {OthersItem[]} */ others = [];
  /** @type {Sealed} */ sealed = new Map();
  /** @type {SyncState} */ sync;
  /** Little room is left for photos. */
  isTight = false;
  /** @type {Promise<void>|null} */ #reading = null;
  #again = false;

  /** @param {Phone} phone */
  constructor(phone) {
    super();
    this.#phone = phone;
    this.sync = phone.syncState;
    phone.addEventListener("changed", () => void this.read());
    phone.addEventListener("sync", (event) => {
      this.sync = /** @type {CustomEvent<SyncState>} */ (event).detail;
      this.#show();
    });
  }

  /** Reads outbox and counts anew; calls that come meanwhile are one more reading. @returns {Promise<void>} when all is read */
  read() {
    this.#again = true;
    this.#reading ??= this.#readAll();
    return this.#reading;
  }

  async #readAll() {
    try {
      do {
        this.#again = false;
        [this.items, this.others, this.counts] = await Promise.all([
          this.#phone.outbox(),
          this.#phone.othersOutbox(),
          this.#phone.counts(),
        ]);
        this.sealed = sealedCodes(this.items);
      } while (this.#again);
    } finally {
      this.#reading = null;
    }
    this.#show();
    void this.#readRoom();
  }

  /** The browser is slow to say how much room there is: no screen waits for it. */
  async #readRoom() {
    const { photosLeft } = await this.#phone.storage();
    const isTight = photosLeft !== null && photosLeft < TIGHT_PHOTOS;
    if (isTight === this.isTight) return;
    this.isTight = isTight;
    this.dispatchEvent(new Event("fresh"));
  }

  /** @returns {Set<string>} ids of the tasks that this phone has answered */
  get answered() {
    return answeredTasks(this.#phone.tasks(), this.items);
  }

  /** @returns {number} tasks still waiting for this person's hand */
  get openTasks() {
    return this.#phone.tasks().length - this.answered.size;
  }

  /** @returns {number} handovers the office will look at, or that lack a picture for good */
  get odd() {
    return this.items.filter(({ state }) => state === "attention").length;
  }

  /** @returns {boolean} an older store of this phone did not open: nobody knows what is unsent in it */
  get hasLostStore() {
    return this.#phone.lostStores.length > 0;
  }

  /** @returns {boolean} what waits cannot go by itself, or has not gone for longer than any shift */
  get isStuck() {
    const { unsent, unsentBlobs, oldestAt } = this.counts;
    if (unsent + unsentBlobs === 0) return false;
    return (
      this.sync.state === "paused" || (oldestAt !== null && Date.now() - Date.parse(oldestAt) > STUCK_MS)
    );
  }

  #show() {
    setCounts(this.counts, this.sync, { tasks: this.openTasks, odd: this.odd });
    this.dispatchEvent(new Event("fresh"));
  }
}
