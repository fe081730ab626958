"""Whether a picture was used before: a fingerprint that a new file, a crop, other light or a mirror leave alike.

Three steps. A code of 24 bits, the signs of the lowest frequencies (pHash's idea, with cv2.dct), finds candidates by
one indexed column: of a million pictures some hundred, by asking also for what the code becomes when its weakest bits
turn. Then a sketch of 32 × 32 pixels, laid over the new picture at every small crop and shift, sorts out most of them.
What is left is told by the pictures themselves, block by block: the same one, or only the same counter on another day.
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
_FINE = 256  # a side of the pictures laid over each other at last, in pixels
_FINE_BLOCK = 8
_FLAT = 10.0  # grey levels: a block that varies less in both pictures says nothing
_WORST = 3  # blocks that must go together: no other parcel takes up less of a picture
_BY_LIGHT = 80  # grey levels that other light moves a pixel by before it is at an end
ENOUGH = 512  # pixels of the long side that `sameness` needs: what is in a label counts, not its frame alone
_FEWEST = 12  # blocks that say something: with fewer of them two pictures cannot be told apart
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
    fit = _fit(_of(kept), _of(new_one))
    return _agreement(fit.whole, fit.part, fit.there)


def sameness(kept: Grey, new_one: Grey) -> float | None:
    """How the few blocks that differ most still go together when both pictures lie over each other, −1 to 1.

    A new file, other light, a crop of a tenth or a mirror leave it high; another parcel at the same counter does not.
    None when there is too little in them to say it.
    """
    fit = _fit(_shrunk(kept, SIDE), _shrunk(new_one, SIDE))
    old, new = _shrunk(kept, _FINE), _shrunk(new_one, _FINE)
    if fit.is_mirrored:
        new = cast(Float, cv2.flip(new, 1))
    whole, part = (old, new) if fit.is_new_the_part else (new, old)
    there = fit.there * np.array([1, 1, _FINE / SIDE], np.float32)
    everywhere = np.ones(whole.shape, np.uint8)
    for blur in (9, 5):  # from rough to fine
        with suppress(cv2.error):
            found = cv2.findTransformECC(
                part, whole, there.copy(), cv2.MOTION_AFFINE, _REFINED, everywhere, blur
            )
            there = cast(Float, found[1])
    laid, inside = (_laid(each, there) for each in (whole, np.ones_like(whole)))
    fields = _fields((inside > 0.99) & ~_is_lost(laid, part)).mean(axis=1) > 0.9
    first, second = (_fields(cast(Float, cv2.GaussianBlur(each, (3, 3), 0)))[fields] for each in (laid, part))
    return _together(first, second)


def _is_lost(first: Float, second: Float) -> npt.NDArray[np.bool_]:
    """Pixels that were burnt out, or sank into black, when the light of one was changed: they say nothing."""
    is_at_an_end = (np.minimum(first, second) <= 5) | (np.maximum(first, second) >= 250)
    return np.asarray(is_at_an_end & (np.abs(first - second) < _BY_LIGHT))


def _together(first: Float, second: Float) -> float | None:
    """The mean correlation of the _WORST of these blocks (rows), those left out that are flat in both."""
    first, second = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    spreads = [float(each.std()) if each.size else 0.0 for each in (first, second)]
    if not all(spreads):
        return None
    first, second = (each * (max(spreads) / own) for each, own in zip((first, second), spreads, strict=True))
    says = np.maximum(first.var(axis=1), second.var(axis=1)) > _FLAT**2
    first, second = first[says], second[says]
    if len(first) < _FEWEST:
        return None
    noise = 4  # of the camera and of JPEG, in grey levels squared
    apart = np.sqrt((first.var(axis=1) + noise) * (second.var(axis=1) + noise))
    return float(np.sort((first * second).mean(axis=1) / apart)[:_WORST].mean())


def _fields(picture: Float | npt.NDArray[np.bool_]) -> Float:
    """A row for each block."""
    count = _FINE // _FINE_BLOCK
    blocks = picture.reshape(count, _FINE_BLOCK, count, _FINE_BLOCK).transpose(0, 2, 1, 3)
    return cast(Float, blocks.reshape(count * count, -1).astype(np.float32))


def _laid(picture: Float, there: Float) -> Float:
    size = picture.shape[1], picture.shape[0]
    return cast(Float, cv2.warpAffine(picture, there, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def _shrunk(picture: Grey, side: int) -> Float:
    return cast(Float, cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32))


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


class _Fit(NamedTuple):
    """One sketch laid into the other: a score, and the matrix from the points of `part` to those of `whole`."""

    score: float
    there: Float
    whole: Float
    part: Float
    is_mirrored: bool
    is_new_the_part: bool


def _fit(old: Float, new: Float) -> _Fit:
    """The best of: the new one as it is or mirrored, laid into the old one, or the old one into it."""
    fits = (
        _Fit(*_best_fit(whole, part), whole, part, is_mirrored, part is side)
        for is_mirrored, side in ((False, new), (True, cast(Float, cv2.flip(new, 1))))
        for whole, part in ((old, side), (side, old))
    )
    return max(fits, key=lambda fit: fit.score)


def _best_fit(whole: Float, part: Float) -> tuple[float, Float]:
    """`part` laid into `whole` at every size that a crop of up to 14 % gives, each way for itself."""
    best = -1.0, np.eye(2, 3, dtype=np.float32)
    for across, down in product(_SHARES, _SHARES):
        width, height = round(SIDE * across), round(SIDE * down)
        template = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        _, score, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED))
        if score > best[0]:
            best = score, np.array([[width / SIDE, 0, x], [0, height / SIDE, y]], np.float32)
    return best


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
