/**
 * Feeds the decoding worker with the camera's frames, one at a time, and tells what it reads.
 * @module
 */
import { fitWithin, lookAt, QR_SIDE } from "./regions.js";

/** @import {Answer, Symbol} from './decode-worker.js' */
/** @import {Look} from './regions.js' */
/** @typedef {{text:string, format:string, frame:number, at:number}} Read */

/**
 * Imports decode-worker.js. It has an address of its own under /app/: a worker is served by the service worker whose scope
 * its address lies in, so one under /static/ would not start without a network.
 */
const WORKER = "/app/decode.js";
/** A frame that takes longer than this has lost its worker. */
const DEADLINE_MS = 8000;
/** No more than this many looks a second: the phone stays cool and the picture fluid. */
const PAUSE_MS = 40;

/** So many failures in a row, and the reader is called broken. */
const MOST_FAILURES = 3;
/** A broken reader is tried again by itself, without heating the phone. */
const BROKEN_PAUSE_MS = 3000;

/** Events: `read` (`CustomEvent<Read>`), `health` when `isBroken` changed. */
export class Decoder extends EventTarget {
  /** @type {Worker|null} */ #worker = null;
  /** @type {Map<number, (answer: Answer) => void>} */ #waiting = new Map();
  #nextId = 1;
  #run = 0;
  #frame = 0;
  #turn = 0;
  /** @type {(() => void)|null} ends the pause of a broken reader */ #wake = null;
  #failures = 0;
  /** Nothing can be read by camera, now: the code is typed, or `retry`. The first answer ends it. */
  isBroken = false;
  /** Milliseconds the last frame took in the worker. */
  lastMs = 0;

  /** Begins loading the worker and its wasm before it is needed. */
  warm() {
    this.#ensure();
  }

  /** Begins anew with a new worker, as if nothing had failed. */
  retry() {
    this.#drop();
    this.#failures = 0;
    this.#setBroken(false);
    this.#wake?.();
    this.#ensure();
  }

  /** Reads this video until `stop`. @param {HTMLVideoElement} video */
  start(video) {
    void this.#loop(video, ++this.#run);
  }

  /** Stops reading; the worker stays warm. */
  stop() {
    this.#run++;
  }

  /**
   * Every tag in a still picture, at its full size.
   * @param {ImageBitmap} picture is handed over and closed
   * @returns {Promise<Symbol[]>} none as well when no worker can be had
   */
  async still(picture) {
    const { width, height, scale } = fitWithin(picture.width, picture.height, QR_SIDE);
    /** @type {Look[]} */
    const looks = [{ format: "QRCodeModel2", width, height, scale, angle: 0 }];
    if (scale < 1) {
      looks.push({
        format: "QRCodeModel2",
        width: picture.width,
        height: picture.height,
        scale: 1,
        angle: 0,
      });
    }
    const answer = await this.#send(picture, looks, 8);
    return answer?.symbols ?? [];
  }

