/** The second copy of the phone's database: pages that stand still, copies that do not answer, ends that are told wrong. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Store } from "../../webapp/static/js/storage/store.js";
import { closeAll, hang, named, opened, rowsOf, worldWithBuckets } from "./helpers/buckets.js";
import { picture, sealSome } from "./helpers/world.js";

afterEach(closeAll);

test("a page that stood still while the second copy answered has one all the same", async () => {
  const world = await worldWithBuckets();
  const { open } = world.buckets;
  let isStill = true;
  world.buckets.open = async function still(name) {
    if (isStill) {
      isStill = false;
      await new Promise((done) => {
        setImmediate(() => {
          const until = Date.now() + 4_200;
          while (Date.now() < until);
          setImmediate(done); // the timers of the page come before
        });
      });
    }
    return open.call(this, name);
  };
  await sealSome(await opened(world, true), 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 1);
});

test("room that a second copy which hangs could give is not waited for longer than it", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  await phone.storePhoto(picture(3_000), "image/jpeg");
  const store = new Store(world.databaseName);
  await store.open();
  const release = await hang(world);
  const began = Date.now();
  assert.equal(await store.giveRoom(), false);
  assert.equal(Date.now() - began < 3_900, true);
  await release();
  store.close();
});

test("what was done though the browser said that it was not is in the second copy too", async () => {
  const world = await worldWithBuckets();
  const phone = await opened(world, true);
  const { addEventListener } = globalThis.IDBTransaction.prototype;
  const ends = new Map();
  globalThis.IDBTransaction.prototype.addEventListener = function told(type, listener, ...rest) {
    const isIt = this.mode === "readwrite" && this.objectStoreNames.contains("sealed");
    if (!isIt || (ends.size > 0 && !ends.has(this))) {
      return addEventListener.call(this, type, listener, ...rest);
    }
    const kept = { ...ends.get(this), [type]: listener };
    ends.set(this, kept);
    return addEventListener.call(this, type, () => (kept.abort ?? ends.get(this).abort)(), ...rest);
  };
  try {
    await sealSome(phone, 1);
  } finally {
    globalThis.IDBTransaction.prototype.addEventListener = addEventListener;
  }
  assert.equal(ends.size, 1);
  assert.equal(named(await rowsOf(world), "sealed").length, 1);
  assert.equal((await phone.counts()).unsent, 1);
});
