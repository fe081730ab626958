"""Look at one picture: from its bytes to everything that is said of it. Runs in a process that may be killed."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from sync.evidence import quality, reuse, signature, tags
from sync.evidence.intake import inspect
from sync.evidence.limits import VERSION
from sync.evidence.pixels import Colour, fitted, grey_of
from sync.protocol.problems import Problem

LONG_SIDE = 3200  # pixels looked at: a tag that cannot be read in these is too small
MAX_BYTES = 16 * 1024 * 1024
# What Pillow raises on bytes that are not what they say, next to running out of memory.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError)


def examine(data: bytes, role: str, wanted: Collection[str]) -> dict[str, Any]:
    """What a picture shows, as JSON: `verdict` seen or refused; `wanted` are keys of `codes.key_of`.

    Refused: `code` media-unsupported, picture-broken or picture-too-large, with a sentence. Seen: `width` and `height`
    of the upright picture that `readings` point into, `checks`, and the fingerprint for `role` photo and signature.
    """
    try:
        picture, short_side = decode(data)
    except Problem as problem:
        return {"v": VERSION, "verdict": "refused", "code": problem.code, "sentence": problem.detail}
    grey = grey_of(picture)
    result: dict[str, Any] = {
        "v": VERSION,
        "verdict": "seen",
        "width": grey.shape[1],
        "height": grey.shape[0],
        "readings": [],
        "ways": [],
        "checks": [],
        "print": None,
    }
    if role != "signature":
        read = tags.read(grey, wanted)
        result["ways"] = list(read.ways)
        result["readings"] = [
            {
                "text": r.text,
                "key": r.key,
                "format": r.format,
                "corners": [list(c) for c in r.corners],
                "way": r.way,
            }
            for r in read.found
        ]
    if role == "photo":
        result["checks"] = [check.as_dict() for check in quality.measure(grey, short_side)]
    elif role == "signature":
        result["checks"] = [check.as_dict() for check in signature.measure(grey)]
    if role == "photo":
        result["print"] = _print(grey)
    return result


def decode(data: bytes, long_side: int = LONG_SIDE) -> tuple[Colour, int]:
    """The upright picture in BGR, at most `long_side`, and the short side of the file in pixels.

    Problems `media-unsupported`, `picture-broken`, `picture-too-large`, before anything large is made.
    """
    if len(data) > MAX_BYTES:
        raise Problem("picture-too-large", f"{len(data)} bytes; at most {MAX_BYTES}.")
    told = inspect(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[told.type.removeprefix("image/")]) as opened:
                if opened.size != (told.width, told.height):
                    raise Problem("picture-broken", "The picture gives two sizes of itself.")
                opened.draft("RGB", (long_side, long_side))
                return _pixels(opened, long_side), min(told.width, told.height)
    except Image.DecompressionBombError as error:
        raise Problem("picture-too-large", "The picture unfolds to more than may be decoded.") from error
    except _BROKEN as error:
        raise Problem("picture-broken", f"The picture cannot be decoded: {str(error)[:80]}.") from error


def _pixels(opened: Image.Image, long_side: int) -> Colour:
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith("I;16"):
        deep = np.asarray(upright, np.uint16)
        upright = Image.fromarray((deep >> 8).astype(np.uint8))
    if upright.has_transparency_data:
        whole = upright.convert("RGBA")
        paper = Image.new("RGBA", whole.size, "white")
        upright = Image.alpha_composite(paper, whole)
    flat = np.asarray(upright.convert("RGB"), np.uint8)
    return fitted(np.ascontiguousarray(flat[:, :, ::-1]), long_side)


def _print(grey: Colour) -> dict[str, Any]:
    made = reuse.fingerprint(grey)
    return {
        "codes": list(made.codes),
        "sketch": base64.b64encode(made.sketch).decode(),
        "guises": [] if made.is_plain else reuse.guises(grey),
        "is_plain": made.is_plain,
    }
