/** Work in several lanes: how many, and what an error does to the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inLanes } from "../../webapp/static/js/outbox/lanes.js";

const pause = () => new Promise((done) => setImmediate(done));

/** Counts how many steps are under way, over `total` steps. */
function counter(total) {
  const seen = { now: 0, most: 0, done: 0 };
  const step = async () => {
    if (seen.done + seen.now >= total) return false;
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    await pause();
    seen.now -= 1;
    seen.done += 1;
    return true;
  };
  return { seen, step };
}

test("one lane does one thing at a time, and all of it", async () => {
  const { seen, step } = counter(7);
  await inLanes(() => 1, step);
  assert.deepEqual(seen, { now: 0, most: 1, done: 7 });
});

test("it widens when the moment allows, and narrows again", async () => {
  const { seen, step } = counter(30);
  const widths = [];
  await inLanes(
    () => (seen.done < 5 ? 1 : seen.done < 20 ? 3 : 1),
    async () => {
      const went = await step();
      widths.push(seen.now);
      return went;
    },
  );
  assert.equal(seen.done, 30);
  assert.equal(seen.most, 3);
  assert.deepEqual(widths.slice(-6), [0, 0, 0, 0, 0, 0]);
});

test("an error is thrown when the others have finished", async () => {
  let finished = 0;
  let started = 0;
  const steps = inLanes(
    () => 3,
    async () => {
      started += 1;
      const mine = started;
      await pause();
      if (mine === 1) throw new Error("the store is gone");
      await pause();
      finished += 1;
      return true;
    },
  );
  await assert.rejects(steps, /the store is gone/);
  assert.equal(finished, 2);
});
