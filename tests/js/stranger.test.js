/**
 * A third party's JOSE library reads a bundle with nothing of ours: events against keys.json, receipts and seal against
 * the server's key, digests by Node's own crypto.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { calculateJwkThumbprint, compactVerify, importJWK } from "jose";

const { pool, cases } = JSON.parse(readFileSync(new URL("../vectors/bundles.json", import.meta.url), "utf8"));

/** The parts of a case by name. */
function partsOf(name) {
  const { members } = cases.find((each) => each.name === name);
  return new Map(members.map(([part, number]) => [part, inflateSync(Buffer.from(pool[number], "base64"))]));
}

const lines = (part) => part.toString("utf8").split("\n").filter(Boolean);
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** Verify a JWS by the key of its kid; gives header and payload. */
async function opened(jws, keys, typ) {
  const { payload, protectedHeader } = await compactVerify(
    jws,
    async ({ kid }) => {
      const { jwk } = keys.find((key) => key.kid === kid);
      assert.equal(await calculateJwkThumbprint(jwk), kid);
      return importJWK(jwk, "ES256");
    },
    { algorithms: ["ES256"] },
  );
  assert.equal(protectedHeader.typ, typ);
  return { kid: protectedHeader.kid, payload: JSON.parse(new TextDecoder().decode(payload)) };
}

test("jose verifies every event by the key of the phone that it names", async () => {
  const parts = partsOf("the true bundle");
  const { keys } = JSON.parse(parts.get("keys.json"));
  const events = lines(parts.get("events.jws"));
  assert.equal(events.length, 5);
  for (const jws of events) {
    const { kid, payload } = await opened(jws, keys, "baton-event+jws");
    assert.equal(keys.find((key) => key.kid === kid).device, payload.device);
  }
});

test("jose verifies receipts and seal by the server's key, and they name these very events and parts", async () => {
  const parts = partsOf("the true bundle");
  const { server, keys } = JSON.parse(parts.get("keys.json"));
  const digests = lines(parts.get("events.jws")).map(sha256);
  const named = [];
  for (const jws of lines(parts.get("receipts.jws"))) {
    const { kid, payload } = await opened(jws, keys, "baton-receipt+jws");
    assert.equal(kid, server);
    named.push(...payload.events.map((event) => event.sha256));
  }
  assert.deepEqual(
    digests.map((digest) => named.includes(digest)),
    [true, true, true, true, false], // the last one is the office's own
  );
  const { seal } = JSON.parse(parts.get("timeline.json"));
  const { kid, payload } = await opened(seal, keys, "baton-seal+jws");
  assert.equal(kid, server);
  assert.deepEqual(
    payload.events.map((event) => event.sha256),
    digests,
  );
  for (const member of payload.members) assert.equal(sha256(parts.get(member.name)), member.sha256);
});

for (const name of ["one byte of an event's payload", "one byte of an event's signature", "alg ES384"]) {
  test(`jose refuses it too: ${name}`, async () => {
    const parts = partsOf(name);
    const { keys } = JSON.parse(parts.get("keys.json"));
    const judged = await Promise.allSettled(
      lines(parts.get("events.jws")).map((jws) => opened(jws, keys, "baton-event+jws")),
    );
    assert.deepEqual(
      judged.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
    );
  });
}
