/** The pure parts of capture: what is looked at, what is believed, how sharp it is, when a line is a signature. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Belief } from "../../webapp/static/js/capture/belief.js";
import { pictureOf } from "../../webapp/static/js/capture/photo.js";
import { cropAround, fitWithin, lookAt } from "../../webapp/static/js/capture/regions.js";
import {
  BLURRED_BELOW,
  BRIGHT_ABOVE,
  DARK_BELOW,
  SOFT_BELOW,
  measure,
} from "../../webapp/static/js/capture/sharpness.js";
import { fitStrokes, ink, isSigned, told, toStrokes } from "../../webapp/static/js/capture/strokes.js";

const read = (text, format, frame, at) => ({ text, format, frame, at });

test("a QR is believed at one read", () => {
  const belief = new Belief(() => false);
  assert.equal(belief.offer(read("F7ANY0M5J7AJ", "QRCodeModel2", 1, 0)), "F7ANY0M5J7AJ");
});

test("a Code 128 is believed only when two frames agree", () => {
  const belief = new Belief(() => true);
  assert.equal(belief.offer(read("JX8800000007", "Code128", 1, 0)), null);
  assert.equal(
    belief.offer(read("JX8800000007", "Code128", 1, 10)),
    null,
    "the same frame twice is one witness",
  );
  assert.equal(belief.offer(read("JX8800000001", "Code128", 2, 50)), null, "another text is no agreement");
  assert.equal(belief.offer(read("JX8800000007", "Code128", 3, 90)), "JX8800000007");
});

test("two reads of a Code 128 that lie far apart do not agree", () => {
  const belief = new Belief(() => true);
  assert.equal(belief.offer(read("JX1", "Code128", 1, 0)), null);
  assert.equal(belief.offer(read("JX1", "Code128", 90, 9000)), null);
  assert.equal(belief.offer(read("JX1", "Code128", 91, 9050)), "JX1");
});

test("a Code 128 that is nobody's pattern is never believed", () => {
  const belief = new Belief((text) => text.startsWith("JX"));
  for (let frame = 1; frame < 9; frame++) {
    assert.equal(belief.offer(read("0042", "Code128", frame, frame)), null);
  }
});

test("a tag that stays in sight is one scan, and one that comes back is another", () => {
  const belief = new Belief(() => true);
  const seen = [];
  for (let at = 0; at <= 5000; at += 200) seen.push(belief.offer(read("TAG", "QRCodeModel2", at, at)));
  assert.deepEqual(seen.filter(Boolean), ["TAG"]);
  assert.equal(belief.offer(read("TAG", "QRCodeModel2", 9, 5000 + 1600)), "TAG");
  belief.forget();
  assert.equal(
    belief.offer(read("TAG", "QRCodeModel2", 10, 6700)),
    "TAG",
    "after an undo the next look counts",
  );
});

test("empty and endless texts are no codes", () => {
  const belief = new Belief(() => true);
  assert.equal(belief.offer(read("   ", "QRCodeModel2", 1, 0)), null);
  assert.equal(belief.offer(read("A".repeat(600), "QRCodeModel2", 1, 0)), null);
});

test("a QR is looked for in at most 1280 px, a Code 128 in the native strip, askew now and then", () => {
  const looks = Array.from({ length: 14 }, (_, turn) => lookAt(turn, 1920, 1080));
  const qr = looks.filter(({ format }) => format === "QRCodeModel2");
  const bars = looks.filter(({ format }) => format === "Code128");
  assert.equal(qr.length, 7);
  for (const { width, height } of qr) assert.deepEqual([width, height], [1280, 720]);
  for (const look of bars) {
    assert.deepEqual([look.width, look.height, look.scale], [look.angle === 90 ? 1080 : 1920, 324, 1]);
  }
  assert.deepEqual(
    [...new Set(bars.map(({ angle }) => angle))].sort((a, b) => a - b),
    [-30, 0, 30, 45, 90],
  );
  assert.equal(lookAt(0, 640, 480).scale, 1, "a small frame is not enlarged");
});

test("a tag is cut out with a margin and never outside the picture", () => {
  const corners = [
    { x: 10, y: 10 },
    { x: 110, y: 12 },
    { x: 108, y: 112 },
    { x: 8, y: 110 },
  ];
  const box = cropAround(corners, 400, 150);
  assert.equal(box.x, 0);
  assert.equal(box.y, 0);
  assert.equal(box.y + box.height, 150);
  assert.ok(box.width > 160 && box.width <= 180);
});

test("a photo is scaled to its longest side and never enlarged", () => {
  assert.deepEqual(fitWithin(4000, 3000, 1600), { width: 1600, height: 1200, scale: 0.4 });
  assert.deepEqual(fitWithin(800, 600, 1600), { width: 800, height: 600, scale: 1 });
});

/** A checked board, `soft` times smeared sideways. */
function board(soft, light = 1) {
  const [width, height] = [180, 120];
  let luma = Float32Array.from(
    { length: width * height },
    (_, i) => ((Math.floor((i % width) / 4) + Math.floor(i / width / 4)) % 2 ? 220 : 30) * light,
  );
  for (let n = 0; n < soft; n++) {
    luma = luma.map(
      (_, i) => (luma[i - 2] + luma[i - 1] + luma[i] + luma[i + 1] + luma[i + 2]) / 5 || luma[i],
    );
  }
  const data = new Uint8ClampedArray(width * height * 4);
  luma.forEach((value, i) => data.fill(value, i * 4, i * 4 + 3));
  return { data, width, height };
}

