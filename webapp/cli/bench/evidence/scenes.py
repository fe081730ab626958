"""Photos that nobody took: tags on parcels in a cluttered place, then what a hand, a lens and a network do to them.

Everything comes from (seed, number), so a frame that surprised somebody can be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from sync.protocol import codes
from webapp.services.tags import Symbol, parcel_code128, parcel_qr

Frame = npt.NDArray[np.uint8]
SIZES = ((640, 480), (960, 720))
_SIZE_SHARES = (0.85, 0.15)
_PLACES = 60  # cluttered places of each size; each frame shows one of them mirrored, lit and tinted anew
CASES = ("claimed", "claimed and others", "others only", "nothing of ours")
_CASE_SHARES = (0.35, 0.35, 0.2, 0.1)
_MODULE = 8


@dataclass(slots=True)
class Scene:
    """A frame in BGR: the code claimed for it, the codes really in it, and what was done to it by name."""

    frame: Frame
    case: str
    claimed: str
    inside: frozenset[str]
    harms: dict[str, float] = field(default_factory=dict)


def draw(seed: int, number: int) -> Scene:
    """Frame `number` of the set `seed`."""
    rng = np.random.default_rng([seed, number])
    case = str(rng.choice(CASES, p=_CASE_SHARES))
    claimed = new_code(rng)
    size = SIZES[int(rng.choice(len(SIZES), p=_SIZE_SHARES))]
    frame = somewhere(seed, size, rng)
    inside: set[str] = set()
    shown = [new_code(rng) for _ in range(_others(case, rng))]
    shown += [claimed] if case.startswith("claimed") else []  # last, so that no other tag lies on it
    for code in shown:
        put(frame, card(code, rng), rng)
        inside.add(code)
    harms = harm(frame, rng)
    return Scene(frame, case, claimed, frozenset(inside), harms)


def _others(case: str, rng: Generator) -> int:
    return int(rng.integers(1, 3)) if "others" in case else 0


def new_code(rng: Generator) -> str:
    """A parcel's code from the set's own chance."""
    return codes.new_code(lambda n: int(rng.integers(0, n)))


def somewhere(seed: int, size: tuple[int, int], rng: Generator) -> Frame:
    """One of the made places, mirrored, lit and tinted anew, often with a carrier's label in it."""
    place = _place(seed, size, int(rng.integers(0, _PLACES)))
    flipped = place[:: 1 - 2 * int(rng.integers(0, 2)), :: 1 - 2 * int(rng.integers(0, 2))]
    light = rng.uniform(0.75, 1.2) * rng.uniform(0.85, 1.15, 3)
    curves = np.clip(np.arange(256)[:, None] * light, 0, 255).astype(np.uint8)
    frame = np.asarray(cv2.LUT(np.ascontiguousarray(flipped), curves[None]), np.uint8)
    if rng.random() < 0.4:  # a carrier's label
        text = "".join(rng.choice(list("ABCDEFGHJK0123456789"), 14))
        put(frame, _padded(_drawn(parcel_code128(text), 2, 70)), rng)
    return frame


@lru_cache(maxsize=2 * _PLACES)
def _place(seed: int, size: tuple[int, int], number: int) -> Frame:
    return clutter(np.random.default_rng([seed, *size, number]), size)


