/**
 * Module worker: turns a frame into barcode texts with zxing, off the page's thread. Serves one request at a time.
 * @module
 */
import { prepareZXingModule, readBarcodes } from "../../vendor/zxing-wasm-3.1.4/reader/index.js";

/** @import {ReaderOptions} from '../../vendor/zxing-wasm-3.1.4/reader/index.js' */
/** @import {Look} from './regions.js' */
/** @typedef {{text:string, format:string, corners:{x:number, y:number}[]}} Symbol corners in the pixels of the whole frame */
/** @typedef {{id:number, looks:Look[], max:number, frame:ImageBitmap|ImageData}} Request */
/** @typedef {{id:number, symbols:Symbol[], ms:number, problem?:string}} Answer */

const WASM = new URL("../../vendor/zxing-wasm-3.1.4/reader/zxing_reader.wasm", import.meta.url).href;
prepareZXingModule({ overrides: { locateFile: () => WASM } });

/** @type {OffscreenCanvas|null} */
let canvas = null;

/**
 * The part of the frame that is looked at, as pixels.
 * @param {ImageBitmap|ImageData} frame
 * @param {Look} look
 * @returns {ImageData}
 */
function pixels(frame, look) {
  if (frame instanceof ImageData) return frame;
  canvas ??= new OffscreenCanvas(1, 1);
  canvas.width = look.width;
  canvas.height = look.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no 2d context");
  context.translate(look.width / 2, look.height / 2);
  context.rotate((look.angle * Math.PI) / 180);
  context.scale(look.scale, look.scale);
  context.drawImage(frame, -frame.width / 2, -frame.height / 2);
  return context.getImageData(0, 0, look.width, look.height);
}

/**
 * A corner found in the turned, scaled part, back in the whole frame.
 * @param {{x:number, y:number}} point
 * @param {Look} look
 * @param {{width:number, height:number}} frame
 */
function back({ x, y }, look, frame) {
  const turn = (-look.angle * Math.PI) / 180;
  const dx = (x - look.width / 2) / look.scale;
  const dy = (y - look.height / 2) / look.scale;
  return {
    x: frame.width / 2 + dx * Math.cos(turn) - dy * Math.sin(turn),
    y: frame.height / 2 + dx * Math.sin(turn) + dy * Math.cos(turn),
  };
}

/** @param {Request} request @returns {Promise<Symbol[]>} */
async function decode({ frame, looks, max }) {
  for (const look of looks) {
    /** @type {ReaderOptions} */
    const options = {
      formats: [look.format],
      tryInvert: false,
      maxNumberOfSymbols: max,
      tryHarder: true,
      tryRotate: true,
      tryDownscale: true,
    };
    const found = await readBarcodes(pixels(frame, look), options);
    if (found.length > 0) {
      return found.map(({ text, format, position: p }) => ({
        text,
        format,
        corners: [p.topLeft, p.topRight, p.bottomRight, p.bottomLeft].map((corner) =>
          back(corner, look, frame),
        ),
      }));
    }
  }
  return [];
}

addEventListener("message", async (/** @type {MessageEvent<Request>} */ { data }) => {
  const began = performance.now();
  /** @type {Answer} */
  let answer;
  try {
    answer = { id: data.id, symbols: await decode(data), ms: performance.now() - began };
  } catch (error) {
    answer = { id: data.id, symbols: [], ms: performance.now() - began, problem: String(error) };
  }
  if (data.frame instanceof ImageBitmap) data.frame.close();
  postMessage(answer);
});
