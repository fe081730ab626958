"""Precision and recall of each quality and reuse check, over every threshold, on pictures made for it.

Each check gets as many pictures that have its fault as pictures that do not; the ones without have everything else
that may mislead it (print, white paper, plain walls, the same counter on another day).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from sync.evidence import quality, reuse, signature
from sync.evidence.limits import LIMITS, WORTH_A_LOOK, Check
from sync.evidence.pixels import Grey, fitted, grey_of
from webapp.cli.bench.evidence import scenes
from webapp.cli.bench.evidence.scenes import Frame

SIZE = (1280, 960)
Maker = Callable[[Generator, bool], Frame]


@dataclass(frozen=True, slots=True)
class Curve:
    """The values of one check on pictures with and without its fault; `points` are (threshold, precision, recall)."""

    name: str
    faulty: tuple[float, ...]
    sound: tuple[float, ...]

    @property
    def is_least(self) -> bool:
        """Whether a value below the threshold is the fault."""
        return LIMITS[self.name].is_least

    def at(self, threshold: float) -> tuple[float, float]:
        """(precision, recall) of calling faulty what is beyond a threshold."""
        hits = sum(self._is_beyond(value, threshold) for value in self.faulty)
        false = sum(self._is_beyond(value, threshold) for value in self.sound)
        return (hits / (hits + false) if hits + false else 1.0), hits / len(self.faulty)

    def _is_beyond(self, value: float, threshold: float) -> bool:
        return value < threshold if self.is_least else value > threshold

    @property
    def points(self) -> list[tuple[float, float, float]]:
        """Over the span of all values."""
        every = sorted({*self.faulty, *self.sound})
        steps = [every[round(i * (len(every) - 1) / 119)] for i in range(120)]
        return [(threshold, *self.at(threshold)) for threshold in dict.fromkeys(steps)]

    def as_dict(self) -> dict[str, Any]:
        """The figures at the threshold in use."""
        limit = LIMITS[self.name]
        precision, recall = self.at(limit.threshold)
        return {
            "threshold": limit.threshold,
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "false_alarms": sum(self._is_beyond(value, limit.threshold) for value in self.sound),
            "pictures": len(self.faulty) + len(self.sound),
            "faulty_p5_p50_p95": [round(float(v), 3) for v in np.percentile(self.faulty, [5, 50, 95])],
            "sound_p5_p50_p95": [round(float(v), 3) for v in np.percentile(self.sound, [5, 50, 95])],
        }


def measure(seed: int, pictures: int) -> list[Curve]:
    """Every check's curve on so many pictures a side."""
    made = [_quality(name, maker, seed, pictures) for name, maker in _MAKERS.items()]
    return [*made, _likeness(seed, pictures), *_signatures(seed, pictures)]


def _quality(name: str, maker: Maker, seed: int, pictures: int) -> Curve:
    def values(is_faulty: bool) -> tuple[float, ...]:
        found = []
        for number in range(pictures):
            rng = np.random.default_rng([seed, len(name), number, is_faulty])
            checks = quality.measure(grey_of(_sent(maker(rng, is_faulty), rng)), SIZE[1])
            found.append(_named(checks, name))
        return tuple(found)

    return Curve(name, values(True), values(False))


def _named(checks: Sequence[Check], name: str) -> float:
    return next(check.value for check in checks if check.name == name)


def _sent(frame: Frame, rng: Generator) -> Frame:
    """As a phone sends it: a little noise, then JPEG."""
    noisy = np.clip(frame + rng.normal(0, rng.uniform(1, 6), frame.shape), 0, 255).astype(np.uint8)
    data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 90))])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _scene(rng: Generator) -> Frame:
    frame = scenes.somewhere(7, SIZE, rng)
    scenes.put(frame, scenes.card(scenes.new_code(rng), rng), rng)
    return frame


