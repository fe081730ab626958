/** Pictures as small as a decoder's first look lets them be, each with bytes of its own. */

const FRAME = [0xff, 0xc0, 0x00, 0x11, 0x08, 0x01, 0xe0, 0x02, 0x80, 0x03];
const COMPONENTS = [0x01, 0x22, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11, 0x01, 0xff, 0xd9];
const MOST = 60_000; // in one comment of a JPEG

export function photo(draw, size) {
  const bytes = new Uint8Array(size + 64);
  bytes.set([0xff, 0xd8]);
  let at = 2;
  for (let left = size; left > 0; left -= MOST) {
    const length = Math.min(left, MOST) + 2;
    bytes.set([0xff, 0xfe, length >> 8, length & 0xff], at);
    draw.fill(bytes.subarray(at + 4, at + 20));
    at += length + 2;
  }
  bytes.set([...FRAME, ...COMPONENTS], at);
  return bytes.buffer.slice(0, at + FRAME.length + COMPONENTS.length);
}

export function signature(draw) {
  const bytes = new Uint8Array(300);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  bytes.set([0, 0, 2, 88, 0, 0, 0, 240, 8, 6, 0, 0, 0], 16);
  draw.fill(bytes.subarray(40, 80));
  return bytes.buffer;
}
