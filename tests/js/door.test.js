/** A driver's doors: in an order one can drive, and the way to each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byDoor, mapLink } from "../../webapp/static/js/pages/door.js";

const DOORS = { a: "Jalan Melati 12", b: "", c: "Jalan Kenanga 5", d: "Jalan Melati 2", e: null };
const to = (address) => (address === null ? null : { recipient: { name: "", address } });

test("doors come street by street and house by house, and those without an address behind them as they were", () => {
  const parcelOf = (code) => to(DOORS[code]);
  assert.deepEqual(byDoor(["b", "a", "e", "c", "d"], parcelOf), ["c", "d", "a", "b", "e"]);
  assert.deepEqual(byDoor(["e", "b"], parcelOf), ["e", "b"]);
});

test("a house's number before its street does not part the street, and an area stays together", () => {
  const inOrder = [
    "No. 13, Jalan Kenanga, Johor, 80000",
    "12/4 Jalan Melati, Johor, 80000",
    "No. 12A, Jalan Melati, Johor, 80000",
    "No. 14, Jalan Melati, Johor, 80000",
    "3 Jalan Kenanga, Johor, 81000",
  ];
  assert.deepEqual(byDoor([...inOrder].reverse(), to), inOrder);
});

test("parcels of a run without doors keep their order", () => {
  const codes = ["z", "y", "x"];
  assert.deepEqual(
    byDoor(codes, () => ({ recipient: null })),
    codes,
  );
});

test("an address opens in what each phone has for it, whole and as it is written", () => {
  const address = "Jl. Ké 5 & 6, RT 02/RW 03 #B";
  const asked = encodeURIComponent(address);
  assert.equal(mapLink(address, "Mozilla/5.0 (Linux; Android 14)"), `geo:0,0?q=${asked}`);
  assert.equal(
    mapLink(address, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0)"),
    `https://maps.apple.com/?q=${asked}`,
  );
  assert.equal(mapLink(address, "Mozilla/5.0 (X11; Linux x86_64)"), null);
});
