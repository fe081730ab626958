"""Draw what tags, sheets and screens show: QR and Code 128, as a path for a page's SVG or as a PNG file.

A parcel's QR is forced to version 2, level H, alphanumeric: of all settings tried on 9,000 frames this one
survived tilt, tape and scratches best (DESIGN §5). It says the code alone, never a link: a label with a link
on it is refused by the marketplace (`R8`), and a tag may end up beside one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import QRData

QUIET_ZONE = 4  # modules, all round: the QR standard's own minimum
_ALPHANUMERIC: Literal[2] = 2  # qrcode.util.MODE_ALPHA_NUM, as a number that its types take
_LINEAR_QUIET_ZONE = 10  # modules left and right: Code 128's minimum

Matrix = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A drawn symbol in modules, quiet zone included; true is black. A linear one has a single row."""

    rows: Matrix

    @property
    def width(self) -> int:
        """Modules across, quiet zone included."""
        return len(self.rows[0])

    @property
    def height(self) -> int:
        """Modules down, quiet zone included; 1 for a linear symbol, which a page may stretch."""
        return len(self.rows)

    @property
    def path(self) -> str:
        """The black modules as an SVG path, one closed box for each run of a row."""
        return "".join(
            f"M{start} {y}h{end - start}v1H{start}z"
            for y, row in enumerate(self.rows)
            for start, end in _runs(row)
        )


def parcel_qr(code: str) -> Symbol:
    """The QR of a parcel's internal code. ValueError for what is no capital text of up to 20 characters."""
    if len(code) > 20:
        raise ValueError(f"{len(code)} characters do not fit version 2, level H")
    drawing = QRCode(version=2, error_correction=ERROR_CORRECT_H, border=QUIET_ZONE)
    drawing.add_data(QRData(code, mode=_ALPHANUMERIC))
    drawing.make(fit=False)
    return _symbol(drawing.get_matrix())


def link_qr(url: str) -> Symbol:
    """The QR of an address to be read from a screen, as small as level M lets it be."""
    drawing = QRCode(version=None, error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    drawing.add_data(url)
    drawing.make(fit=True)
    return _symbol(drawing.get_matrix())


def parcel_code128(code: str) -> Symbol:
    """The Code 128 of a parcel's internal code, for laser scanners: one row of bars with its quiet zones."""
    import numpy as np  # noqa: PLC0415 (as heavy as the rest of this together, and rarely wanted)
    import zxingcpp  # noqa: PLC0415

    barcode = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128)
    bars = np.array(barcode.to_image(scale=1, add_quiet_zones=False))
    quiet = (False,) * _LINEAR_QUIET_ZONE
    return Symbol(((*quiet, *(bool(level < 128) for level in bars[0]), *quiet),))


def as_png(symbol: Symbol, scale: int = 12, height: int | None = None) -> bytes:
    """The symbol as a PNG, `scale` pixels a module; a linear one is `height` pixels high."""
    import numpy as np  # noqa: PLC0415

    levels = np.where(np.array(symbol.rows), 0, 255).astype(np.uint8)
    down = scale if symbol.height > 1 else height or 12 * scale
    picture = Image.fromarray(levels.repeat(scale, axis=1).repeat(down, axis=0))
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _symbol(matrix: Sequence[Sequence[bool | None]]) -> Symbol:
    return Symbol(tuple(tuple(bool(module) for module in row) for row in matrix))


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start: int | None = None
    for x, black in enumerate((*row, False)):
        if black and start is None:
            start = x
        elif not black and start is not None:
            found.append((start, x))
            start = None
    return found
