/**
 * The door a parcel goes to, on a driver's own run: whose it is, where, and the way there.
 * @module
 */
import { t } from "../domain/words.js";
import { button, el, part, setIcon, text, textOrHide } from "../ui/template.js";

/** @import {Parcel} from '../domain/types.js' */

/**
 * What opens an address in the maps that are on this phone, with no network too where they keep theirs.
 * @param {string} address
 * @param {string} [agent]
 * @returns {string|null} null where nothing would open
 */
export function mapLink(address, agent = navigator.userAgent) {
  const asked = encodeURIComponent(address);
  if (/iPhone|iPad|iPod/.test(agent)) return `https://maps.apple.com/?q=${asked}`;
  return /Android/.test(agent) ? `geo:0,0?q=${asked}` : null;
}

/** A house's number before its street, as it is written in some countries: `No. 12A, ` or `14/2 `. */
const HOUSE = /^(?:(?:no|lot|unit|blk|blok|block)\b[.:]?\s*)?#?\d[\d/-]*[a-z]?\b[,\s]+/i;

/** @param {string} address its parts from the house to the postcode @returns {string} by which it is put in order */
function areaFirst(address) {
  const house = HOUSE.exec(address)?.[0] ?? "";
  const parts = address.slice(house.length).split(", ");
  return [...parts.slice(-1), ...parts, house].join(", ");
}

/**
 * Area by area, street by street, house by house; what has no address keeps its order behind them.
 * @param {string[]} codes
 * @param {(code: string) => Parcel|null} parcelOf
 * @returns {string[]}
 */
export function byDoor(codes, parcelOf) {
  const keyOf = (/** @type {string} */ code) => {
    const address = parcelOf(code)?.recipient?.address;
    return address ? areaFirst(address) : "";
  };
  const keys = new Map(codes.map((code) => [code, keyOf(code)]));
  const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;
  return [...codes].sort((a, b) => {
    const [one, other] = [keys.get(a) ?? "", keys.get(b) ?? ""];
    return one && other ? inOrder(one, other) : Number(!one) - Number(!other);
  });
}

/**
 * Fills a row's name, address and ways; a parcel without a recipient, or that is scanned already, has no ways.
 * @param {HTMLElement} line
 * @param {Parcel|null} parcel
 * @param {boolean} isToGo
 */
export function showDoor(line, parcel, isToGo) {
  const { name, address } = parcel?.recipient ?? { name: "", address: "" };
  textOrHide(line, "who", name || null);
  textOrHide(line, "address", address || null);
  const map = part(line, "map", HTMLAnchorElement);
  const copy = button(line, "copy");
  const link = mapLink(address);
  map.hidden = !isToGo || !address || link === null;
  copy.hidden = !isToGo || !address;
  if (link !== null) map.href = link;
  text(line, "map-text", t("Map to {name}", { name: name || address }));
  text(line, "copy-text", t("Copy the address of {name}", { name: name || address }));
  copy.addEventListener("click", () => void copyOut(line, address));
}

/** Told in the row, as the sheet lies over every toast; what may not be copied is marked for a hand to do it. @param {HTMLElement} line @param {string} address */
async function copyOut(line, address) {
  const isCopied = await navigator.clipboard.writeText(address).then(
    () => true,
    () => false,
  );
  setIcon(line, "copy-icon", isCopied ? "check" : "copy");
  text(line, "copied", isCopied ? t("Copied.") : t("This phone did not let Baton copy it."));
  if (!isCopied) getSelection()?.selectAllChildren(el(line, "address"));
}
