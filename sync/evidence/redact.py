"""Make printed text and codes in a copy of a picture unreadable, but for the tags that prove something.

No model, only what text looks like: many strong edges in all directions, close together. So it errs to both sides: it
blurs patterns that are no text, and does not see letters that are very large, very faint or written by hand with much
room between them. `baton bench evidence` measures how often. Bars say as much as letters (another customer's tracking
number): OpenCV finds them, and what zxing-cpp can still read of the copy is blurred until it reads nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp
from PIL import Image

from sync.evidence.examine import decode
from sync.evidence.pixels import Colour, Grey, fitted, grey_of

Mask = npt.NDArray[np.uint8]
Polygon = Sequence[Sequence[float]]

LONG_SIDE = 2400  # of a copy, as `printing.stamp` makes them
_SIDES = (1800, 900, 450)  # letters from some 8 pixels of the copy to a fifth of its height
_LETTER = 11  # pixels, in any of these sizes: what is looked at together
_STRONG = (5.0, 22.0)  # of a gradient in grey levels a pixel, from a clean picture to a noisy one
_OVER_NOISE = 4.0
_DENSE = 0.2  # share of strong edges around a point
_CROSSED = 0.16  # of the edges around a point, how many at least go the other way: a lone line has none
_LEAST = 0.55  # of a letter high and wide, or it is a speck
_QUALITY = 85
_PASSES = 6  # of reading the copy again: each takes a wider strip of what could still be read
_WIDER = 0.06  # of a symbol's length, a pass


def redact(data: bytes, kept: Iterable[Polygon], size: tuple[int, int]) -> bytes:
    """A JPEG of at most LONG_SIDE with all that looks like text blurred, outside the polygons that are kept.

    `size` is the width and height that the polygons are told in. Problems of `examine.decode`.
    """
    whole, _ = decode(data)
    picture = fitted(whole, LONG_SIDE)
    height, width = picture.shape[:2]
    share = width / size[0] if size[0] else 1.0
    keep = np.zeros((height, width), np.uint8)
    for polygon in kept:
        cv2.fillPoly(keep, [np.round(np.array(polygon, float) * share).astype(np.int32)], (255,))
    grey = grey_of(picture)
    mask = cast(Mask, cv2.bitwise_or(text_mask(grey), _bars(grey)))
    mask[keep > 0] = 0
    copy = blurred(picture, mask)
    for wider in range(1, _PASSES + 1):
        legible = _legible(grey_of(copy), keep, _WIDER * wider)
        if not legible.any():
            break
        mask = cast(Mask, cv2.bitwise_or(mask, legible))
        mask[keep > 0] = 0
        copy = blurred(picture, mask)
    else:  # better nothing of a picture than a stranger's number in it
        copy = blurred(picture, cast(Mask, cv2.bitwise_not(keep)))
    out = io.BytesIO()
    Image.fromarray(copy[:, :, ::-1]).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _bars(grey: Grey) -> Mask:
    found = np.zeros(grey.shape, np.uint8)
    detector = cv2.barcode.BarcodeDetector()
    for side in _SIDES:
        small = fitted(grey, side)
        is_found, quads = detector.detectMulti(small)
        if is_found:
            for quad in np.asarray(quads) * (grey.shape[1] / small.shape[1]):
                cv2.fillPoly(found, [np.round(grown(quad)).astype(np.int32)], (255,))
    return found


def _legible(grey: Grey, keep: Mask, margin: float) -> Mask:
    """Where a symbol of any kind can be read whose middle is not kept, with a margin around it."""
    found = np.zeros(grey.shape, np.uint8)
    for symbol in zxingcpp.read_barcodes(grey):
        at = symbol.position
        points = np.array([(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)])
        x, y = np.round(points.mean(axis=0)).astype(int)
        if keep[min(max(y, 0), keep.shape[0] - 1), min(max(x, 0), keep.shape[1] - 1)]:
            continue
        here = cv2.fillPoly(np.zeros_like(found), [points.astype(np.int32)], (255,))
        reach = 2 * max(2, round(margin * float(np.ptp(points, axis=0).max()))) + 1
        found |= cv2.dilate(here, np.ones((reach, reach), np.uint8)).astype(np.uint8)
    return found


def text_mask(grey: Grey) -> Mask:
    """255 where the picture has what looks like text of any size and turn, else 0."""
    height, width = grey.shape
    found = np.zeros((height, width), np.uint8)
    seen = 0
    for side in _SIDES:
        small = fitted(grey, side)
        if max(small.shape) == seen:
            continue
        seen = max(small.shape)
        here = cv2.resize(_at_one_size(small), (width, height), interpolation=cv2.INTER_NEAREST)
        found = cast(Mask, cv2.bitwise_or(found, here))
    return found


def _at_one_size(grey: Grey) -> Mask:
    soft = cv2.GaussianBlur(grey, (0, 0), 0.8)
    across = cv2.Scharr(soft, cv2.CV_32F, 1, 0) / 16
    down = cv2.Scharr(soft, cv2.CV_32F, 0, 1) / 16
    strength = cv2.magnitude(across, down)
    # Most of a picture is no edge, so its middle value is what noise makes.
    strong = (strength > np.clip(_OVER_NOISE * float(np.median(strength)), *_STRONG)).astype(np.float32)
    dense = _around(strong)
    # Of how the edges lie: the smaller axis of their structure says how many do not go along with the rest.
    xx, yy, xy = (_around(strong * part) for part in _directions(across, down, strength))
    spread = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    crossed = (xx + yy) / 2 - spread
    texty = ((dense > _DENSE) & (crossed > _CROSSED * np.maximum(dense, 1e-6))).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_LETTER, _LETTER))
    joined = cv2.morphologyEx(texty, cv2.MORPH_CLOSE, kernel)
    return _without_specks(cast(Mask, cv2.dilate(joined, kernel)))


def _directions(
    across: npt.NDArray[Any], down: npt.NDArray[Any], strength: npt.NDArray[Any]
) -> Iterable[npt.NDArray[Any]]:
    x, y = across / np.maximum(strength, 1e-6), down / np.maximum(strength, 1e-6)
    return x * x, y * y, x * y


def _around(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return cast("npt.NDArray[Any]", cv2.boxFilter(values, -1, (2 * _LETTER - 1, 2 * _LETTER - 1)))


def _without_specks(mask: Mask) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    least = _LETTER * (1 + _LEAST)  # it was dilated by a letter
    wide = stats[:, cv2.CC_STAT_WIDTH] >= least
    high = stats[:, cv2.CC_STAT_HEIGHT] >= least
    is_text = wide & high
    is_text[0] = False
    return np.where(is_text[labels] if count else False, 255, 0).astype(np.uint8)


def blurred(picture: Colour, mask: Mask) -> Colour:
    """Each patch of the mask as a few cells larger than its letters can be: nothing of their shapes is left."""
    out = picture.copy()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    for n in range(1, count):
        x, y, w, h = (int(v) for v in stats[n, :4])
        patch = picture[y : y + h, x : x + w]
        cells = max(24, min(w, h) // 2)
        few = max(1, round(w / cells)), max(1, round(h / cells))
        coarse = cv2.resize(patch, few, interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
        out[y : y + h, x : x + w][labels[y : y + h, x : x + w] == n] = smooth[
            labels[y : y + h, x : x + w] == n
        ]
    return out


def grown(corners: Polygon, by: float = 0.12) -> list[list[float]]:
    """A symbol's corners moved outward by a share of its size: the quiet zone is part of what is read."""
    points = np.array(corners, float)
    centre = points.mean(axis=0)
    return [[float(x), float(y)] for x, y in centre + (points - centre) * (1 + 2 * by)]
