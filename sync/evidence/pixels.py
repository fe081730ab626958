"""Pictures as arrays: the few steps that every check shares. Rows × columns of 8-bit grey, or × 3 in BGR."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Colour = npt.NDArray[np.uint8]


def grey_of(picture: Colour) -> Grey:
    """The luma of a BGR picture; a grey one as it is."""
    return picture if picture.ndim == 2 else cast(Grey, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


def fitted(picture: Colour, long_side: int) -> Colour:
    """Scaled down so that the longer side has at most so many pixels; never up."""
    height, width = picture.shape[:2]
    share = long_side / max(height, width)
    return picture if share >= 1 else scaled(picture, share)


def scaled(picture: Colour, share: float) -> Colour:
    """Scaled by this factor, at least one pixel a side."""
    height, width = picture.shape[:2]
    size = max(1, round(width * share)), max(1, round(height * share))
    how = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    return cast(Colour, cv2.resize(picture, size, interpolation=how))
