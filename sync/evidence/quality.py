"""Whether a photo can prove anything: sharp, lit, large enough, with something in it. Plain measures, no model."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from sync.evidence.limits import Check, check
from sync.evidence.pixels import Grey, fitted

LOOK = 640  # pixels of the long side at which photos are measured, here and on the phone
_GRID = 3
_FIELDS = 8
_FINE, _COARSE = 3, 7  # pixels of a box that is laid over the picture twice
_FAINT, _SOME = 0.1, 0.3  # squared grey levels a pixel: coarse edges along an axis with less say nothing
_RICH = 0.25  # of the coarse edges of the richest ninth: a ninth with fewer says nothing
_BURNT = 252
_ROUGH = 12.0  # variance of the Laplacian of a field with an edge in it, noise smoothed away

Float = npt.NDArray[np.float32]
Tensor = tuple[float, float, float]  # of the gradients: mean of x², y² and xy


def measure(picture: Grey, short_side: int) -> list[Check]:
    """All checks of a photo; `short_side` is the sent file's, in pixels."""
    small = fitted(picture, LOOK)
    light = float(small.mean())
    return [
        check("sharpness", sharpness(small)),
        check("edges", edges(small)),
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


def edges(small: Grey) -> float:
    """How much energy fine edges have over coarse ones, along the direction where it is least; of the best ninth.

    A lens out of focus and a moving hand both take the fine edges away; a moving hand does it in one direction only,
    so the weaker of the coarse edges' two axes counts, where there are coarse edges along it at all. A lone sharp edge
    gives 2.2, print more, an edge 2 pixels soft 1.5. Noise is smoothed away.
    """
    told = [
        (_gradients(fine), _gradients(coarse))
        for fine, coarse in zip(
            _cells(_soft(small, _FINE), _GRID), _cells(_soft(small, _COARSE), _GRID), strict=True
        )
        if min(fine.shape) > 2
    ]
    most = max((_axes(coarse)[1] for _, coarse in told), default=0.0)
    return max(
        (_left(fine, coarse) for fine, coarse in told if _axes(coarse)[1] >= _RICH * most), default=0.0
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


def _soft(small: Grey, box: int) -> Grey:
    whole = small.astype(np.float32)
    return cast(Grey, cv2.blur(cv2.blur(whole, (box, box)), (box, box)))


def _gradients(cell: Float) -> Tensor:
    x, y = (cell[1:-1, 2:] - cell[1:-1, :-2]) / 2, (cell[2:, 1:-1] - cell[:-2, 1:-1]) / 2
    return float((x * x).mean()), float((y * y).mean()), float((x * y).mean())


def _axes(tensor: Tensor) -> tuple[float, float]:
    """The energy along the axis that has least, and most."""
    xx, yy, xy = tensor
    middle, spread = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    return middle - spread, middle + spread


def _left(fine: Tensor, coarse: Tensor) -> float:
    xx, yy, xy = coarse
    along = 0.5 * math.atan2(2 * xy, xx - yy)
    least, most = _axes(coarse)
    main = _along(fine, along) / (most + _FAINT)
    return main if least < _SOME else min(main, _along(fine, along + math.pi / 2) / (least + _FAINT))


def _along(tensor: Tensor, angle: float) -> float:
    xx, yy, xy = tensor
    cos, sin = math.cos(angle), math.sin(angle)
    return xx * cos * cos + 2 * xy * cos * sin + yy * sin * sin
