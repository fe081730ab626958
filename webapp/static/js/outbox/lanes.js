/**
 * Work done side by side, as many at a time as the moment allows.
 * @module
 */

/**
 * Runs `step` over and over in up to `width()` lanes until it says that there is nothing more for its lane. `width` is
 * asked again after every step: a lane too many ends, a missing one begins. When a step throws, the others are let
 * finish and the first error is thrown.
 * @param {() => number} width at least 1
 * @param {() => Promise<boolean>} step false: this lane has nothing more to do
 * @returns {Promise<void>}
 */
export async function inLanes(width, step) {
  /** @type {unknown} */
  let failure = null;
  let open = 0;
  /** @type {Promise<void>[]} */
  const lanes = [];

  async function run() {
    open += 1;
    try {
      while (failure === null && open <= width() && (await step())) widen();
    } catch (error) {
      failure ??= error;
    } finally {
      open -= 1;
    }
  }

  function widen() {
    while (failure === null && open < width()) lanes.push(run());
  }

  widen();
  for (const lane of lanes) await lane; // also those begun meanwhile
  if (failure !== null) throw failure;
}
