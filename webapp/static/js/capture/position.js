/**
 * Where the phone is, when it says so in time: never waited for, never asked twice in a handover.
 * @module
 */

const WAIT_MS = 20_000;
const FRESH_MS = 60_000;

/**
 * @returns {Promise<{lat:number, lon:number, accuracy_m:number}|null>} null when refused, unknown or too slow
 */
export function whereAmI() {
  if (!navigator.geolocation) return Promise.resolve(null);
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        resolve({
          lat: Number(coords.latitude.toFixed(6)),
          lon: Number(coords.longitude.toFixed(6)),
          accuracy_m: Math.round(coords.accuracy),
        }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: FRESH_MS },
    );
  });
}
