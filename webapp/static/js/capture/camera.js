/**
 * One camera stream for a whole handover: Scan and Photo share it, hiding stops it, showing brings it back.
 * @module
 */

/** @typedef {'off'|'starting'|'live'|'refused'|'missing'|'busy'|'failed'} CameraState */
/** @typedef {{torch:boolean, zoom:{min:number, max:number}|null}} Abilities */

const CONSTRAINTS = {
  audio: false,
  video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
};
/** A live stream that shows no new picture for this long is dead, whatever it says (iOS after a call or a lock). */
const STALLED_MS = 3000;
const MAX_REVIVALS = 3;

/** Events: `state` whenever `state` changed. */
export class Camera extends EventTarget {
  /** @type {CameraState} */ state = "off";
  /** @type {Abilities} */ abilities = { torch: false, zoom: null };
  torchOn = false;
  zoom = 1;
  /** @type {MediaStream|null} */ #stream = null;
  /** @type {HTMLElement|null} */ #slot = null;
  #starting = 0;
  #lastTime = -1;
  #lastMoved = 0;
  #revivals = 0;
  #watch = 0;

  constructor() {
    super();
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.setAttribute("aria-hidden", "true");
    document.addEventListener("visibilitychange", () => this.#visibility());
    addEventListener("pagehide", () => this.#stop("off"));
  }

  /**
   * Shows the picture in this box and starts the stream unless it already runs.
   * @param {HTMLElement} slot
   */
  async attach(slot) {
    this.#slot = slot;
    slot.prepend(this.video);
    if (this.#stream?.active) {
      await this.#play(); // moving a video in the document pauses it
      this.#set("live");
    } else {
      await this.start();
    }
  }

  /** The screen is left; the stream runs on for the next one until `release`. @param {HTMLElement} slot */
  detach(slot) {
    if (this.#slot === slot) this.#slot = null;
  }

  /** The handover is over or left: the light on the phone goes out. */
  release() {
    this.#slot = null;
    this.#stop("off");
  }

  /** Asks for the camera, again after a refusal too. */
  async start() {
    const mine = ++this.#starting;
    this.#set("starting");
    try {
      if (!navigator.mediaDevices?.getUserMedia) {
        throw new DOMException("no camera in this browser", "NotFoundError");
      }
      const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
      if (mine !== this.#starting || !this.#slot) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.#adopt(stream);
      await this.#play();
      this.#set("live");
    } catch (error) {
      if (mine === this.#starting) this.#stop(reason(error));
    }
  }

  /** @returns {MediaStreamTrack|null} */
  get track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  /** @param {boolean} on */
  async setTorch(on) {
    await this.#apply({ torch: on });
    this.torchOn = on;
  }

  /** @param {number} factor */
  async setZoom(factor) {
    await this.#apply({ zoom: factor });
    this.zoom = factor;
  }

  /** @param {Record<string, unknown>} wish torch and zoom are in no standard typing yet */
  async #apply(wish) {
    await this.track?.applyConstraints(/** @type {MediaTrackConstraints} */ ({ advanced: [wish] }));
  }

  /** @param {MediaStream} stream */
  #adopt(stream) {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = stream;
    this.video.srcObject = stream;
    const track = stream.getVideoTracks()[0];
    track?.addEventListener("ended", () => this.#revive());
    this.abilities = abilitiesOf(track);
    this.torchOn = false;
    this.zoom = 1;
    this.#lastMoved = performance.now();
    clearInterval(this.#watch);
    this.#watch = window.setInterval(() => this.#check(), 1000);
  }

  async #play() {
    try {
      await this.video.play();
    } catch (error) {
      // AbortError: another play or a move in the document took over; the watch sees a picture that stands still.
      if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
    }
  }

  /** Looks whether the picture moves on. */
  #check() {
    if (this.state !== "live" || document.visibilityState !== "visible") return;
    const now = performance.now();
    if (this.video.currentTime !== this.#lastTime) {
      this.#lastTime = this.video.currentTime;
      this.#lastMoved = now;
      this.#revivals = 0;
    } else if (now - this.#lastMoved > STALLED_MS) {
      this.#revive();
    }
  }

  #revive() {
    if (!this.#slot || document.visibilityState !== "visible") return;
    this.#lastMoved = performance.now();
    if (++this.#revivals > MAX_REVIVALS) this.#stop("failed");
    else void this.start();
  }

  #visibility() {
    if (document.visibilityState === "hidden") this.#stop("off");
    else if (this.#slot) void this.start();
  }

  /** @param {CameraState} state */
  #stop(state) {
    this.#starting++;
    clearInterval(this.#watch);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.video.srcObject = null;
    this.#set(state);
  }

  /** @param {CameraState} state */
  #set(state) {
    if (state === this.state && state !== "live") return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** @param {unknown} error @returns {CameraState} */
function reason(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "failed";
}

/** @param {MediaStreamTrack|undefined} track @returns {Abilities} */
function abilitiesOf(track) {
  const can = /** @type {{torch?:boolean, zoom?:{min:number, max:number}}} */ (
    track?.getCapabilities?.() ?? {}
  );
  const zoom = can.zoom && can.zoom.max > can.zoom.min ? { min: can.zoom.min, max: can.zoom.max } : null;
  return { torch: can.torch === true, zoom };
}
