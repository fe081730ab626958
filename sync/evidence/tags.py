"""Read the tags and labels in a picture: as it is first, then in the ways that rescue a poor one (DESIGN section 5).

zxing-cpp does the reading, limited to QR and Code 128: other formats are found where there are none. What a picture
is said to show is only ever compared with what was claimed, so a made-up text matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import cv2
import numpy as np
import zxingcpp

from sync.evidence.pixels import Grey, scaled
from sync.protocol import codes

Corners = tuple[tuple[int, int], ...]

_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2, zxingcpp.BarcodeFormat.Code128])
_NAMES = {zxingcpp.BarcodeFormat.Code128: "code128"}
LONGEST_TEXT = 80  # of what a phone may claim: a longer text is nobody's code
MOST = 200  # readings of one picture
# Twice the size of what is large already costs seconds and gains nothing: the modules are wide enough.
_DOUBLE_UP_TO = 1800
_HALVE_FROM = 700
_TURNS = (30, -30, 45)
_GAMMAS = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """A symbol that was read: its text, `qr` or `code128`, its corners in pixels of the whole picture, and how."""

    text: str
    format: str
    corners: Corners
    way: str

    @property
    def key(self) -> str:
        """As codes are compared."""
        return codes.key_of(self.text)


@dataclass(frozen=True, slots=True)
class Readings:
    """What a picture shows; `ways` are those that were tried."""

    found: tuple[Reading, ...]
    ways: tuple[str, ...]


def read(picture: Grey, wanted: Collection[str]) -> Readings:
    """All symbols in a grey picture, trying on until every wanted key (`codes.key_of`) is seen or no way is left.

    With several wanted (one photo of a whole handover), a way that adds nothing once one of them is seen is the last:
    the others are most likely not in the picture.
    """
    left = set(wanted)
    found: dict[str, Reading] = {}
    ways = []
    for way, look in _ladder(picture):
        ways.append(way)
        fresh = [r for r in look() if r.key not in found]
        found.update((r.key, r) for r in fresh[: MOST - len(found)])
        left -= found.keys()
        is_ours = len(left) < len(set(wanted))
        if not left or (is_ours and not fresh):
            break
    return Readings(tuple(found.values()), tuple(ways))


def _ladder(picture: Grey) -> Iterator[tuple[str, Callable[[], list[Reading]]]]:
    side = max(picture.shape)
    yield "whole", lambda: _look(picture, "whole")
    if side >= _HALVE_FROM:
        yield "half", lambda: _look(scaled(picture, 0.5), "half", np.diag([2.0, 2.0, 1.0]))
    if side <= _DOUBLE_UP_TO:
        yield "double", lambda: _look(scaled(picture, 2.0), "double", np.diag([0.5, 0.5, 1.0]))
    yield "contrast", lambda: _look(_clahe(picture), "contrast")
    for gamma in _GAMMAS:
        yield f"gamma {gamma}", partial(_with_gamma, picture, gamma)
    for angle in _TURNS:
        yield f"turned {angle}", partial(_turned, picture, angle)


def _look(picture: Grey, way: str, back: np.ndarray | None = None) -> list[Reading]:
    """Read one version; `back` is the matrix that leads its points to those of the whole picture."""
    readings = []
    for symbol in zxingcpp.read_barcodes(picture, formats=_FORMATS, try_invert=False):
        text = symbol.text.strip()
        if symbol.valid and 0 < len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable():
            corners = _corners(symbol.position, back)
            readings.append(Reading(text, _NAMES.get(symbol.format, "qr"), corners, way))
    return readings


def _corners(position: zxingcpp.Position, back: np.ndarray | None) -> Corners:
    points = [position.top_left, position.top_right, position.bottom_right, position.bottom_left]
    flat = np.array([(p.x, p.y, 1.0) for p in points])
    if back is not None:
        flat = flat @ back.T
    return tuple((round(float(x)), round(float(y))) for x, y, _ in flat)


def _clahe(picture: Grey) -> Grey:
    return cast(Grey, cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(picture))


def _with_gamma(picture: Grey, gamma: float) -> list[Reading]:
    curve = (np.linspace(0, 1, 256) ** gamma * 255).round().astype(np.uint8)
    return _look(cast(Grey, cv2.LUT(picture, curve)), f"gamma {gamma}")


def _turned(picture: Grey, angle: float) -> list[Reading]:
    height, width = picture.shape
    there = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cos, sin = abs(there[0, 0]), abs(there[0, 1])
    size = round(height * sin + width * cos), round(height * cos + width * sin)
    there[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    back = np.linalg.inv(np.vstack([there, [0, 0, 1]]))
    turned = cast(Grey, cv2.warpAffine(picture, there, size, flags=cv2.INTER_LINEAR, borderValue=(255,)))
    return _look(turned, f"turned {angle}", back)
