/** The reader of tags when its worker fails: it says so, tries again, and says when it works. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Decoder } from "../../webapp/static/js/capture/decoder.js";

class Picture {
  width = 640;
  height = 480;
}

/** What the next frames get: an answer's `problem`, or null for a good one. */
let problem = null;
/** Why the worker does not start, or null. */
let refusal = null;
let made = 0;

class FakeWorker extends EventTarget {
  constructor() {
    super();
    if (refusal) throw new Error(refusal);
    made += 1;
  }

  postMessage({ id }) {
    const data = { id, symbols: [], ms: 1, ...(problem && { problem }) };
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
  }

  terminate() {}
}

beforeEach(() => {
  problem = null;
  refusal = null;
  made = 0;
  Object.assign(globalThis, { Worker: FakeWorker, ImageBitmap: Picture });
});

/** A decoder, and each of its words about its health. */
function watched() {
  const decoder = new Decoder();
  const told = [];
  decoder.addEventListener("health", () => told.push(decoder.isBroken));
  const look = async (times) => {
    for (let n = 0; n < times; n += 1) await decoder.still(new Picture());
  };
  return { decoder, told, look };
}

test("three failures in a row are a broken reader, told once, and asked about at any time after", async () => {
  const { decoder, told, look } = watched();
  problem = "the wasm does not start";
  await look(2);
  assert.equal(decoder.isBroken, false);
  await look(3);
  assert.equal(decoder.isBroken, true);
  assert.deepEqual(told, [true]);
});

test("one good answer between failures is no broken reader, and one after them ends it", async () => {
  const { decoder, told, look } = watched();
  problem = "now and then";
  await look(2);
  problem = null;
  await look(1);
  problem = "now and then";
  await look(2);
  assert.deepEqual(told, []);
  await look(1);
  problem = null;
  await look(1);
  assert.deepEqual(told, [true, false]);
  assert.equal(decoder.isBroken, false);
});

test("a browser that gives no worker is broken too, until it does", async () => {
  const { decoder, told, look } = watched();
  refusal = "no module workers";
  await look(3);
  assert.deepEqual(told, [true]);
  refusal = null;
  await look(1);
  assert.equal(decoder.isBroken, false);
});

test("a broken reader's next try has a new worker", async () => {
  const { look } = watched();
  problem = "half a wasm";
  await look(3);
  assert.equal(made, 1);
  await look(1);
  assert.equal(made, 2);
});

test("trying again takes a new worker and counts anew", async () => {
  const { decoder, told, look } = watched();
  problem = "hangs";
  await look(3);
  decoder.retry();
  assert.equal(decoder.isBroken, false);
  assert.equal(made, 2);
  await look(2);
  assert.deepEqual(told, [true, false], "two more failures are not yet three");
  await look(1);
  assert.deepEqual(told, [true, false, true]);
});