def _blurred(rng: Generator, is_faulty: bool) -> Frame:
    frame = _scene(rng)
    if rng.random() < 0.5:
        strength = float(rng.uniform(3.5, 9) if is_faulty else rng.uniform(0.3, 1.3))
        return np.asarray(cv2.GaussianBlur(frame, (0, 0), strength), np.uint8)
    length = int(rng.integers(20, 44) if is_faulty else rng.integers(2, 6))
    kernel = np.zeros((length, length), np.float32)
    cv2.line(kernel, (0, int(rng.integers(0, length))), (length - 1, int(rng.integers(0, length))), 1.0)
    return np.asarray(cv2.filter2D(frame, -1, kernel / kernel.sum()), np.uint8)


def _dark(rng: Generator, is_faulty: bool) -> Frame:
    gain = rng.uniform(0.03, 0.22) if is_faulty else rng.uniform(0.42, 1.0)
    return np.asarray(_scene(rng) * gain, np.uint8)


def _bright(rng: Generator, is_faulty: bool) -> Frame:
    frame = _scene(rng).astype(np.float32)
    lit = (
        frame * rng.uniform(1.6, 2.6) + rng.uniform(90, 140)
        if is_faulty
        else frame * rng.uniform(0.8, 1.25) + 10
    )
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def _glared(rng: Generator, is_faulty: bool) -> Frame:
    frame = _scene(rng)
    if is_faulty:
        width, height = SIZE
        radius = float(rng.uniform(0.16, 0.34)) * width
        across = np.exp(-((np.arange(width) - rng.uniform(0.2, 0.8) * width) ** 2) / (2 * radius**2))
        down = np.exp(-((np.arange(height) - rng.uniform(0.2, 0.8) * height) ** 2) / (2 * radius**2))
        return np.asarray(np.clip(frame + 420 * np.outer(down, across)[..., None], 0, 255), np.uint8)
    sheet = np.full((int(rng.integers(200, 420)), int(rng.integers(200, 520)), 3), 246, np.uint8)
    for row in range(20, sheet.shape[0] - 10, 24):  # a printed sheet: white, and no glare
        cv2.line(sheet, (16, row), (sheet.shape[1] - 16, row), (40, 40, 40), 5)
    scenes.put(frame, sheet, rng)
    return frame


