"""A picture with the time written under it, as marketplaces ask for it: a copy, upright, JPEG, never over 5 MB."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from sync.evidence.intake import is_as_told

MOST_BYTES = 5 * 1024 * 1024
_FONTS = Path(__file__).parent / "fonts"
_LONGEST = 2400  # pixels; enough to read a label at arm's length
_SHORTEST = 480
_QUALITIES = (88, 75, 60, 45)


def stamp(data: bytes, media_type: str, lines: Sequence[str]) -> bytes | None:
    """The copy, with these lines on a band of their own below: nothing of the picture is covered.

    None when it cannot be decoded. The caller has looked at its size: a decoder may take hundreds of megabytes.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[media_type.removeprefix("image/")]) as picture:
            if not is_as_told(data, picture.size):
                return None
            picture.draft("RGB", (_LONGEST, _LONGEST))
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((_LONGEST, _LONGEST))
            flat = _flat(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return _small_enough(_with_band(flat, lines))


def _flat(picture: Image.Image) -> Image.Image:
    """On white, where it is transparent, and wide enough to write under."""
    layer = picture.convert("RGBA")
    width = max(layer.width, _SHORTEST)
    sheet = Image.new("RGB", (width, layer.height), "white")
    sheet.paste(layer, ((width - layer.width) // 2, 0), layer)
    return sheet


def _with_band(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    size = max(12, picture.width // 44)
    fonts = [ImageFont.truetype(str(_FONTS / f"NotoSans-{name}.ttf"), size) for name in ("Bold", "Regular")]
    wrapped = [
        (part, fonts[min(n, 1)])
        for n, line in enumerate(lines)
        for part in _wrap(line, fonts, picture.width - size)
    ]
    step = size * 3 // 2
    sheet = Image.new("RGB", (picture.width, picture.height + step * len(wrapped) + size), "white")
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for n, (text, font) in enumerate(wrapped):
        draw.text((size // 2, picture.height + size // 2 + n * step), text, fill="black", font=font)
    return sheet


def _wrap(line: str, fonts: Sequence[ImageFont.FreeTypeFont], width: int) -> list[str]:
    """At spaces, and anywhere in a word that is longer than the picture is wide."""
    rows = [""]
    for word in line.split(" "):
        rest = word
        if rows[-1] and fonts[0].getlength(f"{rows[-1]} {rest}") > width:
            rows.append("")
        while fonts[0].getlength(rest) > width and len(rest) > 1:
            cut = max(1, int(len(rest) * width / fonts[0].getlength(rest)) - 1)
            rows[-1:] = [rest[:cut], ""]
            rest = rest[cut:]
        rows[-1] = f"{rows[-1]} {rest}".strip()
    return rows


def _small_enough(picture: Image.Image) -> bytes:
    while True:
        for quality in _QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality)
            if out.tell() <= MOST_BYTES:
                return out.getvalue()
        picture = picture.resize((picture.width * 2 // 3, picture.height * 2 // 3))
