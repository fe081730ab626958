/**
 * Handing a rescue file to somebody: the phone's own sharing where it takes such files, else a download.
 * @module
 */

const KEPT_MS = 600_000; // a slow memory card may still be reading it

/**
 * Where a foreign ending is refused, the same bytes go as a zip.
 * @param {File} file
 * @returns {File|null} what may be shared here, null where only a download is left
 */
export function shareable(file) {
  if (!navigator.canShare) return null;
  const zip = new File([file], file.name.replace(/\.baton$/, ".zip"), { type: file.type });
  return [file, zip].find((one) => navigator.canShare({ files: [one] })) ?? null;
}

/**
 * @param {File} file as `shareable` gave it
 * @returns {Promise<boolean>} false: the person thought better of it
 * @throws {DOMException} when it cannot be shared after all
 */
export async function share(file) {
  try {
    await navigator.share({ files: [file], title: file.name });
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    throw error;
  }
}

/** Leaves the file among the phone's downloads. @param {File} file */
export function save(file) {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
