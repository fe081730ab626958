#!/usr/bin/env node
/**
 * Copy the pinned browser libraries out of node_modules into webapp/static/vendor.
 *
 * The copies are committed, so that running and installing Baton needs no Node. `vendor.lock.json`
 * names every copied file with its sha256; tests/structure/test_vendor.py compares both without Node.
 *
 *   node scripts/vendor.mjs           write the copies and the lock
 *   node scripts/vendor.mjs --check   fail when the committed copies are not what npm has
 *
 * To take a newer version: change package.json, `npm install`, `npm run vendor`, then change the
 * version in the import paths (the version is in the path, so a cached old file can never be mixed in).
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, "node_modules");
const VENDOR = join(ROOT, "webapp", "static", "vendor");
const LOCK = "vendor.lock.json";

/** Icons of the sprite: lucide's own names. */
const ICONS = `
  archive arrow-left arrow-right ban battery-low bell book-open building-2 calendar camera check check-check
  chevron-down chevron-left chevron-right circle circle-alert circle-check circle-help circle-x clipboard-check
  clipboard-list clock copy download ellipsis-vertical external-link eye file-text filter flag flashlight
  flashlight-off gavel hand hard-drive history house image inbox info key-round keyboard languages layout-dashboard link
  list lock log-in log-out map-pin menu minus moon move-right octagon-alert package package-check package-open
  package-plus package-x panel-left pen-line phone plus printer qr-code refresh-cw rotate-ccw save scan-barcode
  scan-line search send settings shield-check signature smartphone square-check-big store sun switch-camera tag
  trash-2 triangle-alert truck undo-2 undo upload user users volume-2 volume-x wifi wifi-off x zap zoom-in zoom-out
`
  .trim()
  .split(/\s+/);

/**
 * What is copied: package, folder name, and files as [path in the package, path in the folder].
 * A path ending in "/*.d.ts" takes every declaration of that folder (for `tsc --checkJs`).
 */
const PACKAGES = [
  { name: "htmx.org", as: "htmx", files: [["dist/htmx.min.js", "htmx.min.js"]] },
  {
    name: "idb",
    as: "idb",
    files: [
      ["build/index.js", "index.js"],
      ["build/*.d.ts", ""],
    ],
  },
  {
    name: "signature_pad",
    as: "signature_pad",
    files: [
      ["dist/signature_pad.js", "signature_pad.js"],
      ["dist/types/*.d.ts", ""],
    ],
  },
  {
    name: "zxing-wasm",
    as: "zxing-wasm",
    files: [
      ["dist/es/share.js", "share.js"],
      ["dist/es/reader/index.js", "reader/index.js"],
      ["dist/reader/zxing_reader.wasm", "reader/zxing_reader.wasm"],
      ["dist/es/*.d.ts", ""],
      ["dist/es/reader/*.d.ts", "reader"],
      ["dist/es/bindings/*.d.ts", "bindings"],
      ["dist/es/types/*.d.ts", "types"],
    ],
  },
  { name: "lucide-static", as: "lucide", files: [], sprite: ICONS },
];

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const version = (name) => JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8")).version;

/** One SVG file with a <symbol> for each icon, drawn with `<use href="…/sprite.svg#camera">`. */
function sprite(name, icons) {
  const symbols = [...icons].sort().map((icon) => {
    const svg = readFileSync(join(MODULES, name, "icons", `${icon}.svg`), "utf8");
    const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    const look =
      'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
    return `<symbol id="${icon}" ${look}>${body.replace(/\s*\n\s*/g, "")}</symbol>`;
  });
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

/** The files of one package as [path in its vendor folder, bytes], its licence first. */
function* copies({ name, files, sprite: icons }) {
  yield ["LICENSE", readFileSync(join(MODULES, name, "LICENSE"))];
  if (icons) yield ["sprite.svg", sprite(name, icons)];
  for (const [from, to] of files) {
    if (!from.endsWith("/*.d.ts")) {
      yield [to, readFileSync(join(MODULES, name, from))];
      continue;
    }
    const folder = join(MODULES, name, dirname(from));
    const declarations = readdirSync(folder).filter((file) => file.endsWith(".d.ts"));
    for (const file of declarations.sort()) {
      yield [to ? `${to}/${file}` : file, readFileSync(join(folder, file))];
    }
  }
}

/** Everything the vendor folder must hold: path → bytes, the lock file included. */
function wanted() {
  const out = new Map();
  const lock = [];
  for (const entry of PACKAGES) {
    const folder = `${entry.as}-${version(entry.name)}`;
    const files = {};
    for (const [path, bytes] of copies(entry)) {
      out.set(`${folder}/${path}`, bytes);
      files[path] = sha256(bytes);
    }
    lock.push({ package: entry.name, version: version(entry.name), folder, files });
  }
  out.set(LOCK, Buffer.from(`${JSON.stringify(lock, null, 2)}\n`));
  return out;
}

/** Paths of all files under the vendor folder, relative to it. */
const present = () =>
  readdirSync(VENDOR, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(VENDOR.length + 1));

function check(files) {
  const found = new Set(present());
  const wrong = [...files].filter(
    ([path, bytes]) => !found.delete(path) || !readFileSync(join(VENDOR, path)).equals(bytes),
  );
  const names = [
    ...wrong.map(([path]) => `differs or is missing: ${path}`),
    ...[...found].map((path) => `not listed: ${path}`),
  ];
  for (const line of names) console.error(`vendor: ${line}`);
  return names.length === 0;
}

function write(files) {
  rmSync(VENDOR, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(VENDOR, path)), { recursive: true });
    writeFileSync(join(VENDOR, path), bytes);
  }
  console.log(`vendor: ${files.size} files`);
}

const files = wanted();
if (!process.argv.includes("--check")) write(files);
else if (!check(files)) process.exit(1);
