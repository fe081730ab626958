/**
 * How sharp and how light a picture is, from its pixels. Pure; a hint for the person, never a refusal.
 * @module
 */
import { edgesOf } from "./edges.js";

/** @typedef {'blurred'|'dark'|'bright'} Hint */
/** @typedef {{sharpness:number, edges:number, light:number, hint:Hint|null}} Quality `light` is the mean, 0…255 */

// The server's own thresholds (sync/evidence/limits.py); tests/vectors/quality.json holds both to them.
/** Below this variance of the Laplacian (640 px picture, sharpest ninth) letters of a tag cannot be read. */
export const BLURRED_BELOW = 90;
/** Below this share of fine edges over coarse ones the lens was out of focus, or the hand moved. */
export const SOFT_BELOW = 1.95;
export const DARK_BELOW = 38;
export const BRIGHT_ABOVE = 222;
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
  const edges = edgesOf(luma, { width, height });
  const light = sum / luma.length;
  return { sharpness, edges, light, hint: hintOf({ sharpness, edges, light }) };
}

/** @param {{sharpness:number, edges:number, light:number}} told @returns {Hint|null} the gravest first */
function hintOf({ sharpness, edges, light }) {
  if (light < DARK_BELOW) return "dark";
  if (light > BRIGHT_ABOVE) return "bright";
  return sharpness < BLURRED_BELOW || edges < SOFT_BELOW ? "blurred" : null;
}

/**
 * The best ninth counts: a sharp parcel before a plain wall is a sharp picture.
 * @param {Float32Array} luma @param {number} width @param {number} height
 */
function sharpestCell(luma, width, height) {
  let best = 0;
  for (let cell = 0; cell < GRID * GRID; cell++) {
    const left = Math.floor(((cell % GRID) * width) / GRID);
    const top = Math.floor((Math.floor(cell / GRID) * height) / GRID);
    const right = left + Math.floor(width / GRID);
    const bottom = top + Math.floor(height / GRID);
    best = Math.max(best, variance(luma, width, { left, top, right, bottom }));
  }
  return best;
}

/**
 * Variance of the Laplacian inside a box.
 * @param {Float32Array} luma @param {number} width @param {{left:number, top:number, right:number, bottom:number}} box
 */
function variance(luma, width, { left, top, right, bottom }) {
  let sum = 0;
  let squares = 0;
  let n = 0;
  const at = (/** @type {number} */ i) => luma[i] ?? 0;
  for (let y = top + 1; y < bottom - 1; y++) {
    for (let x = left + 1; x < right - 1; x++) {
      const i = y * width + x;
      const edge = 4 * at(i) - at(i - 1) - at(i + 1) - at(i - width) - at(i + width);
      sum += edge;
      squares += edge * edge;
      n++;
    }
  }
  return n === 0 ? 0 : squares / n - (sum / n) ** 2;
}
