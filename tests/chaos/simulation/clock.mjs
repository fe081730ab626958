/**
 * Virtual time: timers fire when the simulation comes to them, and nobody waits. Between two timers everything that can
 * happen at once has happened: all promises, all steps of IndexedDB.
 */

const MOST_STEPS = 200_000; // in one moment; whoever takes more goes round in circles
const realImmediate = globalThis.setImmediate;
let waiting = 0;

/** Steps of IndexedDB are immediates: counted, so that it is known when all have run. */
function countedImmediate(run, ...given) {
  waiting += 1;
  return realImmediate(() => {
    waiting -= 1;
    run(...given);
  });
}

const turn = () => new Promise((done) => realImmediate(done));

/** Lets everything happen that needs no time. */
async function settled() {
  let steps = 0;
  do {
    await turn();
    steps += 1;
    if (steps > MOST_STEPS) throw new Error("something goes round in circles without taking time");
  } while (waiting > 0);
}

export class Clock {
  #heap = [];
  #count = 0;
  now = 0; // ms since the schedule began

  /** @returns {number} what `cancel` takes */
  after(ms, run) {
    const timer = { at: this.now + Math.max(0, Number(ms) || 0), number: (this.#count += 1), run };
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    return timer;
  }

  cancel(timer) {
    if (timer) timer.run = null;
  }

  pass(ms) {
    return new Promise((done) => this.after(ms, done));
  }

  /** Lets so much time pass, or less when `until` (asked after every timer) says that it is enough. */
  async run(ms, until = () => false) {
    const end = this.now + ms;
    await settled();
    while (this.#heap.length > 0 && this.#heap[0].at <= end) {
      const { at, run } = this.#pop();
      if (run === null) continue;
      this.now = Math.max(this.now, at);
      run();
      await settled();
      if (until()) return;
    }
    this.now = end;
  }

  #pop() {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #up(at) {
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #down(at) {
    for (;;) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2]) {
        if (below < this.#heap.length && this.#isBefore(below, least)) least = below;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a, b) {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one.at < other.at || (one.at === other.at && one.number < other.number);
  }

  #swap(a, b) {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b], this.#heap[a]];
  }
}

/** Makes the timers of this process those of whatever clock `current` gives. */
export function rule(current) {
  globalThis.setImmediate = countedImmediate;
  globalThis.setTimeout = (run, ms, ...given) => current().after(ms, () => run(...given));
  globalThis.clearTimeout = (timer) => current().cancel(timer);
  performance.now = () => current().now;
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController();
    current().after(ms, () => controller.abort(new DOMException("The deadline has passed.", "TimeoutError")));
    return controller.signal;
  };
}