def clutter(rng: Generator, size: tuple[int, int]) -> Frame:
    """A counter, a floor, boxes, stickers and words."""
    width, height = size
    base = rng.integers(60, 200, 3)
    slope = np.linspace(0.7, 1.2, width)[None, :, None] * np.linspace(1.1, 0.8, height)[:, None, None]
    frame = np.clip(base[None, None, :] * slope, 0, 255).astype(np.uint8)
    grain = rng.normal(0, 9, (height // 4, width // 4, 1))
    frame = np.clip(frame + cv2.resize(grain, size)[..., None], 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(8, 20))):
        x, y, w, h = (
            int(v) for v in (rng.integers(0, width), rng.integers(0, height), *rng.integers(20, 320, 2))
        )
        colour = tuple(int(v) for v in rng.integers(30, 230, 3))
        if rng.random() < 0.7:
            cv2.rectangle(frame, (x, y), (x + w, y + h), colour, -1)
        else:
            cv2.ellipse(frame, (x, y), (w // 2, h // 2), float(rng.integers(0, 180)), 0, 360, colour, -1)
    for _ in range(int(rng.integers(3, 9))):
        at = (int(rng.integers(0, width)), int(rng.integers(20, height)))
        words = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ 0123456789"), 12))
        cv2.putText(frame, words, at, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.4, 1.4)), (20, 20, 20), 2)
    return np.asarray(frame, np.uint8)


@lru_cache(maxsize=64)
def _qr(code: str) -> Frame:
    return _drawn(parcel_qr(code), _MODULE)


def _drawn(symbol: Symbol, module: int, row_height: int | None = None) -> Frame:
    dots = np.where(np.array(symbol.rows), 0, 255).astype(np.uint8)
    grey = np.kron(dots, np.ones((row_height or module, module), np.uint8))
    return np.asarray(np.repeat(grey[..., None], 3, axis=2), np.uint8)


def _padded(picture: Frame, by: int = 14) -> Frame:
    return np.asarray(
        cv2.copyMakeBorder(picture, by, by, by, by, cv2.BORDER_CONSTANT, value=(250, 250, 250)), np.uint8
    )


def card(code: str, rng: Generator) -> Frame:
    """A tag as we print it: the QR, its text under it, and on some the Code 128 as well."""
    symbol = _qr(code)
    parts = [symbol]
    strip = np.full((44, symbol.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, codes.pretty(code), (18, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.78, (0, 0, 0), 2)
    parts.append(strip)
    if rng.random() < 0.3:
        bars = _drawn(parcel_code128(code), 2, 60)
        room = np.full((bars.shape[0] + 10, max(symbol.shape[1], bars.shape[1]), 3), 255, np.uint8)
        room[: bars.shape[0], : bars.shape[1]] = bars
        parts = [_widened(part, room.shape[1]) for part in parts] + [room]
    return _padded(np.vstack(parts))


def _widened(part: Frame, width: int) -> Frame:
    wide = np.full((part.shape[0], width, 3), 255, np.uint8)
    wide[:, : part.shape[1]] = part
    return wide


def put(frame: Frame, picture: Frame, rng: Generator) -> None:
    """Lay a flat thing into the scene: anywhere, turned, tilted, from far to near."""
    height, width = frame.shape[:2]
    h, w = picture.shape[:2]
    side = float(rng.uniform(0.16, 0.5)) * height
    angle = float(rng.choice([rng.normal(0, 12), rng.uniform(-180, 180)], p=[0.6, 0.4]))
    tilt = float(rng.uniform(0, 0.42))
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    scale = side / max(h, w)
    flat = (corners - [w / 2, h / 2]) * scale
    flat[:, 1] *= 1 - tilt * 0.6
    flat *= 1 + tilt * (flat[:, 1:] / (side + 1)) * 0.6
    turn = np.deg2rad(angle)
    spun = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    room = np.abs(spun).max(axis=0)
    centre = [
        float(rng.uniform(min(room[i], n / 2), max(n - room[i], n / 2)))
        for i, n in enumerate((width, height))
    ]
    at = np.clip(np.floor((spun + centre).min(axis=0)), 0, [width - 1, height - 1]).astype(int)
    end = np.clip(np.ceil((spun + centre).max(axis=0)) + 1, at + 1, [width, height]).astype(int)
    there = cv2.getPerspectiveTransform(corners, (spun + centre - at).astype(np.float32))
    box = (int(end[0] - at[0]), int(end[1] - at[1]))
    warped = cv2.warpPerspective(
        _reduced(picture, scale), there @ _growth(scale), box, flags=cv2.INTER_LINEAR
    )
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), there, box)
    frame[at[1] : end[1], at[0] : end[0]][mask > 127] = warped[mask > 127]


def _growth(scale: float) -> npt.NDArray[np.float64]:
    """From the points of a picture that was made smaller first to those of the whole one."""
    return np.diag([_steps(scale), _steps(scale), 1.0])


def _reduced(picture: Frame, scale: float) -> Frame:
    # As a lens averages; a warp alone would only pick single points.
    share = 1 / _steps(scale)
    return (
        picture
        if share == 1
        else np.asarray(cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
    )


def _steps(scale: float) -> float:
    return float(max(1, int(0.75 / scale)))


def _blur(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    strength = float(rng.uniform(0.4, 2.6)) * frame.shape[1] / 960
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), strength), np.uint8), strength


