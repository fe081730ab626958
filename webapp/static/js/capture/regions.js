/**
 * Which part of a frame is looked at, how large and how turned: the plan of DESIGN §5, in numbers. Pure.
 * @module
 */

/** @typedef {{format:'QRCodeModel2'|'Code128', width:number, height:number, scale:number, angle:number}} Look */

/** A QR is read best from a frame of at most this long side; more pixels only cost time. */
export const QR_SIDE = 1280;
/** The share of the frame's height that the guide line stands in. */
const STRIP = 0.3;
/** QR and Code 128 by turns; a barcode that lies askew or upright gets its turn every few frames. Degrees. */
const PLAN = /** @type {const} */ (["qr", 0, "qr", 0, "qr", 30, "qr", 0, "qr", -30, "qr", 90, "qr", 45]);

/**
 * @param {number} turn counts frames
 * @param {number} width of the frame, px
 * @param {number} height
 * @returns {Look} a picture of `width`×`height`, drawn around the frame's centre at `scale`, turned by `angle` degrees
 */
export function lookAt(turn, width, height) {
  const step = PLAN[turn % PLAN.length];
  if (step === "qr" || step === undefined) {
    const size = fitWithin(width, height, QR_SIDE);
    return { format: "QRCodeModel2", ...size, angle: 0 };
  }
  // Native size, never scaled down: the thin bars are what is read. Upright, the strip stands on its end.
  const long = step === 90 ? height : width;
  return { format: "Code128", width: long, height: Math.round(height * STRIP), scale: 1, angle: step };
}

/**
 * The box around a symbol with a margin, kept inside the frame.
 * @param {{x:number, y:number}[]} corners
 * @param {number} width of the frame
 * @param {number} height
 * @param {number} [margin] share of the symbol's side added on each side
 * @returns {{x:number, y:number, width:number, height:number}} whole pixels
 */
export function cropAround(corners, width, height, margin = 0.6) {
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const pad = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) * margin;
  const left = Math.max(0, Math.floor(Math.min(...xs) - pad));
  const top = Math.max(0, Math.floor(Math.min(...ys) - pad));
  const right = Math.min(width, Math.ceil(Math.max(...xs) + pad));
  const bottom = Math.min(height, Math.ceil(Math.max(...ys) + pad));
  return { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} side longest side allowed
 * @returns {{width:number, height:number, scale:number}} never enlarged
 */
export function fitWithin(width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
    scale,
  };
}
