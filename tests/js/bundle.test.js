/** The page that checks proof bundles finds in every forged one what the command finds (tests/vectors/bundles.json). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { crc32, directory, localHeader } from "../../webapp/static/js/domain/zip.js";
import { AREAS } from "../../sync/evidence/bundle/page/findings.js";
import { kindWords } from "../../sync/evidence/bundle/page/show.js";
import { NoBundle } from "../../sync/evidence/bundle/page/zip.js";
import { verifyBundle } from "../../sync/evidence/bundle/page/verify.js";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const { pool, cases } = read("../vectors/bundles.json");
const catalogue = read("../../sync/evidence/bundle/catalogue.json");
const shapes = read("../../sync/evidence/bundle/shapes.json");
const piece = (number) => new Uint8Array(inflateSync(Buffer.from(pool[number], "base64")));

/** The file of a case. */
function fileOf({ members, raw }) {
  if (raw !== undefined) return piece(raw);
  const parts = [];
  const pieces = [];
  let at = 0;
  for (const [name, number] of members) {
    const bytes = piece(number);
    const part = { name, size: bytes.length, crc: crc32(bytes), at };
    const header = localHeader(part);
    pieces.push(header, bytes);
    parts.push(part);
    at += header.length + bytes.length;
  }
  return new Uint8Array(Buffer.concat([...pieces, directory(parts, at)]));
}

/** What the page says of a file, as the vectors tell it. */
async function judge(file, expected) {
  try {
    const { areas, allHold } = await verifyBundle(file, catalogue, shapes, { expected });
    const codes = (isFault) => [
      ...new Set(
        AREAS.flatMap((area) => areas[area].filter((f) => f.isFault === isFault).map((f) => f.code)),
      ),
    ];
    return { exit: allHold ? 0 : 1, faults: codes(true).sort(), notes: codes(false).sort() };
  } catch (error) {
    if (!(error instanceof NoBundle)) throw error;
    return { exit: 2, faults: [error.code], notes: [] };
  }
}

for (const { name, server_key: expected, exit, faults, notes, ...where } of cases) {
  test(`${exit ? "it is caught" : "it holds"}: ${name}`, async () => {
    assert.deepEqual(await judge(fileOf(where), expected), { exit, faults, notes });
  });
}

test("an event is called by its kind and its data, as in print", () => {
  for (const [kind, data, word] of read("../vectors/kind_words.json")) {
    assert.equal(kindWords({ kind, data }, catalogue.kinds), word, JSON.stringify([kind, data]));
  }
  assert.equal(kindWords({ kind: "new_kind" }, catalogue.kinds), "new kind");
  assert.equal(kindWords({ kind: "constructor" }, catalogue.kinds), "constructor");
});
