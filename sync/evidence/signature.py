"""Whether somebody signed: ink on the pad and how far it reaches."""

from __future__ import annotations

import numpy as np

from sync.evidence.limits import Check, check
from sync.evidence.pixels import Grey

_INK = 60  # levels darker than the paper


def measure(picture: Grey) -> list[Check]:
    """The checks of a signature's picture, dark ink on light paper."""
    paper = int(np.percentile(picture, 90))
    ink = picture.astype(np.int16) < paper - _INK
    return [check("ink", float(ink.mean())), check("extent", _extent(ink))]


def _extent(ink: np.ndarray) -> float:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return 0.0
    reach = float(np.hypot(rows[-1] - rows[0], columns[-1] - columns[0]))
    return reach / int(ink.shape[1])
