/** Turns: of two copies, which was made on top of the other. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { level, rightFirst } from "../../webapp/static/js/storage/spare-level.js";
import { follow } from "../../webapp/static/js/storage/spare-rows.js";
import { countJoining, countTurn, covers, isNext } from "../../webapp/static/js/storage/turns.js";
import { openDB } from "../../webapp/static/vendor/idb-8.0.4/index.js";
import { closeAll, named, openSpare, opened, rowsOf, worldWithBuckets } from "./helpers/buckets.js";
import { sealSome } from "./helpers/world.js";

afterEach(closeAll);

const turn = (id, n, past = []) => ({ id, n, past });
const none = turn("", 0);

test("a turn is on top of those before it in its line, and of those its line goes on from", () => {
  const went = turn("b", 12, [
    { id: "0", n: 4 },
    { id: "a", n: 9 },
  ]);
  for (const [earlier, is] of [
    [turn("b", 12), true],
    [turn("b", 13), false],
    [turn("a", 9), true],
    [turn("a", 10), false],
    [turn("0", 1), true],
    [turn("c", 1), false],
    [none, true],
  ]) {
    assert.equal(covers(went, earlier), is, `${earlier.id} ${earlier.n}`);
  }
});

test("the next turn is one further, on top of it, and never the first of all", () => {
  const past = [{ id: "a", n: 9 }];
  assert.equal(isNext(turn("b", 10, past), turn("a", 9)), true);
  assert.equal(isNext(turn("b", 11, past), turn("a", 9)), false);
  assert.equal(isNext(turn("b", 10, past), turn("c", 9)), false);
  assert.equal(isNext(turn("b", 11, past), turn("b", 10)), true);
});

/** Turns of one database, as a transaction counts them. */
async function counted(...hows) {
  const rows = new Map();
  const store = {
    get: async (key) => rows.get(String(key)),
    put: async (row) => rows.set(String([row.device, row.name]), row),
  };
  const tx = { objectStore: () => store };
  for (const how of hows) await how(tx);
  return rows.get(",turn").value;
}

test("the first turn of all is not the next of nothing", async () => {
  assert.equal(isNext(await counted((tx) => countTurn(tx)), none), false);
});

test("a new line says where it left the old one, and a hundred before", async () => {
  const anew = (tx) => countTurn(tx, { isNewLine: true });
  const { past, n } = await counted((tx) => countTurn(tx), anew, ...Array(150).fill(anew));
  assert.equal(n, 153);
  assert.equal(past.length, 100);
  assert.equal(past.at(-1).n, 152);
});

test("what joins two lines is on top of both, and never the next of either", async () => {
  const other = turn("x", 40, [{ id: "y", n: 30 }]);
  const joined = await counted(
    (tx) => countTurn(tx),
    (tx) => countJoining(tx, other),
  );
  assert.equal(
    [other, turn("y", 30)].every((earlier) => covers(joined, earlier)),
    true,
  );
  assert.equal(covers(joined, turn("y", 31)), false);
  assert.equal(joined.n > other.n, true);
});

test("joining again and again makes no turn longer, and forgets neither side", async () => {
  const past = Array.from({ length: 100 }, (_, at) => ({ id: `x${at}`, n: at + 1 }));
  const rows = new Map();
  const store = {
    get: async (key) => rows.get(String(key)),
    put: async (row) => rows.set(String([row.device, row.name]), row),
  };
  const tx = { objectStore: () => store };
  await countTurn(tx);
  const { value: own } = rows.get(",turn");
  for (let time = 0; time < 3; time += 1) await countJoining(tx, turn("x", 200, past));
  const { value: joined } = rows.get(",turn");
  assert.equal(covers(joined, own), true);
  assert.equal(covers(joined, turn("x", 200)), true);
  assert.equal(new Set(joined.past.map(({ id }) => id)).size, joined.past.length);
  assert.equal(joined.past.length <= 100, true);
});

/** Both copies of a phone that sealed something, and a way to say that the second took another way. */
async function both(work) {
  const world = await worldWithBuckets();
  await sealSome(await opened(world, true), 1);
  const [second, first] = [await openSpare(world), await openDB(world.databaseName)];
  const { value } = await first.get("meta", ["", "turn"]);
  const secondIs = (other) =>
    second.put("rows", { device: "", name: "turn", value: other }, ["meta", "", "turn"]);
  try {
    await work({ world, first, second, value, secondIs });
  } finally {
    [second, first].forEach((db) => db.close());
  }
}

test("a turn of another line is not followed, though it has the next number", () =>
  both(async ({ second, value, secondIs }) => {
    await secondIs(turn("another", value.n));
    const row = { device: "", name: "turn", value: { ...value, n: value.n + 1 } };
    assert.equal(await follow(second, [{ name: "meta", key: ["", "turn"], value: row }]), "not the next");
  }));

test("a second copy that is not under the first is never made like it", () =>
  both(async ({ world, first, second, value, secondIs }) => {
    for (const other of [turn("another", 1), { ...value, n: value.n + 1 }]) {
      await secondIs(other);
      await second.put("rows", { device: "x", seq: 1, jws: "only here" }, ["sealed", "x", 1]);
      assert.equal(await level(second, first), false);
      assert.equal(named(await rowsOf(world), "sealed").length, 2);
    }
  }));

test("people of a database whose turns were not counted stay when another's are taken over", () =>
  both(async ({ first, second, secondIs }) => {
    await first.delete("meta", ["", "turn"]);
    await secondIs(turn("another", 7));
    for (const name of ["identities", "chains"]) {
      await second.delete("rows", [name, (await first.getAllKeys("identities"))[0]]);
    }
    await second.put("rows", { device: "x", actor: { name: "X" } }, ["identities", "x"]);
    await rightFirst(second, first, (asking) => asking);
    assert.equal((await first.getAllKeys("identities")).length, 2);
    assert.equal(await first.count("sealed"), 1);
  }));
