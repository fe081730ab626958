/**
 * The tools of capture, made once: fetched when the first screen stands, or sooner by a screen that needs them.
 * @module
 */
import { Camera } from "../capture/camera.js";
import { Decoder } from "../capture/decoder.js";
import { keepAwake } from "../ui/wake.js";

/** @import {CaptureApp, CaptureScreen, Screen} from './context.js' */

/** @type {{camera:Camera, decoder:Decoder}|null} */
let tools = null;

/**
 * A screen that is given the camera and the decoder as well.
 * @param {CaptureScreen} screen
 * @returns {Screen}
 */
export function withTools(screen) {
  return (app, ...rest) => {
    tools ??= { camera: new Camera(), decoder: new Decoder() };
    keepAwake(true);
    return screen(/** @type {CaptureApp} */ (Object.assign(app, tools)), ...rest);
  };
}

/** On any other screen the camera's light goes out, and the phone's may. */
export function putAway() {
  keepAwake(false);
  tools?.camera.release();
}
