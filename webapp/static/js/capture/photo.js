/**
 * A picture becomes evidence: scaled to 1600 px, JPEG without metadata, with a measure of how sharp and light it is.
 * @module
 */
import { cropAround, fitWithin } from "./regions.js";
import { measure } from "./sharpness.js";

/** @import {Symbol} from './decode-worker.js' */
/** @import {Quality} from './sharpness.js' */
/** @typedef {{bytes:ArrayBuffer, type:'image/jpeg', width:number, height:number, quality:Quality}} Shot */

export const LONG_SIDE = 1600;
const JPEG_QUALITY = 0.8;
const TYPE = "image/jpeg";

/** @param {number} width @param {number} height */
function paper(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this phone cannot draw pictures");
  return { canvas, context };
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<ArrayBuffer>} a canvas writes no Exif, so no place and no model go along */
async function jpeg(canvas) {
  const blob = await new Promise((/** @type {(blob: Blob|null) => void} */ resolve) =>
    canvas.toBlob(resolve, TYPE, JPEG_QUALITY),
  );
  if (!blob || blob.type !== TYPE) throw new Error("this phone cannot write JPEG");
  return blob.arrayBuffer();
}

/**
 * The picture scaled to at most 1600 px on its long side.
 * @param {ImageBitmap} picture
 * @returns {Promise<Shot>}
 */
export async function shotFrom(picture) {
  const { width, height } = fitWithin(picture.width, picture.height, LONG_SIDE);
  const { canvas, context } = paper(width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  const small = fitWithin(width, height, 640);
  const probe = paper(small.width, small.height);
  probe.context.drawImage(canvas, 0, 0, small.width, small.height);
  const quality = measure(probe.context.getImageData(0, 0, small.width, small.height));
  return { bytes: await jpeg(canvas), type: TYPE, width, height, quality };
}

/**
 * The tag at the picture's full size, with some of what is around it.
 * @param {ImageBitmap} picture
 * @param {Symbol} symbol
 * @returns {Promise<{bytes:ArrayBuffer, type:'image/jpeg'}>}
 */
export async function tagFrom(picture, symbol) {
  const box = cropAround(symbol.corners, picture.width, picture.height);
  const { width, height } = fitWithin(box.width, box.height, LONG_SIDE);
  const { canvas, context } = paper(width, height);
  context.drawImage(picture, box.x, box.y, box.width, box.height, 0, 0, width, height);
  return { bytes: await jpeg(canvas), type: TYPE };
}

/**
 * No options: upright is what every browser makes of a file unasked. The word for it, `from-image`, came only with iOS 16.4,
 * Chrome 112 and Firefox 111; the ones before refuse the whole call for it.
 * @param {Blob} file chosen or taken with the phone's own camera
 * @returns {Promise<ImageBitmap>} upright
 */
export function pictureOf(file) {
  return createImageBitmap(file);
}
