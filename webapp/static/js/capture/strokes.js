/**
 * A signature as shares of the pad's width, so that a turned or resized phone can draw it again. Pure.
 * @module
 */

/** @typedef {{x:number, y:number, pressure:number, time:number}} Point */
/** @typedef {Point[]} Stroke points in shares of the pad's width */

/** What an event tells of a signature beside its picture: how many strokes, how long, and the way the hand went. */
/** @typedef {{strokes:number, ms:number, points:number[][][]}} Signing points as [x, y in thousandths of the width, ms] */

const MOST_POINTS = 300;

/** Less ink than this share of the pad's width is a slip of the thumb, not a signature. */
const LEAST_INK = 0.12;

/** @param {{points:Point[]}[]} groups as signature_pad gives them @param {number} width of the pad, css px @returns {Stroke[]} */
export function toStrokes(groups, width) {
  return groups.map(({ points }) =>
    points.map(({ x, y, pressure, time }) => ({ x: x / width, y: y / width, pressure, time })),
  );
}

/**
 * Strokes in the pixels of a pad, shrunk where they would not fit its height.
 * @param {Stroke[]} strokes
 * @param {number} width css px
 * @param {number} height
 * @returns {Stroke[]}
 */
export function fitStrokes(strokes, width, height) {
  const lowest = Math.max(0, ...strokes.flat().map(({ y }) => y));
  const scale = lowest * width > height ? (height * 0.96) / lowest : width;
  return strokes.map((stroke) =>
    stroke.map((point) => ({ ...point, x: point.x * scale, y: point.y * scale })),
  );
}

/** @param {Stroke[]} strokes @returns {number} length of all lines, in shares of the pad's width */
export function ink(strokes) {
  let length = 0;
  for (const stroke of strokes) {
    for (let i = 1; i < stroke.length; i++) {
      const a = stroke[i - 1];
      const b = stroke[i];
      if (a && b) length += Math.hypot(b.x - a.x, b.y - a.y);
    }
  }
  return length;
}

/**
 * What goes into the sealed event: a few hundred points at most, so that a handover of many parcels stays small.
 * @param {Stroke[]} strokes
 * @returns {Signing}
 */
export function told(strokes) {
  const times = strokes.flat().map(({ time }) => time);
  const start = Math.min(...times);
  let apart = 0.004;
  let kept = strokes.map((stroke) => thinned(stroke, apart));
  while (kept.flat().length > MOST_POINTS && apart < 1) {
    apart *= 1.5;
    kept = strokes.map((stroke) => thinned(stroke, apart));
  }
  return {
    strokes: strokes.length,
    ms: times.length > 0 ? Math.round(Math.max(...times) - start) : 0,
    points: kept
      .slice(0, MOST_POINTS)
      .map((stroke) =>
        stroke.map(({ x, y, time }) => [
          Math.round(x * 1000),
          Math.round(y * 1000),
          Math.round(time - start),
        ]),
      ),
  };
}

/**
 * The first and the last point, and between them those that lie so far from the one before.
 * @param {Stroke} stroke
 * @param {number} apart in shares of the pad's width
 * @returns {Stroke}
 */
function thinned(stroke, apart) {
  /** @type {Stroke} */
  const kept = [];
  for (const [i, point] of stroke.entries()) {
    const last = kept.at(-1);
    const isEnd = i === stroke.length - 1;
    if (!last || isEnd || Math.hypot(point.x - last.x, point.y - last.y) >= apart) kept.push(point);
  }
  return kept;
}

/** @param {Stroke[]} strokes @returns {boolean} */
export function isSigned(strokes) {
  return ink(strokes) >= LEAST_INK;
}