def _motion(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    length = max(3, int(rng.integers(3, 12) * frame.shape[1] / 960))
    kernel = np.zeros((length, length), np.float32)
    cv2.line(kernel, (0, int(rng.integers(0, length))), (length - 1, int(rng.integers(0, length))), 1.0)
    return np.asarray(cv2.filter2D(frame, -1, kernel / kernel.sum()), np.uint8), float(length)


def _dark(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    gain = float(rng.uniform(0.06, 0.5))
    curve = np.clip(np.arange(256) * gain, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(frame, curve), np.uint8), gain


def _noise(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    sigma = float(rng.uniform(3, 26))
    height, width = frame.shape[:2]
    y, x = (int(v) for v in rng.integers(0, 97, 2))
    grain = (_grain()[y : y + height, x : x + width] * sigma).astype(np.int16)
    return np.asarray(cv2.add(frame, cv2.merge([grain] * 3), dtype=cv2.CV_8U), np.uint8), sigma


@lru_cache(maxsize=1)
def _grain() -> npt.NDArray[np.float32]:
    return np.random.default_rng(5).normal(0, 1, (900, 1100)).astype(np.float32)


def _glare(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    height, width = frame.shape[:2]
    radius = float(rng.uniform(0.05, 0.22)) * width
    across = np.exp(-((np.arange(width) - rng.uniform(0, width)) ** 2) / (2 * radius**2))
    down = np.exp(-((np.arange(height) - rng.uniform(0, height)) ** 2) / (2 * radius**2))
    light = (340 * np.outer(down, across)).astype(np.int16)
    return np.asarray(cv2.add(frame, cv2.merge([light] * 3), dtype=cv2.CV_8U), np.uint8), radius / width


def _occlude(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    height, width = frame.shape[:2]
    out = frame.copy()
    start = (int(rng.integers(0, width)), int(rng.integers(0, height)))
    end = (int(rng.integers(0, width)), int(rng.integers(0, height)))
    thick = int(rng.integers(6, 40) * width / 960)
    cv2.line(out, start, end, tuple(int(v) for v in rng.integers(40, 220, 3)), thick)
    return out, float(thick)


def _jpeg(frame: Frame, rng: Generator) -> tuple[Frame, float]:
    quality = int(rng.integers(15, 90))
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8), float(quality)


HARMS: dict[str, tuple[float, Callable[[Frame, Generator], tuple[Frame, float]]]] = {
    "occlusion": (0.25, _occlude),
    "glare": (0.25, _glare),
    "blur": (0.3, _blur),
    "motion": (0.2, _motion),
    "low light": (0.25, _dark),
    "noise": (0.4, _noise),
    "jpeg": (0.9, _jpeg),
}


def harm(frame: Frame, rng: Generator) -> dict[str, float]:
    """Do to a frame, in place, what a real photo suffers; gives what and how much."""
    done: dict[str, float] = {}
    whole: Any = frame
    for name, (chance, how) in HARMS.items():
        if rng.random() < chance:
            whole, done[name] = how(whole, rng)
    frame[:] = whole
    return done
