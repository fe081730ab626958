/**
 * The viewfinder of Scan, Photo and Enrol: the camera's picture, its light and zoom, and plain words when there is none.
 * @module
 */
import { t } from "../domain/words.js";
import { button, el, on, text, textOrHide } from "../ui/template.js";

/** @import {Camera, CameraState} from '../capture/camera.js' */

/** @type {Partial<Record<CameraState, [string, string]>>} */
const TROUBLE = {
  refused: [
    "The camera is not allowed",
    "Allow it for this page in the browser’s settings (the lock or the camera sign by the address).",
  ],
  missing: ["No camera found", "This phone shows no camera to Baton."],
  busy: ["The camera is in use", "Another app holds it. Close that app."],
  failed: ["The camera stopped", "It gives no picture any more."],
};

/**
 * @param {HTMLElement} screen
 * @param {Camera} camera
 * @param {string} wayOut what can be done without a camera, here
 * @returns {() => void} leave
 */
export function showCamera(screen, camera, wayOut) {
  const slot = el(screen, "view");
  const update = () => {
    const trouble = TROUBLE[camera.state];
    el(screen, "cam-msg").hidden = !trouble;
    slot.dataset.camera = camera.state;
    if (trouble) {
      text(screen, "cam-title", t(trouble[0]));
      text(screen, "cam-text", `${t(trouble[1])} ${wayOut}`);
    }
    if (screen.querySelector('[data-el="tools"]')) showTools(screen, camera);
  };
  if (screen.querySelector('[data-el="cam-retry"]')) {
    on(screen, "cam-retry", "click", () => void camera.start());
  }
  if (screen.querySelector('[data-el="tools"]')) wireTools(screen, camera);
  camera.addEventListener("state", update);
  update();
  void camera.attach(slot);
  return () => {
    camera.removeEventListener("state", update);
    camera.detach(slot);
  };
}

/** @param {HTMLElement} screen @param {Camera} camera */
function showTools(screen, camera) {
  const live = camera.state === "live";
  const torch = button(screen, "torch");
  torch.hidden = !live || !camera.abilities.torch;
  torch.setAttribute("aria-pressed", String(camera.torchOn));
  button(screen, "zoom").hidden = !live || !camera.abilities.zoom;
  textOrHide(screen, "zoom-text", `${camera.zoom}×`);
}

/** @param {HTMLElement} screen @param {Camera} camera */
function wireTools(screen, camera) {
  on(screen, "torch", "click", async () => {
    await camera.setTorch(!camera.torchOn).catch(() => undefined); // some phones promise a light and have none
    showTools(screen, camera);
  });
  on(screen, "zoom", "click", async () => {
    const most = camera.abilities.zoom?.max ?? 1;
    const steps = [1, 2, 3].filter((step) => step <= most);
    const next = steps[(steps.indexOf(camera.zoom) + 1) % steps.length] ?? 1;
    await camera.setZoom(next).catch(() => undefined);
    showTools(screen, camera);
  });
}