test("a smeared picture is called blurred and a black one dark", () => {
  assert.equal(measure(board(0)).hint, null);
  assert.equal(measure(board(6)).hint, "blurred");
  assert.equal(measure(board(0, 0.1)).hint, "dark");
  assert.ok(measure(board(0)).sharpness > measure(board(1)).sharpness);
});

const line = (points) => [points.map(([x, y]) => ({ x, y, pressure: 0.5, time: 0 }))];

test("no line, a dot and a slip are no signature", () => {
  assert.equal(isSigned([]), false);
  assert.equal(isSigned(line([[0.5, 0.2]])), false);
  assert.equal(isSigned(line([[0.5, 0.2], [0.53, 0.21]])), false); // prettier-ignore
  assert.equal(isSigned(line([[0.1, 0.2], [0.5, 0.1], [0.6, 0.3]])), true); // prettier-ignore
});

test("a signature keeps its shape when the pad changes its size", () => {
  const groups = [{ points: [{ x: 30, y: 60, pressure: 0, time: 1 }, { x: 300, y: 150, pressure: 0, time: 2 }] }]; // prettier-ignore
  const strokes = toStrokes(groups, 300);
  assert.equal(strokes[0][1].x, 1);
  const wide = fitStrokes(strokes, 600, 400);
  assert.deepEqual([wide[0][0].x, wide[0][0].y, wide[0][1].x, wide[0][1].y], [60, 120, 600, 300]);
  const flat = fitStrokes(strokes, 600, 100);
  assert.ok(flat[0][1].y <= 100, "shrunk where it would not fit");
  assert.ok(Math.abs(ink(toStrokes([{ points: flat[0] }], 600)) / ink(strokes) - flat[0][1].x / 600) < 1e-9);
});

test("the phone measures a picture as the server does, and hints at the same numbers", () => {
  const { limits, pictures } = JSON.parse(
    readFileSync(new URL("../vectors/quality.json", import.meta.url), "utf8"),
  );
  assert.deepEqual(
    { sharpness: BLURRED_BELOW, edges: SOFT_BELOW, light: DARK_BELOW, brightness: BRIGHT_ABOVE },
    limits,
    "the server's limits",
  );
  for (const { name, width, height, grey, sharpness, edges, light, hint } of pictures) {
    const data = new Uint8ClampedArray(grey.flat().flatMap((value) => [value, value, value, 255]));
    const seen = measure({ data, width, height });
    assert.ok(Math.abs(seen.sharpness - sharpness) <= 0.01 + sharpness * 0.001, `${name}: ${seen.sharpness}`);
    assert.ok(Math.abs(seen.edges - edges) <= 0.01 + edges * 0.001, `${name}: edges ${seen.edges}`);
    assert.ok(Math.abs(seen.light - light) < 0.01, `${name}: ${seen.light}`);
    assert.equal(seen.hint, hint, name);
  }
});

test("an event tells how a signature was made, in a few hundred points", () => {
  const strokes = [0, 1].map((n) =>
    Array.from({ length: 900 }, (_, i) => ({
      x: i / 1000,
      y: 0.2 + 0.1 * Math.sin(i / 9 + n),
      pressure: 0.5,
      time: 1_764_000_000_000 + n * 5000 + i * 2,
    })),
  );
  const { strokes: count, ms, points } = told(strokes);
  assert.equal(count, 2);
  assert.equal(ms, 5000 + 899 * 2);
  assert.equal(points.length, 2);
  assert.ok(points.flat().length <= 300 && points.flat().length > 100, `${points.flat().length} points`);
  assert.deepEqual(points[0][0], [0, 200, 0]);
  assert.equal(points[1].at(-1)[2], ms, "the last point is kept");
  assert.deepEqual(told([]), { strokes: 0, ms: 0, points: [] });
});

test("a chosen file is opened by a browser that has no word yet for the orientation it keeps anyway", async () => {
  const file = new Blob(["JPEG"]);
  globalThis.createImageBitmap = async (source, options = {}) => {
    if (options.imageOrientation === "from-image") throw new TypeError("not a valid enum value");
    return { source };
  };
  try {
    assert.equal((await pictureOf(file)).source, file);
  } finally {
    delete globalThis.createImageBitmap;
  }
});
