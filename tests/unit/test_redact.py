"""What looks like printed text is blurred in a copy, the tag that is kept is read as before, and bare places stay."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from sync.evidence import examine, redact, tags
from sync.evidence.pixels import grey_of
from tests.support.tagged import barred, saved, tagged

CODE = "ABCDEFGH1234"


def written(words: str, at: tuple[int, int], size: int, ink: int = 30) -> Image.Image:
    image = Image.new("RGB", (1200, 900), (180, 170, 160))
    ImageDraw.Draw(image).text(at, words, fill=(ink, ink, ink), font_size=size)
    return image


def ink_under(image: Image.Image, dark: int) -> float:
    """The share of the ink that the mask covers."""
    grey = np.asarray(image.convert("L"))
    mask = redact.text_mask(grey)
    return float((mask[grey < dark] > 0).mean())


def test_words_of_every_size_and_turn_are_covered() -> None:
    for size in (14, 24, 48, 96):
        for angle in (0, 33, 90, 180):
            image = written("Siti Aminah 12 Jalan", (80, 400), size).rotate(
                angle, fillcolor=(180, 170, 160), resample=Image.Resampling.BILINEAR
            )
            assert ink_under(image, 90) > 0.95, (size, angle)


def test_faint_words_are_covered_too() -> None:
    assert ink_under(written("PENERIMA: BUDI S.", (80, 400), 30, ink=120), 140) > 0.95


def test_a_bare_counter_and_a_lone_line_are_left_as_they_are() -> None:
    bare = np.full((900, 1200), 170, np.uint8)
    cv2.line(bare, (100, 100), (1100, 800), (60,), 6)
    rng = np.random.default_rng(1)
    noisy = np.clip(bare + rng.normal(0, 6, bare.shape), 0, 255).astype(np.uint8)
    assert (redact.text_mask(noisy) > 0).mean() < 0.02


def test_nothing_of_the_letters_is_left_where_they_were() -> None:
    image = written("Siti Aminah", (100, 400), 60)
    copy = Image.open(io.BytesIO(redact.redact(saved(image), [], (1200, 900)))).convert("L")
    before, after = (np.asarray(it.convert("L"), float)[400:470, 110:400] for it in (image, copy))
    assert np.abs(np.diff(before, axis=1)).max() > 60
    assert np.abs(np.diff(after, axis=1)).max() < 8


def test_the_tag_that_is_kept_is_read_and_another_is_not() -> None:
    other = "ZYXWVTSRQPNM"
    data = tagged(CODE, other, size=(1200, 900))
    grey = grey_of(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    found = {reading.text: reading for reading in tags.read(grey, [CODE, other]).found}
    kept = redact.redact(data, [redact.grown(found[CODE].corners)], (1200, 900))
    again = cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert [symbol.text for symbol in zxingcpp.read_barcodes(again)] == [CODE]


def test_corners_told_for_a_larger_picture_fit_the_copy() -> None:
    data = tagged(CODE, size=(3000, 2250), module=16)
    grey = grey_of(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    (reading,) = tags.read(grey, [CODE]).found
    kept = redact.redact(data, [redact.grown(reading.corners)], (3000, 2250))
    again = cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert max(again.shape) == redact.LONG_SIDE
    assert [symbol.text for symbol in zxingcpp.read_barcodes(again)] == [CODE]


def test_what_can_be_read_however_wide_it_is_blurred_takes_the_picture_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        redact, "_legible", lambda grey, *_: np.full_like(grey, 255) * np.eye(*grey.shape, dtype=np.uint8)
    )
    bare = Image.new("RGB", (300, 200), (180, 170, 160))
    ImageDraw.Draw(bare).line((250, 10, 250, 90), fill=(20, 20, 20), width=3)
    copy = Image.open(
        io.BytesIO(redact.redact(saved(bare), [[(0, 100), (300, 100), (300, 200), (0, 200)]], (300, 200)))
    )
    assert np.asarray(copy.convert("L"))[10:90, 250].min() > 100


def test_a_strangers_bars_are_not_read_in_the_copy_and_kept_ones_are() -> None:
    data = barred("JX8800000007")
    height, width = examine.decode(data)[0].shape[:2]
    (reading,) = tags.read(grey_of(examine.decode(data)[0]), []).found

    def read_of(copy: bytes) -> list[str]:
        grey = cv2.imdecode(np.frombuffer(copy, np.uint8), cv2.IMREAD_GRAYSCALE)
        return [symbol.text for symbol in zxingcpp.read_barcodes(grey)]

    assert read_of(redact.redact(data, [], (width, height))) == []
    assert read_of(redact.redact(data, [redact.grown(reading.corners)], (width, height))) == ["JX8800000007"]
