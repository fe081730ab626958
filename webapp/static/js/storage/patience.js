/**
 * How long one waits for what may never answer.
 * @module
 */

const ANSWER_WITHIN_MS = 4_000; // what takes longer is not going to come
const GRACE_MS = 50; // a page that stood still hears of its timers before it hears of its answers

/**
 * @template T
 * @param {Promise<T>} asking
 * @returns {Promise<T>}
 * @throws {DOMException} `TimeoutError`
 */
export function answered(asking) {
  return limited(asking, ANSWER_WITHIN_MS);
}

/**
 * @template T
 * @param {Promise<T>} work
 * @param {number} ms
 * @returns {Promise<T>}
 * @throws {DOMException} `TimeoutError` when it does not come in that time
 */
export async function limited(work, ms) {
  if (await isDone(work, ms)) return work;
  throw new DOMException("no answer", "TimeoutError");
}

/**
 * @param {Promise<unknown>} work
 * @param {number} ms
 * @returns {Promise<boolean>} false: that time is over, and it is not done
 */
export async function isDone(work, ms) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */ let timer;
  const over = new Promise((/** @type {(isDone: boolean) => void} */ done) => {
    timer = setTimeout(() => (timer = setTimeout(done, GRACE_MS, false)), ms);
  });
  return Promise.race([work.then(() => true), over]).finally(() => clearTimeout(timer));
}
