"""Pictures that nobody's camera made: cut, bent, bombs, two things at once. Each with the verdicts it may get.

`hostile(number)` makes the same picture for the same number; 300 of them go through every kind many times.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, PngImagePlugin

SEEN = "seen"
BROKEN = "picture-broken"
LARGE = "picture-too-large"
FOREIGN = "media-unsupported"
GIVEN_UP = frozenset({"check-overran", "check-crashed", "check-too-large"})
Made = tuple[bytes, frozenset[str]]


def _image(rng: random.Random, size: tuple[int, int] = (640, 480), mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (size[1] // 8, size[0] // 8, 3))
    return Image.fromarray(noise.astype(np.uint8)).resize(size).convert(mode)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(width: int, height: int, body: bytes, *extra: bytes, depth: int = 8, colour: int = 2) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def truncated(rng: random.Random) -> Made:
    """A good file whose tail never came."""
    kind = rng.choice(["JPEG", "PNG", "WEBP"])
    whole = _saved(_image(rng), kind)
    return whole[: rng.randrange(2, len(whole) - 40)], frozenset({BROKEN, FOREIGN})


def bitten(rng: random.Random) -> Made:
    """A good file with bytes changed anywhere; a decoder may still make a picture of it."""
    whole = bytearray(_saved(_image(rng), rng.choice(["JPEG", "PNG", "WEBP"])))
    for _ in range(rng.randrange(1, 60)):
        whole[rng.randrange(len(whole))] = rng.randrange(256)
    return bytes(whole), frozenset({SEEN, BROKEN, LARGE, FOREIGN})


def declared_huge(rng: random.Random) -> Made:
    """A few bytes that say they are gigapixels."""
    side = rng.choice([20_000, 65_535, 2**31 - 1])
    if rng.random() < 0.5:
        return _png(side, side, zlib.compress(b"\0" * 100)), frozenset({LARGE})
    whole = bytearray(_saved(_image(rng), "JPEG"))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", 65_535, 65_535)
    return bytes(whole), frozenset({LARGE})


def bomb(rng: random.Random) -> Made:
    """Within the pixels allowed, and all of them one colour: kilobytes that unfold to hundreds of megabytes."""
    width, height = rng.choice([(7000, 7000), (11_900, 4000), (4000, 11_900)])
    row = b"\0" + bytes([rng.randrange(256)]) * (width * 3)
    packer = zlib.compressobj(1)
    body = b"".join([packer.compress(row) for _ in range(height)]) + packer.flush()
    return _png(width, height, body), frozenset({SEEN})


def text_bomb(rng: random.Random) -> Made:
    """A small picture with a text chunk that unfolds to a hundred megabytes."""
    packed = zlib.compress(b"A" * 100_000_000, 9)
    chunk = _chunk(rng.choice([b"zTXt", b"iCCP"]), b"profile\0\0" + packed)
    rows = (b"\0" + b"\x80" * 192) * 64
    return _png(64, 64, zlib.compress(rows), chunk), frozenset({SEEN, BROKEN, LARGE})


def polyglot(rng: random.Random) -> Made:
    """One thing by its first bytes, another by the rest."""
    kinds = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]
    first, second = rng.sample(kinds, 2)
    head = _saved(_image(rng), first)[: rng.randrange(4, 40)]
    return head + _saved(_image(rng), second) + b"<script>alert(1)</script>", frozenset(
        {BROKEN, FOREIGN, LARGE}
    )


def foreign(rng: random.Random) -> Made:
    """No picture at all, or of a kind that is not taken."""
    made = rng.choice(
        [
            _saved(_image(rng), "GIF"),
            _saved(_image(rng), "TIFF"),
            _saved(_image(rng), "BMP"),
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            b"%PDF-1.7\n" + rng.randbytes(2000),
            b"PK\x03\x04" + rng.randbytes(500),
            b"",
            b"\xff",
            rng.randbytes(3000),
        ]
    )
    return made, frozenset({FOREIGN})


def odd_colours(rng: random.Random) -> Made:
    """CMYK, 16 bits, palettes, one bit, transparency: seldom, and good."""
    size = (rng.randrange(40, 900), rng.randrange(40, 900))
    which = rng.randrange(6)
    if which == 0:
        return _saved(_image(rng, size, "CMYK"), "JPEG"), frozenset({SEEN})
    if which == 1:
        deep = np.random.default_rng(rng.randrange(2**32)).integers(0, 65_536, size[::-1])
        return _saved(Image.fromarray(deep.astype(np.uint16)), "PNG"), frozenset({SEEN})
    mode = ["1", "P", "LA", "RGBA"][which - 2]
    return _saved(_image(rng, size, "L" if mode == "LA" else "RGB").convert(mode), "PNG"), frozenset({SEEN})


def animated(rng: random.Random) -> Made:
    """Many frames, of which the first counts."""
    frames = [_image(rng, (320, 240)) for _ in range(rng.randrange(2, 12))]
    kind = rng.choice(["PNG", "WEBP"])
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=20), frozenset({SEEN})


def burdened(rng: random.Random) -> Made:
    """Exif and a colour profile that are junk, or as large as they may be."""
    junk = rng.randbytes(rng.choice([10, 4000, 60_000]))
    which = rng.randrange(3)
    if which == 0:
        return _saved(_image(rng), "JPEG", exif=b"Exif\0\0" + junk), frozenset({SEEN, BROKEN})
    if which == 1:
        return _saved(_image(rng), "JPEG", icc_profile=junk * 20), frozenset({SEEN, BROKEN})
    info = PngImagePlugin.PngInfo()
    info.add_text("note", "x" * len(junk))
    return _saved(_image(rng), "PNG", icc_profile=junk, pnginfo=info), frozenset({SEEN, BROKEN})


def slivers(rng: random.Random) -> Made:
    """One pixel high, or wide, or both."""
    size = rng.choice([(1, 1), (12_000, 1), (1, 12_000), (2, 3), (7, 4000)])
    return _saved(_image(rng, (800, 800)).resize(size), rng.choice(["JPEG", "PNG"])), frozenset({SEEN})


KINDS: tuple[Callable[[random.Random], Made], ...] = (
    truncated,
    bitten,
    declared_huge,
    polyglot,
    foreign,
    odd_colours,
    animated,
    burdened,
    slivers,
    truncated,
    bitten,
    polyglot,
    odd_colours,
    burdened,
    text_bomb,
)


def hostile(number: int) -> tuple[str, bytes, frozenset[str]]:
    """(what it is, its bytes, the verdicts it may get): `seen`, or the code of a refusal."""
    rng = random.Random(number)
    make = bomb if number % 50 == 49 else KINDS[number % len(KINDS)]
    data, allowed = make(rng)
    return make.__name__, data, allowed
