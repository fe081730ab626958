/**
 * How sharp and how light a picture is, from its pixels. Pure; a hint for the person, never a refusal.
 * @module
 */

/** @typedef {{sharpness:number, light:number, hint:'blurred'|'dark'|null}} Quality `light` is the mean, 0…255 */

/** Below this variance of the Laplacian (640 px picture, sharpest ninth) letters of a tag cannot be read. */
export const BLURRED_BELOW = 90;
export const DARK_BELOW = 38;
const GRID = 3;

/**
 * @param {{data:Uint8ClampedArray, width:number, height:number}} image RGBA
 * @returns {Quality}
 */
export function measure({ data, width, height }) {
  const luma = new Float32Array(width * height);
  let sum = 0;
  for (let i = 0, p = 0; i < luma.length; i++, p += 4) {
    const value = 0.299 * (data[p] ?? 0) + 0.587 * (data[p + 1] ?? 0) + 0.114 * (data[p + 2] ?? 0);
    luma[i] = value;
    sum += value;
  }
  const sharpness = sharpestCell(luma, width, height);
  const light = sum / luma.length;
  const hint = light < DARK_BELOW ? 'dark' : sharpness < BLURRED_BELOW ? 'blurred' : null;
  return { sharpness, light, hint };
}

/**
 * The best ninth counts: a sharp parcel before a plain wall is a sharp picture.
 * @param {Float32Array} luma @param {number} width @param {number} height
 */
function sharpestCell(luma, width, height) {
  const sums = new Float64Array(GRID * GRID);
  const squares = new Float64Array(GRID * GRID);
  const counts = new Float64Array(GRID * GRID);
  for (let y = 1; y < height - 1; y++) {
    const row = Math.floor((y * GRID) / height) * GRID;
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const edge = 4 * (luma[i] ?? 0) - (luma[i - 1] ?? 0) - (luma[i + 1] ?? 0) - (luma[i - width] ?? 0) - (luma[i + width] ?? 0);
      const cell = row + Math.floor((x * GRID) / width);
      sums[cell] = (sums[cell] ?? 0) + edge;
      squares[cell] = (squares[cell] ?? 0) + edge * edge;
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  let best = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    const n = counts[cell] ?? 0;
    if (n === 0) continue;
    const mean = (sums[cell] ?? 0) / n;
    best = Math.max(best, (squares[cell] ?? 0) / n - mean * mean);
  }
  return best;
}
