/** JSON out of a bundle is read as the command reads it, of any size that a bundle may have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readJson, saysTheSame } from "../../sync/evidence/bundle/page/json.js";

const bytes = (text) => new TextEncoder().encode(text);
const read = (text) => readJson(bytes(text));

test("a text as long as a seal may be is read", () => {
  const seal = "a".repeat(16 * 1024 * 1024 - 100);
  assert.equal(read(JSON.stringify({ seal })).seal.length, seal.length);
  const quoted = 'a"\\'.repeat(1024 * 1024);
  assert.ok(read(JSON.stringify([quoted]))[0] === quoted);
});

test("a text ends at its own quote", () => {
  for (const text of ["", "\\", '"', '\\"', '\\\\"', 'a"b\\', "\\\\"]) {
    assert.deepEqual(read(JSON.stringify([text, "next"])), [text, "next"]);
  }
  for (const text of ['"', '"\\"', '"a\nb"', '"\\x"', '"\\\\\\"', "'a'", '{"a:1}', '{a":1}', "{a:1}"]) {
    assert.equal(read(text), undefined, text);
  }
});

const PAIRS = [
  ["true", "1", false],
  ["false", "0", false],
  ["true", "1.0", false],
  ["null", "0.0", false],
  ['"1"', "1.0", false],
  ["[]", "{}", false],
  ["3.0", "{}", false],
  ["3", "3.0", true],
  ['{"a":[1,{"b":true}],"c":null}', '{"c":null,"a":[1.0,{"b":true}]}', true],
  ['{"a":[1,{"b":true}]}', '{"a":[1,{"b":1}]}', false],
  ['{"a":null}', '{"b":null}', false],
  ["[1,2]", "[1]", false],
];

test("two timelines say the same in every language, or in none", () => {
  for (const [one, other, isSame] of PAIRS) {
    assert.equal(saysTheSame(read(one), read(other)), isSame, `${one} ${other}`);
    assert.equal(saysTheSame(read(other), read(one)), isSame, `${other} ${one}`);
  }
});
