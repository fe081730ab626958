/**
 * Keeps the screen lit while somebody scans, where the phone can.
 * @module
 */

/** @type {WakeLockSentinel|null} */
let lock = null;
let wanted = false;

async function take() {
  if (!wanted || lock || document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => {
      lock = null;
    });
  } catch {
    lock = null; // battery saver says no: the screen dims, nothing is lost
  }
}
document.addEventListener("visibilitychange", () => void take());

/** @param {boolean} on */
export function keepAwake(on) {
  wanted = on;
  if (on) void take();
  else void lock?.release();
}
