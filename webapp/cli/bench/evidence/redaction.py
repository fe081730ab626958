"""How much printed text redacted copies still show, on scenes whose words are known, and what is blurred besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from sync.evidence import redact
from sync.evidence.pixels import grey_of
from webapp import clock
from webapp.cli.bench.evidence import scenes
from webapp.cli.bench.evidence.scenes import Frame

SIZE = (1200, 1600)
HIDDEN = 0.9  # of a line's ink under the blur: what is left of it says nothing
_LINES = {
    "NotoSans-Regular": (
        "Siti Aminah binti Ali",
        "12 Jalan Melur, Ipoh 31400",
        "+60 12-345 6789",
        "Ngõ 5, Hà Nội",
    ),
    "NotoSans-Bold": ("PENERIMA: BUDI S.", "No. 7 Lorong 3", "0812 3456 7890"),
    "NotoSansThai-Regular": ("คุณสมชาย ใจดี", "ถนนสุขุมวิท กรุงเทพฯ"),
    "NotoSansSC-Regular": ("收件人 小明", "新加坡 乌"),
}
_BANDS = (
    (0, 14, "under 14"),
    (14, 24, "14 to 24"),
    (24, 48, "24 to 48"),
    (48, 90, "48 to 90"),
    (90, 999, "over 90"),
)


def measure(seed: int, pictures: int) -> dict[str, Any]:
    """Lines hidden of those drawn, by height of the letters in pixels and by contrast; what else was blurred."""
    drawn: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    beside, tags, ms = [], 0, []
    for number in range(pictures):
        rng = np.random.default_rng([seed, 77, number])
        frame, inks, code = _scene(rng)
        began = clock.ticks()
        mask = redact.text_mask(grey_of(frame))
        ms.append((clock.ticks() - began) * 1000)
        for ink, names in inks:
            is_hidden = float((mask[ink] > 0).mean()) >= HIDDEN
            for name in ("all", *names):
                drawn[name] += 1
                hidden[name] += is_hidden
        words = np.zeros(mask.shape, bool)
        for ink, _ in inks:
            words |= ink
        near = cv2.dilate(words.astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
        beside.append(float((mask[~near] > 0).mean()))
        tags += code in _read_with_tag_kept(frame, code)
    return {
        "pictures": pictures,
        "lines": {name: drawn[name] for name in sorted(drawn)},
        "hidden": {name: round(hidden[name] / drawn[name], 4) for name in sorted(drawn)},
        "blurred_beside": round(float(np.median(beside)), 4),
        "tags_kept": round(tags / max(1, pictures), 4),
        "ms_median": round(float(np.median(ms)), 1),
    }


def lines(told: dict[str, Any]) -> list[str]:
    """The figures in words."""
    parts = ", ".join(
        f"{name} {share:.1%} of {told['lines'][name]}"
        for name, share in told["hidden"].items()
        if name != "all"
    )
    hidden, count = told["hidden"]["all"], told["lines"]["all"]
    beside, kept, ms = told["blurred_beside"], told["tags_kept"], told["ms_median"]
    return [
        f"Redaction hides {hidden:.1%} of {count} lines of text: {parts}.",
        f"It blurs {beside:.1%} beside the text (median), keeps {kept:.1%} of the tags readable; {ms} ms a picture.",
    ]


def _scene(
    rng: Generator,
) -> tuple[Frame, list[tuple[npt.NDArray[np.bool_], tuple[str, ...]]], str]:
    """A cluttered place without words, a label with lines on it, a tag beside it, and what a camera does."""
    frame = _place(rng)
    code = scenes.new_code(rng)
    scenes.put(frame, scenes.card(code, rng), rng)
    inks: list[tuple[npt.NDArray[np.bool_], tuple[str, ...]]] = []
    for _ in range(int(rng.integers(2, 6))):
        ink, names = _line(frame, inks, rng)
        if ink is not None:
            inks.append((ink, names))
    inks = [(ink, names) for ink, names in inks if ink.sum() > 50]
    _camera(frame, rng)
    return frame, inks, code


def _place(rng: Generator) -> Frame:
    width, height = SIZE
    frame = np.full((height, width, 3), rng.integers(70, 200, 3), np.uint8)
    for _ in range(int(rng.integers(6, 16))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = (int(v) for v in rng.integers(80, 700, 2))
        colour = tuple(int(v) for v in rng.integers(40, 225, 3))
        cv2.rectangle(frame, (x, y), (x + w, y + h), colour, -1)
    return frame


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    file = resources.files("sync.evidence.printing") / "fonts" / f"{name}.ttf"
    with resources.as_file(file) as path:
        return ImageFont.truetype(str(path), size)


def _line(
    frame: Frame, inks: Sequence[Any], rng: Generator
) -> tuple[npt.NDArray[np.bool_] | None, tuple[str, ...]]:
    """Print one line on a slip of paper, turned, anywhere; gives its ink and what kind of line it is."""
    height, width = frame.shape[:2]
    name = str(rng.choice(list(_LINES)))
    words = str(rng.choice(_LINES[name]))
    size = int(np.exp(rng.uniform(np.log(12), np.log(260))))
    font = _font(name, size)
    left, top, right, bottom = font.getbbox(words)
    w, h = int(right - left) + 2 * size, int(bottom - top) + size
    contrast = float(rng.choice([20, 40, 80, 160]))
    paper = float(rng.uniform(contrast + 20, 250))
    slip = Image.new("L", (w, h), 0)
    ImageDraw.Draw(slip).text((size - left, size // 2 - top), words, fill=255, font=font)
    angle = float(rng.choice([rng.normal(0, 8), rng.uniform(-180, 180)], p=[0.7, 0.3]))
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), angle, 1.0)
    turn[:, 2] += (rng.uniform(0.2, 0.8) * width - w / 2, rng.uniform(0.1, 0.9) * height - h / 2)
    ink = cv2.warpAffine(np.asarray(slip), turn, (width, height))
    sheet = cv2.warpAffine(np.full((h, w), 255, np.uint8), turn, (width, height)) > 127
    if float(sheet.sum()) < 0.8 * w * h:  # most of it lies outside
        return None, ()
    for before, _ in inks:
        before[sheet] = False  # what lies under this slip is not to be seen any more
    share = (ink / 255.0)[..., None]
    under = np.where(sheet[..., None], paper, frame)
    frame[:] = (under * (1 - share) + (paper - contrast) * share).astype(np.uint8)
    band = next(label for low, high, label in _BANDS if low <= size * 0.7 < high)
    return ink > 127, (f"letters {band} px", f"contrast {contrast:.0f}")


def _camera(frame: Frame, rng: Generator) -> None:
    whole: Any = cv2.GaussianBlur(frame, (0, 0), float(rng.uniform(0.4, 1.6)))
    grain = rng.normal(0, float(rng.uniform(1, 9)), frame.shape[:2]).astype(np.int16)
    whole = cv2.add(whole, cv2.merge([grain] * 3), dtype=cv2.CV_8U)
    data = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 92))])[1]
    frame[:] = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _read_with_tag_kept(frame: Frame, code: str) -> set[str]:
    """What can still be read where the tag's own corners are kept; the code itself where none was read before."""
    grey = grey_of(frame)
    found = [symbol for symbol in zxingcpp.read_barcodes(grey) if symbol.text == code]
    if not found:
        return {code}
    at = found[0].position
    corners = [(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)]
    data = cv2.imencode(".png", frame)[1].tobytes()
    kept = redact.redact(data, [redact.grown(corners)], (frame.shape[1], frame.shape[0]))
    again = cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_GRAYSCALE)
    return {symbol.text for symbol in zxingcpp.read_barcodes(again)}
