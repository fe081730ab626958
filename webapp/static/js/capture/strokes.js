/**
 * A signature as shares of the pad's width, so that a turned or resized phone can draw it again. Pure.
 * @module
 */

/** @typedef {{x:number, y:number, pressure:number, time:number}} Point */
/** @typedef {Point[]} Stroke points in shares of the pad's width */

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

/** @param {Stroke[]} strokes @returns {boolean} */
export function isSigned(strokes) {
  return ink(strokes) >= LEAST_INK;
}