def _plain(rng: Generator, is_faulty: bool) -> Frame:
    if not is_faulty:
        return _scene(rng)
    width, height = SIZE
    slope = np.linspace(rng.uniform(0.6, 1), rng.uniform(1, 1.3), width)[None, :, None]
    frame = np.clip(np.full((height, width, 3), rng.integers(60, 190, 3)) * slope, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:  # a thumb over the lens
        at = (int(rng.integers(0, width)), int(rng.integers(height // 2, height)))
        cv2.ellipse(
            frame, at, (width // 3, height // 3), float(rng.integers(0, 90)), 0, 360, (120, 140, 200), -1
        )
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 40), np.uint8)
    elif rng.random() < 0.6:  # a table with its edge in sight
        y = int(rng.integers(0, height))
        cv2.line(frame, (0, y), (width, int(y + rng.integers(-80, 80))), (30, 30, 30), 6)
    return frame


_MAKERS: dict[str, Maker] = {
    "sharpness": _blurred,
    "edges": _blurred,
    "light": _dark,
    "brightness": _bright,
    "glare": _glared,
    "detail": _plain,
}


def _likeness(seed: int, pictures: int) -> Curve:
    """Used again after anything that is done to a file, against other pictures, half of them of the same counter."""
    again, others = [], []
    for number in range(pictures):
        rng = np.random.default_rng([seed, 31, number])
        place = scenes.somewhere(8, (640, 480), rng)
        # The hand that holds the phone: on a stand, leaning on something, free.
        first, second = place.copy(), _moved(place, rng, (0, 0.1, 1)[number // 2 % 3])
        for frame in (first, second):
            scenes.put(frame, scenes.card(scenes.new_code(rng), rng), rng)
        stranger = _small_scene(np.random.default_rng([seed, 32, number]))
        again.append(_sameness(grey_of(first), grey_of(abused(first, rng))))
        others.append(_sameness(grey_of(first), grey_of(second if number % 2 else stranger)))
    return Curve("likeness", tuple(again), tuple(others))


def _sameness(kept: Grey, new_one: Grey) -> float:
    told = reuse.sameness(kept, new_one)
    return -1.0 if told is None else told  # nothing is said of it then


def _small_scene(rng: Generator) -> Frame:
    frame = scenes.somewhere(8, (640, 480), rng)
    scenes.put(frame, scenes.card(scenes.new_code(rng), rng), rng)
    return frame


def _moved(place: Frame, rng: Generator, far: float) -> Frame:
    """The same counter, the phone held a little elsewhere."""
    height, width = place.shape[:2]
    there = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(rng.normal(0, 3) * far), float(1 + rng.uniform(-0.08, 0.08) * far)
    )
    there = there + np.array([[0, 0, rng.normal(0, 14)], [0, 0, rng.normal(0, 14)]]) * far
    return np.asarray(cv2.warpAffine(place, there, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def abused(frame: Frame, rng: Generator) -> Frame:
    """Saved anew, cut by a tenth, made lighter or darker, mirrored: one of these, or all."""
    do = (
        {str(rng.choice(["saved", "cut", "light", "mirrored"]))}
        if rng.random() < 0.7
        else {"cut", "light", "mirrored"}
    )
    height, width = frame.shape[:2]
    if "cut" in do:
        x, y = int(rng.uniform(0, 0.1) * width), int(rng.uniform(0, 0.1) * height)
        frame = frame[y : y + int(0.9 * height), x : x + int(0.9 * width)]
    if "light" in do:
        frame = np.clip(frame * rng.uniform(0.7, 1.3) + rng.uniform(-15, 15), 0, 255).astype(np.uint8)
    if "mirrored" in do:
        frame = np.ascontiguousarray(frame[:, ::-1])
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 80))])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def found_again(seed: int, pictures: int) -> float:
    """The share of pictures used again that the indexed codes find, and whose sketches are worth a look."""
    hits = 0
    for number in range(pictures):
        rng = np.random.default_rng([seed, 33, number])
        frame = _small_scene(rng)
        kept, again = reuse.fingerprint(grey_of(frame)), grey_of(abused(frame, rng))
        is_met = not set(kept.codes).isdisjoint(reuse.guises(again))
        hits += is_met and reuse.likeness(kept.sketch, reuse.fingerprint(again).sketch) >= WORTH_A_LOOK
    return hits / pictures


def _signatures(seed: int, pictures: int) -> list[Curve]:
    values: dict[tuple[str, bool], list[float]] = {}
    for number in range(pictures):
        for is_faulty in (True, False):
            rng = np.random.default_rng([seed, 41, number, is_faulty])
            for check in signature.measure(_signature(rng, is_faulty)):
                values.setdefault((check.name, is_faulty), []).append(check.value)
    return [Curve(n, tuple(values[n, True]), tuple(values[n, False])) for n in ("ink", "extent")]


def _signature(rng: Generator, is_faulty: bool) -> Grey:
    pad = np.full((300, 720), 255, np.uint8)
    if is_faulty:
        for _ in range(int(rng.integers(0, 3))):  # nothing, a dot, a slip of the thumb
            at = rng.integers(40, 260, 2)
            by = rng.integers(-14, 15, 2)
            cv2.line(
                pad,
                (int(at[0]), int(at[1])),
                (int(at[0] + by[0]), int(at[1] + by[1])),
                30,
                int(rng.integers(2, 5)),
            )
        return pad
    points = [np.array([rng.uniform(40, 160), rng.uniform(100, 200)])]
    for _ in range(int(rng.integers(10, 60))):
        points.append(points[-1] + [rng.uniform(-6, 20), rng.normal(0, 26)])
    line = np.clip(np.array(points), 5, [715, 295]).astype(np.int32)
    cv2.polylines(pad, [line], False, (30,), int(rng.integers(2, 5)), cv2.LINE_AA)
    return fitted(pad, 720)
