/**
 * The pad: draws with signature_pad, keeps the strokes through rotation, and gives a PNG in ink on white.
 * @module
 */
import SignaturePad from "../../vendor/signature_pad-5.1.2/signature_pad.js";
import { fitStrokes, isSigned, toStrokes } from "./strokes.js";

/** @import {Stroke} from './strokes.js' */

const INK = "#0a1a3f";
const PAPER = "#ffffff";
/** Width of the PNG in px: enough for a court, small enough for 2G. */
const PNG_WIDTH = 720;

/** Events: `stroke` after each stroke, `clear`. */
export class Signature extends EventTarget {
  /** @type {HTMLCanvasElement} */ #canvas;
  /** @type {SignaturePad} */ #pad;
  /** @type {ResizeObserver} */ #sizes;
  /** @type {Stroke[]} */ strokes = [];

  /** @param {HTMLCanvasElement} canvas @param {Stroke[]} strokes from a draft */
  constructor(canvas, strokes) {
    super();
    this.#canvas = canvas;
    this.strokes = strokes;
    this.#pad = new SignaturePad(canvas, {
      penColor: INK,
      backgroundColor: PAPER,
      minWidth: 0.9,
      maxWidth: 2.8,
    });
    this.#pad.addEventListener("endStroke", () => this.#ended());
    this.#sizes = new ResizeObserver(() => this.#fit());
    this.#sizes.observe(canvas);
  }

  /** @returns {boolean} more than a dot */
  get isSigned() {
    return isSigned(this.strokes);
  }

  clear() {
    this.strokes = [];
    this.#wipe();
    this.dispatchEvent(new Event("clear"));
  }

  /** @returns {Promise<{bytes:ArrayBuffer, type:'image/png'}>} */
  async png() {
    const ratio = this.#canvas.clientHeight / Math.max(1, this.#canvas.clientWidth);
    const canvas = document.createElement("canvas");
    canvas.width = PNG_WIDTH;
    canvas.height = Math.round(PNG_WIDTH * ratio);
    const pad = new SignaturePad(canvas, {
      penColor: INK,
      backgroundColor: PAPER,
      minWidth: 1.6,
      maxWidth: 5,
    });
    pad.clear();
    this.#draw(pad, canvas.width, canvas.height);
    pad.off();
    const blob = await new Promise((/** @type {(blob: Blob|null) => void} */ resolve) =>
      canvas.toBlob(resolve, "image/png"),
    );
    if (!blob) throw new Error("this phone cannot write PNG");
    return { bytes: await blob.arrayBuffer(), type: "image/png" };
  }

  /** Stops listening. */
  close() {
    this.#sizes.disconnect();
    this.#pad.off();
  }

  #ended() {
    this.strokes = toStrokes(this.#pad.toData(), this.#canvas.clientWidth);
    this.dispatchEvent(new Event("stroke"));
  }

  /** A canvas loses its picture when its size changes: set the size, draw the strokes again. */
  #fit() {
    const ratio = Math.max(1, devicePixelRatio);
    const width = Math.round(this.#canvas.clientWidth * ratio);
    const height = Math.round(this.#canvas.clientHeight * ratio);
    if (width === 0 || (width === this.#canvas.width && height === this.#canvas.height)) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.getContext("2d")?.scale(ratio, ratio);
    this.#wipe();
    this.#draw(this.#pad, this.#canvas.clientWidth, this.#canvas.clientHeight);
  }

  /** A stroke that is being drawn ends here: cleared under it, the pad would wait for its end for ever and take no other. */
  #wipe() {
    this.#pad.off();
    this.#pad.clear();
    this.#pad.on();
  }

  /** @param {SignaturePad} pad @param {number} width @param {number} height */
  #draw(pad, width, height) {
    const { dotSize, minWidth, maxWidth, penColor, velocityFilterWeight, compositeOperation } = pad;
    const look = { dotSize, minWidth, maxWidth, penColor, velocityFilterWeight, compositeOperation };
    pad.fromData(fitStrokes(this.strokes, width, height).map((points) => ({ ...look, points })));
  }
}
