/** Pictures in Node: bitmaps that are only a size and a mark, and a canvas that writes them as bytes of their own. */

class Canvas {
  width = 0;
  height = 0;
  #drawn = "";

  getContext() {
    return {
      drawImage: (source) => (this.#drawn = source.mark ?? "canvas"),
      getImageData: (x, y, width, height) => ({
        width,
        height,
        data: new Uint8ClampedArray(4 * width * height),
      }),
    };
  }

  toBlob(give, type) {
    const bytes = new TextEncoder().encode(`\xff\xd8 ${this.#drawn} ${this.width}×${this.height}`);
    setTimeout(() => give(new Blob([bytes], { type })), 5);
  }
}

let open = 0;

/** @param {string} mark what makes this picture another than others */
export function bitmap(mark) {
  open += 1;
  return { mark, width: 40, height: 30, close: () => (open -= 1) };
}

/** How many pictures are in memory. */
export const openBitmaps = () => open;

/** Puts the browser's drawing in its place for as long as `work` takes; a file is drawn after its name. */
export async function withCanvas(work) {
  globalThis.document = { createElement: () => new Canvas() };
  globalThis.createImageBitmap = async (source) => {
    if (source.isBroken) throw new DOMException("no picture", "InvalidStateError");
    return bitmap(source.name ?? source.mark);
  };
  try {
    await work();
  } finally {
    delete globalThis.document;
    delete globalThis.createImageBitmap;
  }
}
