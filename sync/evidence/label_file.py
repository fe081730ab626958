"""Read an uploaded label: the words of a PDF with their places, the codes in its pages, and each page as a picture.

Everything here decodes what a stranger made. It is called in a process of its own that may be killed
(`webapp/services/labels/reader.py`); the bounds below keep an honest file quick and a hostile one small.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
import zxingcpp
from PIL import Image, ImageOps

from sync.evidence.intake import inspect
from sync.protocol.problems import Problem
from sync.rules.labels.reading import Box, Symbol, Word

MOST_PAGES = 4
MOST_CHARS = 20_000
MOST_SYMBOLS = 40
MOST_PIXELS = 30_000_000  # of an uploaded picture
_DRAWN_PIXELS = 6_000_000  # of a page drawn to look for codes
_DPI = 300
_SHOWN_SIDE = 1400
_UNITS = 100_000
# QR and other matrix codes, and the bars that carriers and shops print. Not DataBar: it is seen where there is none.
_FORMS = {
    zxingcpp.BarcodeFormat.QRCode: "qr",
    zxingcpp.BarcodeFormat.DataMatrix: "matrix",
    zxingcpp.BarcodeFormat.Aztec: "matrix",
    zxingcpp.BarcodeFormat.PDF417: "matrix",
    zxingcpp.BarcodeFormat.Code128: "linear",
    zxingcpp.BarcodeFormat.Code39: "linear",
    zxingcpp.BarcodeFormat.EAN13: "linear",
}


@dataclass(slots=True)
class Page:
    """One page as it is shown: a JPEG and its size."""

    jpeg: bytes
    width: int
    height: int


@dataclass(slots=True)
class LabelFile:
    """What was read of a file. `more` pages were not looked at; `is_cut`: there was more text than is searched."""

    kind: str
    pages: list[Page] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    more: int = 0
    is_cut: bool = False


def is_pdf(data: bytes) -> bool:
    """Whether these bytes say that they are a PDF: their mark may stand after a little rubbish."""
    return b"%PDF-" in data[:1024]


def read(data: bytes) -> LabelFile:
    """A PDF or a picture. Problem `label-unreadable`, and those of `intake.inspect`."""
    try:
        return _pdf(data) if is_pdf(data) else _picture(data)
    except (pypdfium2.PdfiumError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Problem(
            "label-unreadable",
            "The file is damaged, or locked by a password: nothing in it can be looked at.",
        ) from error


def _picture(data: bytes) -> LabelFile:
    told = inspect(data)
    if told.width * told.height > MOST_PIXELS:
        raise Problem("picture-too-large", "A label's picture has at most 30 million pixels.")
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as opened:
        upright = ImageOps.exif_transpose(opened)
        flat = _on_white(upright)
    return LabelFile("picture", [_shown(flat)], symbols=list(_symbols(flat, 0)))


def _pdf(data: bytes) -> LabelFile:
    document = pypdfium2.PdfDocument(data)
    try:
        found = LabelFile("pdf", more=max(0, len(document) - MOST_PAGES))
        left = MOST_CHARS
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            words, left = _words(page, number, left)
            found.words += words
            drawn = _draw(page)
            found.symbols += list(_symbols(drawn, number))
            found.pages.append(_shown(drawn))
            page.close()
        found.is_cut = left <= 0
        return found
    finally:
        document.close()


def _draw(page: Any) -> Image.Image:
    width, height = page.get_size()
    if not (0 < width < 20_000 and 0 < height < 20_000):
        raise ValueError("a page of no size, or of one that no printer has")
    scale = min(_DPI / 72, math.sqrt(_DRAWN_PIXELS / (width * height)), 8_000 / max(width, height))
    drawn: Image.Image = page.render(scale=scale).to_pil()
    return drawn.convert("RGB")


def _words(page: Any, number: int, left: int) -> tuple[list[Word], int]:
    """The words in the order the page has them; `left` characters may still be read."""
    text = page.get_textpage()
    try:
        count = min(text.count_chars(), max(0, left))
        found: list[Word] = []
        letters: list[str] = []
        boxes: list[Box] = []
        line = 0
        for index in range(count + 1):
            char = _storable(chr(pdfium.FPDFText_GetUnicode(text, index))) if index < count else "\n"
            if not char.isspace():
                letters.append(char)
                boxes.append(_box(page, text, index))
                continue
            if letters:
                found.append(Word("".join(letters), number, line, _around(boxes)))
                letters, boxes = [], []
            line += char == "\n"
        return found, left - count
    finally:
        text.close()


def _storable(text: str) -> str:
    """Without what no database keeps: a glyph that says no letter reads as U+0000, half a pair as a surrogate."""
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


def _box(page: Any, text: Any, index: int) -> Box:
    """Where a character stands, as parts of the page as it is shown: turned and cropped like the picture of it."""
    x0, y0, x1, y1 = text.get_charbox(index)
    ax, ay = _on_page(page, x0, y0)
    bx, by = _on_page(page, x1, y1)
    return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def _on_page(page: Any, x: float, y: float) -> tuple[float, float]:
    from ctypes import byref, c_int  # noqa: PLC0415 (only for PDFs)

    across, down = c_int(), c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, _UNITS, _UNITS, 0, x, y, byref(across), byref(down))
    return _part(across.value), _part(down.value)


def _part(value: int) -> float:
    return round(min(1.0, max(0.0, value / _UNITS)), 4)


def _around(boxes: list[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _symbols(picture: Image.Image, page: int) -> Iterator[Symbol]:
    formats: Any = [*_FORMS]
    found = zxingcpp.read_barcodes(picture.convert("L"), formats=formats, try_rotate=True, try_downscale=True)
    for code in found[:MOST_SYMBOLS]:
        form = _FORMS.get(code.format)
        if form is not None:
            yield Symbol(form, _storable(code.text), page, _corners(code.position, picture.size))


def _corners(position: Any, size: tuple[int, int]) -> Box:
    corners = (position.top_left, position.top_right, position.bottom_left, position.bottom_right)
    across = [min(1.0, max(0.0, corner.x / size[0])) for corner in corners]
    down = [min(1.0, max(0.0, corner.y / size[1])) for corner in corners]
    # Bars are read along one line: a box of no height could not be seen.
    top, bottom = min(down), max(down)
    if bottom - top < 0.01:
        top, bottom = max(0.0, top - 0.01), min(1.0, bottom + 0.01)
    return round(min(across), 4), round(top, 4), round(max(across), 4), round(bottom, 4)


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGB", picture.size, "white")
    layered = picture.convert("RGBA")
    white.paste(layered, mask=layered)
    return white


def _shown(picture: Image.Image) -> Page:
    small = picture.copy()
    small.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82)
    return Page(out.getvalue(), small.width, small.height)