  /** @param {HTMLVideoElement} video @param {number} run */
  async #loop(video, run) {
    /** @type {Look|null} */
    let again = null;
    while (run === this.#run) {
      if (this.isBroken) await this.#pause();
      await nextFrame(video);
      if (run !== this.#run) return;
      if (video.readyState < 2 || video.videoWidth === 0) continue;
      /** @type {Look} */
      const look = again ?? lookAt(++this.#turn, video.videoWidth, video.videoHeight);
      const symbols = await this.#grab(video, look);
      if (run !== this.#run) return;
      // Where a Code 128 was just read is looked at once more, because two frames must agree.
      again = look.format === "Code128" && symbols.length > 0 && again === null ? look : null;
      this.#tell(symbols);
    }
  }

  /** @returns {Promise<void>} */
  #pause() {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, BROKEN_PAUSE_MS);
    });
  }

  /** @param {Symbol[]} symbols of one frame */
  #tell(symbols) {
    const frame = ++this.#frame;
    for (const { text, format } of symbols) {
      const read = { text, format, frame, at: performance.now() };
      this.dispatchEvent(new CustomEvent("read", { detail: read }));
    }
  }

  /** @param {HTMLVideoElement} video @param {Look} look @returns {Promise<Symbol[]>} */
  async #grab(video, look) {
    try {
      const answer = await this.#send(await takeFrame(video, look), [look], 1);
      this.lastMs = answer?.ms ?? 0;
      return answer?.symbols ?? [];
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return []; // the camera went away between two frames
    }
  }

  /** @param {ImageBitmap|ImageData} frame @param {Look[]} looks @param {number} max @returns {Promise<Answer|null>} */
  async #send(frame, looks, max) {
    const worker = this.#ensure();
    if (!worker) {
      this.#count(null);
      return null;
    }
    const id = this.#nextId++;
    const answered = new Promise((/** @type {(answer: Answer|null) => void} */ resolve) => {
      const timer = setTimeout(() => {
        this.#drop();
        resolve(null);
      }, DEADLINE_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
    worker.postMessage(
      { id, looks, max, frame },
      frame instanceof ImageBitmap ? [frame] : [frame.data.buffer],
    );
    const answer = await answered;
    this.#waiting.delete(id);
    this.#count(answer);
    return answer;
  }

  /** @param {Answer|null} answer */
  #count(answer) {
    this.#failures = answer && !answer.problem ? 0 : this.#failures + 1;
    if (this.#failures === 0) this.#setBroken(false);
    if (this.#failures < MOST_FAILURES) return;
    this.#drop(); // one that began badly, with half a wasm, stays bad
    this.#setBroken(true);
  }

  /** @param {boolean} isBroken */
  #setBroken(isBroken) {
    if (isBroken === this.isBroken) return;
    this.isBroken = isBroken;
    this.dispatchEvent(new Event("health"));
  }

  #ensure() {
    if (this.#worker) return this.#worker;
    try {
      const worker = new Worker(WORKER, { type: "module" });
      worker.addEventListener("message", (/** @type {MessageEvent<Answer>} */ { data }) =>
        this.#waiting.get(data.id)?.(data),
      );
      worker.addEventListener("error", () => this.#drop());
      this.#worker = worker;
    } catch {
      this.#worker = null; // a browser without module workers; it is counted where it was needed
    }
    return this.#worker;
  }

  /** A worker that died or hangs is replaced at the next frame. */
  #drop() {
    this.#worker?.terminate();
    this.#worker = null;
    for (const [id, resolve] of this.#waiting) {
      resolve({ id, symbols: [], ms: 0, problem: "the reader stopped" });
    }
  }
}

/** @param {HTMLVideoElement} video @returns {Promise<void>} at the next new picture, or after a while without one */
function nextFrame(video) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 400);
    const done = () => {
      clearTimeout(timer);
      setTimeout(resolve, PAUSE_MS);
    };
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(done);
    else requestAnimationFrame(done);
  });
}

/** @type {HTMLCanvasElement|null} */
let canvas = null;

/**
 * The frame for the worker: a bitmap that it cuts itself, or, where the worker has no canvas, the pixels.
 * @param {HTMLVideoElement} video
 * @param {Look} look
 * @returns {Promise<ImageBitmap|ImageData>}
 */
async function takeFrame(video, look) {
  if (typeof OffscreenCanvas !== "undefined") return createImageBitmap(video);
  canvas ??= document.createElement("canvas");
  canvas.width = look.width;
  canvas.height = look.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new DOMException("no 2d context", "InvalidStateError");
  context.translate(look.width / 2, look.height / 2);
  context.rotate((look.angle * Math.PI) / 180);
  context.scale(look.scale, look.scale);
  context.drawImage(video, -video.videoWidth / 2, -video.videoHeight / 2);
  return context.getImageData(0, 0, look.width, look.height);
}
