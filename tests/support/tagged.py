"""Photos that show real tags: what a check can read, for the tests of checks."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from webapp.services.tags import parcel_code128, parcel_qr


def tagged(
    *codes: str,
    words: str = "",
    size: tuple[int, int] = (800, 600),
    module: int = 5,
    quality: int = 82,
    seed: int = 1,
) -> bytes:
    """A JPEG of boxes on a counter with the tags of these codes side by side; another seed is another counter."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(90, 190, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = (int(v) for v in rng.integers(0, size[0], 2))
        w, h = (int(v) for v in rng.integers(30, 200, 2))
        draw.rectangle((x, y, x + w, y + h), fill=tuple(int(v) for v in rng.integers(40, 215, 3)))
    for number, code in enumerate(codes):
        symbol = parcel_qr(code)
        side = symbol.width * module
        dots = Image.fromarray(np.where(np.array(symbol.rows), 0, 245).astype(np.uint8))
        at = (40 + number * (side + 40), 200)
        image.paste(dots.resize((side, side), Image.Resampling.NEAREST), at)
    if words:
        draw.text((60, 60), words, fill="black", font_size=40)
    return saved(image, quality)


def barred(text: str, seed: int = 1) -> bytes:
    """A photo of a carrier's label alone: the bars of its tracking number."""
    whole = Image.open(io.BytesIO(tagged(seed=seed)))
    symbol = parcel_code128(text)
    dots = Image.fromarray(np.where(np.array(symbol.rows), 0, 245).astype(np.uint8))
    whole.paste(dots.resize((symbol.width * 3, 160), Image.Resampling.NEAREST), (60, 200))
    return saved(whole, 85)


def saved(image: Image.Image, quality: int = 85) -> bytes:
    """As a JPEG file."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
