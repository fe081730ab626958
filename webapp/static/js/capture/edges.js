/**
 * How much energy fine edges have over coarse ones, along the direction in which they have least: what a lens out of focus
 * and a moving hand both take away. Pure; the twin of `sync.evidence.quality.edges`, held to it by tests/vectors/quality.json.
 * @module
 */

const GRID = 3;
const FINE = 3;
const COARSE = 7;
const FAINT = 0.1;
const SOME = 0.3;
const RICH = 0.25;

/** @typedef {{width:number, height:number}} Size */
/** @typedef {{xx:number, yy:number, xy:number}} Tensor of the gradients: the mean of x², y² and xy */

/**
 * @param {Float32Array} luma row by row @param {Size} size
 * @returns {number} of the best ninth
 */
export function edgesOf(luma, size) {
  const fine = soft(luma, size, FINE);
  const coarse = soft(luma, size, COARSE);
  const told = [];
  for (let cell = 0; cell < GRID * GRID; cell++) {
    const box = boxOf(cell, size);
    if (Math.min(box.right - box.left, box.bottom - box.top) <= 2) continue;
    told.push({ near: gradients(fine, size.width, box), far: gradients(coarse, size.width, box) });
  }
  const most = Math.max(0, ...told.map(({ far }) => axes(far).most));
  const rich = told.filter(({ far }) => axes(far).most >= RICH * most);
  return Math.max(0, ...rich.map(({ near, far }) => left(near, far)));
}

/** @param {Tensor} near @param {Tensor} far */
function left(near, far) {
  const angle = 0.5 * Math.atan2(2 * far.xy, far.xx - far.yy);
  const { least, most } = axes(far);
  const main = along(near, angle) / (most + FAINT);
  if (least < SOME) return main;
  return Math.min(main, along(near, angle + Math.PI / 2) / (least + FAINT));
}

/** @param {Tensor} tensor @returns {{least:number, most:number}} the energy along the axis that has least, and most */
function axes({ xx, yy, xy }) {
  const middle = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  return { least: middle - spread, most: middle + spread };
}

/** @param {Tensor} tensor @param {number} angle */
function along({ xx, yy, xy }, angle) {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return xx * cos * cos + 2 * xy * cos * sin + yy * sin * sin;
}

/** @param {number} cell @param {Size} size */
function boxOf(cell, { width, height }) {
  const left = Math.floor(((cell % GRID) * width) / GRID);
  const top = Math.floor((Math.floor(cell / GRID) * height) / GRID);
  return { left, top, right: left + Math.floor(width / GRID), bottom: top + Math.floor(height / GRID) };
}

/**
 * A box laid over the picture twice.
 * @param {Float32Array} luma @param {Size} size @param {number} box its side in pixels, odd
 */
function soft(luma, { width, height }, box) {
  const across = { lines: height, length: width, step: 1, stride: width };
  const down = { lines: width, length: height, step: width, stride: 1 };
  let from = luma;
  for (const way of [across, down, across, down]) from = averaged(from, way, box);
  return from;
}

/**
 * The mean of `box` neighbours along one way, the picture mirrored at its ends.
 * @param {Float32Array} from @param {{lines:number, length:number, step:number, stride:number}} way @param {number} box
 */
function averaged(from, { lines, length, step, stride }, box) {
  const out = new Float32Array(from.length);
  const reach = (box - 1) / 2;
  for (let line = 0; line < lines; line++) {
    const start = line * stride;
    const at = (/** @type {number} */ i) => from[start + mirrored(i, length) * step] ?? 0;
    let sum = 0;
    for (let i = -reach; i <= reach; i++) sum += at(i);
    const inner = length - reach - 1; // up to here no neighbour lies beyond an end
    for (let i = 0; i < length; i++) {
      const here = start + i * step;
      out[here] = sum / box;
      if (i >= reach && i < inner) {
        sum += (from[here + (reach + 1) * step] ?? 0) - (from[here - reach * step] ?? 0);
      } else sum += at(i + reach + 1) - at(i - reach);
    }
  }
  return out;
}

/** @param {number} i @param {number} length the end itself is not said twice */
function mirrored(i, length) {
  if (i >= 0 && i < length) return i;
  if (length === 1) return 0;
  const round = 2 * (length - 1);
  const within = ((i % round) + round) % round;
  return within < length ? within : round - within;
}

/**
 * @param {Float32Array} picture @param {number} width @param {{left:number, top:number, right:number, bottom:number}} box
 * @returns {Tensor}
 */
function gradients(picture, width, { left, top, right, bottom }) {
  let xx = 0;
  let yy = 0;
  let xy = 0;
  const at = (/** @type {number} */ i) => picture[i] ?? 0;
  for (let y = top + 1; y < bottom - 1; y++) {
    for (let i = y * width + left + 1; i < y * width + right - 1; i++) {
      const dx = (at(i + 1) - at(i - 1)) / 2;
      const dy = (at(i + width) - at(i - width)) / 2;
      xx += dx * dx;
      yy += dy * dy;
      xy += dx * dy;
    }
  }
  const n = (right - left - 2) * (bottom - top - 2);
  return { xx: xx / n, yy: yy / n, xy: xy / n };
}
