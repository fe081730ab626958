/**
 * What a hand in a glove notices without looking: a sound and a buzz of its own for each outcome.
 * @module
 */

/** @typedef {'go'|'again'|'warn'|'stop'|'shot'|'sealed'} Cue */
/** @typedef {{hz:number, from:number, for:number, wave:OscillatorType}} Tone seconds */

/** @type {Record<Cue, {tones:Tone[], buzz:number[]}>} */
const CUES = {
  go: {
    tones: [
      { hz: 1175, from: 0, for: 0.07, wave: "sine" },
      { hz: 1760, from: 0.07, for: 0.11, wave: "sine" },
    ],
    buzz: [60],
  },
  again: { tones: [{ hz: 660, from: 0, for: 0.06, wave: "sine" }], buzz: [25] },
  warn: {
    tones: [
      { hz: 520, from: 0, for: 0.13, wave: "triangle" },
      { hz: 520, from: 0.2, for: 0.13, wave: "triangle" },
    ],
    buzz: [90, 70, 90],
  },
  stop: { tones: [{ hz: 175, from: 0, for: 0.55, wave: "sawtooth" }], buzz: [350, 90, 350] },
  shot: { tones: [{ hz: 1900, from: 0, for: 0.03, wave: "square" }], buzz: [20] },
  sealed: {
    tones: [
      { hz: 659, from: 0, for: 0.12, wave: "sine" },
      { hz: 880, from: 0.12, for: 0.12, wave: "sine" },
      { hz: 1319, from: 0.24, for: 0.3, wave: "sine" },
    ],
    buzz: [40, 40, 120],
  },
};
const LOUD = 0.28;

export class Feedback {
  /** @type {AudioContext|null} */ #audio = null;
  /** @type {() => boolean} */ #soundOn;

  /** @param {() => boolean} soundOn asked at each cue */
  constructor(soundOn) {
    this.#soundOn = soundOn;
    // A browser gives sound only after a touch; the first one on any screen will do.
    addEventListener("pointerdown", () => this.#wake(), { capture: true });
    addEventListener("keydown", () => this.#wake(), { capture: true });
  }

  /** @param {Cue} cue */
  give(cue) {
    const { tones, buzz } = CUES[cue];
    // Before the first touch a browser refuses, and says so in its log.
    if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(buzz);
    if (!this.#soundOn() || !this.#audio || this.#audio.state !== "running") return;
    for (const tone of tones) this.#play(this.#audio, tone);
  }

  #wake() {
    if (typeof AudioContext === "undefined") return;
    this.#audio ??= new AudioContext();
    // iOS suspends it behind the lock screen; every touch brings it back.
    if (this.#audio.state !== "running") void this.#audio.resume().catch(() => undefined);
  }

  /** @param {AudioContext} audio @param {Tone} tone */
  #play(audio, { hz, from, for: length, wave }) {
    const at = audio.currentTime + from;
    const gain = audio.createGain();
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUD, at + 0.008);
    gain.gain.setValueAtTime(LOUD, at + Math.max(0.01, length - 0.03));
    gain.gain.linearRampToValueAtTime(0, at + length); // no click at the end
    const voice = audio.createOscillator();
    voice.type = wave;
    voice.frequency.value = hz;
    voice.connect(gain).connect(audio.destination);
    voice.start(at);
    voice.stop(at + length);
  }
}
