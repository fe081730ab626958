"""Whether a picture was used before: a fingerprint that a new file, a crop, other light or a mirror leave alike.

Two steps. A code of 24 bits, the signs of the lowest frequencies (pHash's idea, with cv2.dct), finds candidates by
one indexed column: of a million pictures some hundred, by asking also for what the code becomes when its weakest bits
turn. Then a sketch of 32 × 32 pixels, laid over the new picture at every small crop and shift, says block by block
whether it is the same picture, or only the same counter on another day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from sync.evidence.pixels import Grey

SIDE = 32  # of a sketch, in pixels
_LOW = 5  # frequencies each way that make the code: higher ones turn over when a tenth is cut off
_UNSURE = 7  # bits of a code that may have turned: the weakest ones
_LESS_UNSURE = 5
# Who crops a picture seldom takes the same from each side: the windows of nine tenths, and all of it.
_WINDOWS = (
    (0.0, 0.0, 1.0),
    *((x, y, 0.9) for x in (0.0, 0.05, 0.1) for y in (0.0, 0.05, 0.1)),
)
_SHARES = (0.86, 0.9, 0.95, 1.0)
_BLOCK = 4
_REFINED = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)

Float = npt.NDArray[np.float32]


class Fingerprint(NamedTuple):
    """What is kept of a picture: its codes (24 bits each, indexed; of the whole and of its windows), and its sketch
    (SIDE × SIDE grey bytes). `is_plain`: there is too little in it to tell it from others.
    """

    codes: tuple[int, ...]
    sketch: bytes
    is_plain: bool


def fingerprint(picture: Grey) -> Fingerprint:
    """Of a grey picture of any size."""
    codes = {_number(_low(_square(part)) > 0) for part in _parts(picture)}
    raw = cast(Grey, cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return Fingerprint(tuple(sorted(codes)), raw.tobytes(), float(raw.std()) < 8)


def guises(picture: Grey) -> list[int]:
    """The codes under which a picture may be kept that this one was made from, or was made into."""
    found: set[int] = set()
    for number, part in enumerate(_parts(picture)):
        low = _low(_square(part))
        # A mirror turns the odd frequencies across, and nothing else.
        for each in (low, low * _MIRRORED):
            found |= _probes(each, _LESS_UNSURE if number else _UNSURE)
    return sorted(found)


def likeness(kept: bytes, new_one: bytes) -> float:
    """How far a kept sketch and a new one are the same everywhere, at the best crop, shift and side: to 1."""
    old, new = _of(kept), _of(new_one)
    best = (-1.0, old, old, _STILL)
    for side in (new, cast(Float, cv2.flip(new, 1))):
        best = max(best, _best_fit(old, side), _best_fit(side, old), key=lambda fit: fit[0])
    return _agreement(*best[1:])


def _parts(picture: Grey) -> Iterator[Grey]:
    height, width = picture.shape
    for left, top, share in _WINDOWS:
        x, y = round(left * width), round(top * height)
        yield picture[y : y + max(1, round(share * height)), x : x + max(1, round(share * width))]


def _probes(low: Float, unsure: int) -> set[int]:
    """The code of these frequencies, and those it becomes when some of its weakest bits turn."""
    weakest = np.argsort(np.abs(low))[:unsure]
    signs = low > 0
    found = set()
    for turned in product((False, True), repeat=unsure):
        signs[weakest] = turned
        found.add(_number(signs))
    return found


def _number(signs: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(signs).tobytes(), "big")


def _low(small: Grey) -> Float:
    """The lowest frequencies but the mean, which is only the light."""
    return cast(Float, cv2.dct(small.astype(np.float32))[:_LOW, :_LOW].flatten()[1:])


_MIRRORED = np.tile(np.where(np.arange(_LOW) % 2 == 1, -1, 1), _LOW)[1:].astype(np.float32)


def _best_fit(whole: Float, part: Float) -> tuple[float, Float, Float, Float]:
    """`part` laid into `whole` at every size that a crop of up to 14 % gives, each way for itself.

    Gives the score, both, and the matrix from the points of `part` to those of `whole`.
    """
    best = (-1.0, whole, part, _STILL)
    for across, down in product(_SHARES, _SHARES):
        width, height = round(SIDE * across), round(SIDE * down)
        template = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        _, score, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED))
        if score > best[0]:
            there = np.array([[width / SIDE, 0, x], [0, height / SIDE, y]], np.float32)
            best = (score, whole, part, there)
    return best


_STILL = np.eye(2, 3, dtype=np.float32)


def _agreement(whole: Float, part: Float, there: Float) -> float:
    """1 less how much the worst tenth of the blocks differ, both brought to one light and contrast."""
    with suppress(cv2.error):  # nothing to go by: it stays as it was found
        there = cast(Float, cv2.findTransformECC(part, whole, there.copy(), cv2.MOTION_AFFINE, _REFINED)[1])
    laid = cv2.warpAffine(
        whole,
        there,
        (SIDE, SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    apart = (_levelled(cast(Float, laid)) - _levelled(part)) ** 2
    blocks = apart.reshape(SIDE // _BLOCK, _BLOCK, SIDE // _BLOCK, _BLOCK).mean(axis=(1, 3))
    return 1 - float(np.sqrt(np.percentile(blocks, 90)))


def _levelled(part: Float) -> Float:
    return cast(Float, (part - part.mean()) / max(float(part.std()), 1.0))


def _of(kept: bytes) -> Float:
    return np.frombuffer(kept, np.uint8).reshape(SIDE, SIDE).astype(np.float32)


def _square(picture: Grey) -> Grey:
    """Small, and its tones spread evenly, so that more or less light changes little."""
    return cast(Grey, cv2.equalizeHist(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)))
