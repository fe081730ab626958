"""Whether a photo can prove anything: sharp, lit, large enough, with something in it. Plain measures, no model."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from sync.evidence.limits import Check, check
from sync.evidence.pixels import Grey, fitted

LOOK = 640  # pixels of the long side at which photos are measured, here and on the phone
_GRID = 3
_FIELDS = 8
_BURNT = 252
_ROUGH = 12.0  # variance of the Laplacian of a field with an edge in it, noise smoothed away

Float = npt.NDArray[np.float32]


def measure(picture: Grey, short_side: int) -> list[Check]:
    """All checks of a photo; `short_side` is the sent file's, in pixels."""
    small = fitted(picture, LOOK)
    light = float(small.mean())
    return [
        check("sharpness", sharpness(small)),
        check("edges", edges_left(small)),
        check("light", light),
        check("brightness", light),
        check("glare", glare(small)),
        check("size", short_side),
        check("detail", detail(small)),
    ]


def sharpness(small: Grey) -> float:
    """Variance of the Laplacian, of the best ninth: a sharp parcel before a plain wall is a sharp picture."""
    lines = _laplacian(small)
    inner = [cell[1:-1, 1:-1] for cell in _cells(lines, _GRID) if min(cell.shape) > 2]
    return max((float(cell.var()) for cell in inner), default=0.0)


def edges_left(small: Grey) -> float:
    """How much of the differences between neighbours is still there after a further blur, in the sharpest ninth.

    Crete's measure: blurring what is sharp takes most of them away, blurring what is blurred hardly any.
    """
    soft = cast(Grey, cv2.blur(small, (9, 9)))
    return min(
        max(_left(sharp, dull), _left(sharp.T, dull.T))
        for sharp, dull in zip(_cells(small, _GRID), _cells(soft, _GRID), strict=True)
    )


def glare(small: Grey) -> float:
    """The share of the picture that its largest burnt-out patch takes; print breaks the white of a tag."""
    burnt = cv2.inRange(small, np.array(_BURNT), np.array(255))
    patch = cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    sizes = cv2.connectedComponentsWithStats(patch)[2][1:, cv2.CC_STAT_AREA]
    return float(sizes.max()) / small.size if len(sizes) else 0.0


def detail(small: Grey) -> float:
    """The share of fields that have an edge in them: a table, a wall or a thumb on the lens has next to none."""
    lines = _laplacian(cast(Grey, cv2.medianBlur(small, 5)))
    fields = [float(cell.var()) > _ROUGH for cell in _cells(lines, _FIELDS) if cell.size]
    return sum(fields) / len(fields)


def _laplacian(small: Grey) -> Float:
    return cast(Float, cv2.Laplacian(small.astype(np.float32), cv2.CV_32F, ksize=1))


def _cells(picture: npt.NDArray[np.float32] | Grey, count: int) -> list[Float]:
    height, width = picture.shape
    high, wide = max(1, height // count), max(1, width // count)
    return [
        cast(Float, picture[y : y + high, x : x + wide].astype(np.float32))
        for y in (row * height // count for row in range(count))
        for x in (column * width // count for column in range(count))
    ]


def _left(sharp: Float, dull: Float) -> float:
    before = np.abs(np.diff(sharp, axis=0))
    after = np.abs(np.diff(dull, axis=0))
    whole = float(before.sum())
    lost = float(np.maximum(0, before - after).sum())
    return 1 - lost / whole if whole else 1.0
