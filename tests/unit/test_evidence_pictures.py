"""The checks on pixels: tags read in poor pictures, quality in numbers, a photo known again."""

from __future__ import annotations

import io
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image

from sync.evidence import examine, quality, reuse, signature, tags
from sync.evidence.limits import LIMITS, WORTH_A_LOOK
from sync.evidence.pixels import Grey, grey_of
from sync.evidence.strokes import of_strokes
from sync.protocol.problems import Problem
from tests.support.desk import scrawl
from tests.support.tagged import barred, saved, tagged
from tests.unit.phones import new_codes

CODE, OTHER = new_codes(2, seed=77)


@cache
def grey(*codes: str, seed: int = 1) -> Grey:
    """A photo with these tags."""
    return grey_of(examine.decode(tagged(*codes, seed=seed))[0])


def holds(name: str, value: float) -> bool:
    limit = LIMITS[name]
    return value >= limit.threshold if limit.is_least else value <= limit.threshold


def told(kept: Grey, new: Grey) -> float:
    """How alike they are; it can be told."""
    value = reuse.sameness(kept, new)
    assert value is not None
    return value


def test_all_tags_of_a_photo_are_read_with_where_they_are() -> None:
    read = tags.read(grey(CODE, OTHER), {CODE, OTHER})
    assert {reading.key for reading in read.found} == {CODE, OTHER}
    assert read.ways == ("whole",), "nothing more is tried once all are seen"
    [box] = [reading.corners for reading in read.found if reading.key == CODE]
    assert all(40 <= x <= 260 and 190 <= y <= 420 for x, y in box)


def test_a_tag_lost_in_the_dark_is_found_by_a_retry() -> None:
    rng = np.random.default_rng(3)
    dark = np.clip(grey(CODE) * 0.05 + rng.normal(0, 1.2, grey(CODE).shape), 0, 255).astype(np.uint8)
    small = cv2.resize(dark, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    read = tags.read(np.asarray(small, np.uint8), {CODE})
    assert [reading.key for reading in read.found] == [CODE]
    assert read.found[0].way != "whole"


def test_a_retry_says_where_the_tag_is_in_the_whole_picture() -> None:
    turned = tags._turned(grey(CODE), 30)
    [box] = [reading.corners for reading in turned if reading.key == CODE]
    assert all(40 <= x <= 260 and 190 <= y <= 420 for x, y in box), box


def test_a_carriers_bars_are_read() -> None:
    read = tags.read(grey_of(examine.decode(barred("JX8800000007"))[0]), {"JX8800000007"})
    assert [(reading.key, reading.format) for reading in read.found] == [("JX8800000007", "code128")]


def test_a_photo_is_sharp_until_it_is_smeared() -> None:
    sharp = grey(CODE)
    smeared = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 7), np.uint8)
    for name, measure in (("sharpness", quality.sharpness), ("edges", quality.edges)):
        assert holds(name, measure(sharp)), name
        assert not holds(name, measure(smeared)), name


@pytest.mark.parametrize(("softness", "is_sharp"), [(0.4, True), (0.7, True), (2.0, False), (4.0, False)])
def test_a_bare_box_on_a_bare_floor_is_sharp_until_it_is_smeared(softness: float, is_sharp: bool) -> None:
    """Nothing but a few edges, each along one direction: no print that would tell."""
    rng = np.random.default_rng(1)
    floor = np.full((480, 640), 90, np.float32)
    floor[150:330, 200:430] = 170
    seen = cv2.GaussianBlur(floor, (0, 0), softness) + rng.normal(0, 1.5, floor.shape)
    assert holds("edges", quality.edges(np.clip(seen, 0, 255).astype(np.uint8))) is is_sharp


def moved(picture: Grey, length: int, angle: float) -> Grey:
    """As a hand that moves while the shutter is open leaves it."""
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), angle, 1)
    return np.asarray(cv2.filter2D(picture, -1, cv2.warpAffine(kernel, turn, (length, length))), np.uint8)


@pytest.mark.parametrize("grain", [0, 3, 6])
@pytest.mark.parametrize("angle", [0, 45, 100])
def test_a_moving_hand_is_told_also_through_the_grain_of_a_poor_light(grain: int, angle: float) -> None:
    rng = np.random.default_rng(3)

    def grained(picture: Grey) -> Grey:
        return np.clip(picture + rng.normal(0, grain, picture.shape), 0, 255).astype(np.uint8)

    still = np.asarray(cv2.GaussianBlur(grey(CODE), (0, 0), 0.8), np.uint8)
    assert holds("edges", quality.edges(grained(still)))
    assert not holds("edges", quality.edges(grained(moved(still, 21, angle))))


def test_a_burnt_out_patch_is_glare_and_a_white_tag_is_not() -> None:
    shone = grey(CODE).copy()
    cv2.circle(shone, (500, 300), 170, 255, -1)
    assert holds("glare", quality.glare(grey(CODE)))
    assert not holds("glare", quality.glare(shone))


def test_a_table_has_nothing_in_it() -> None:
    rng = np.random.default_rng(1)
    table = np.clip(130 + rng.normal(0, 4, (480, 640)), 0, 255).astype(np.uint8)
    assert not holds("detail", quality.detail(table))
    assert holds("detail", quality.detail(grey(CODE)))


@pytest.mark.parametrize("picture", [np.zeros((1, 1), np.uint8), np.full((2, 900), 255, np.uint8)])
def test_a_sliver_of_a_picture_is_measured_without_a_fault(picture: Grey) -> None:
    assert len(quality.measure(picture, 1)) == 7
    assert len(signature.measure(picture)) == 2
    reuse.guises(picture)


def test_a_signature_has_ink_and_reach_and_an_empty_pad_has_neither() -> None:
    drawn = signature.measure(grey_of(examine.decode(scrawl())[0]))
    empty = signature.measure(np.full((240, 600), 255, np.uint8))
    assert [check.holds for check in drawn] == [True, True]
    assert [check.holds for check in empty] == [False, False]


@pytest.mark.parametrize("told", [None, 7, {}, {"ms": True}, {"ms": "long"}, {"ms": -1}])
def test_a_phone_that_tells_nothing_of_the_strokes_is_not_doubted(told: object) -> None:
    assert of_strokes({"signature": told}) == []


@pytest.mark.parametrize("done", ["saved", "cut", "lighter", "mirrored"])
def test_a_photo_is_known_again(done: str) -> None:
    # As a lens gives it: the edges of what is drawn are harder than any photo's.
    old = np.asarray(cv2.GaussianBlur(grey(CODE, OTHER, seed=5), (0, 0), 3), np.uint8)
    height, width = old.shape
    new = {
        "saved": lambda: grey_of(examine.decode(saved(Image.fromarray(old), 30))[0]),
        "cut": lambda: old[: int(height * 0.93), int(width * 0.05) :],
        "lighter": lambda: np.clip(old * 1.2 + 10, 0, 255).astype(np.uint8),
        "mirrored": lambda: np.ascontiguousarray(old[:, ::-1]),
    }[done]()
    kept = reuse.fingerprint(old)
    assert not set(kept.codes).isdisjoint(reuse.guises(new)), "the index finds it"
    assert reuse.likeness(kept.sketch, reuse.fingerprint(new).sketch) >= WORTH_A_LOOK
    assert not holds("likeness", told(old, new))


def test_another_photo_is_not_taken_for_it() -> None:
    kept, new = reuse.fingerprint(grey(CODE, seed=5)), reuse.fingerprint(grey(CODE, seed=6))
    assert reuse.likeness(kept.sketch, new.sketch) < WORTH_A_LOOK


def test_another_parcel_at_the_same_counter_is_another_photo_however_alike_their_sketches_are() -> None:
    kept, new = grey(CODE, seed=5), grey(OTHER, seed=5)
    assert reuse.likeness(reuse.fingerprint(kept).sketch, reuse.fingerprint(new).sketch) > 0.6
    assert holds("likeness", told(kept, new))


def test_a_picture_made_very_dark_is_known_again() -> None:
    kept = np.asarray(cv2.GaussianBlur(grey(CODE, OTHER, seed=5), (0, 0), 3), np.uint8)
    assert not holds("likeness", told(kept, (kept * 0.3).astype(np.uint8)))
    assert not holds("likeness", told((kept * 0.3).astype(np.uint8), kept))


def labelled(words: list[str]) -> Grey:
    """A box with a small label of always the same layout, taken by a phone on a stand."""
    photo = grey(seed=9).copy()
    photo[200:440, 300:540] = 240
    cv2.putText(photo, "EXPRESS", (310, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 2)
    for number, word in enumerate(words):
        at = (310, 285 + 34 * number)
        cv2.putText(photo, word, at, cv2.FONT_HERSHEY_SIMPLEX, 0.85, 20, 2)
    return photo


def test_another_label_of_the_same_layout_in_the_same_place_is_another_photo() -> None:
    kept = labelled(["TAN SIEW LIN", "12 JALAN TUN", "KUALA LUMPUR", "50480 MYS", "COD 39.90"])
    new = labelled(["BUDI SANTOSO", "7 LORONG ABC", "PETALING JAYA", "46000 MYS", "PAID 8.50"])
    assert reuse.likeness(reuse.fingerprint(kept).sketch, reuse.fingerprint(new).sketch) > 0.6
    assert holds("likeness", told(kept, new))
    assert not holds("likeness", told(kept, grey_of(examine.decode(saved(Image.fromarray(kept), 40))[0])))


@pytest.mark.parametrize(
    ("kept", "new"),
    [
        (np.full((300, 400), 120, np.uint8), np.full((300, 400), 120, np.uint8)),
        (np.zeros((1, 1), np.uint8), np.full((2, 900), 255, np.uint8)),
        (np.full((300, 400), 255, np.uint8), np.zeros((300, 400), np.uint8)),
    ],
)
def test_of_pictures_with_too_little_in_them_nothing_is_said(kept: Grey, new: Grey) -> None:
    assert reuse.sameness(kept, new) is None


def test_a_plain_wall_is_known_by_nothing() -> None:
    assert reuse.fingerprint(np.full((300, 400), 120, np.uint8)).is_plain


def test_sixteen_bits_and_transparency_become_what_a_person_sees() -> None:
    deep = np.full((60, 80), 40_000, np.uint16)
    out = io.BytesIO()
    Image.fromarray(deep).save(out, "PNG")
    assert abs(int(examine.decode(out.getvalue())[0][0, 0, 0]) - 156) <= 1
    clear = io.BytesIO()
    Image.new("RGBA", (80, 60), (0, 0, 0, 0)).save(clear, "PNG")
    assert examine.decode(clear.getvalue())[0][0, 0, 0] == 255, "an empty pad is white, not black"


def test_a_picture_that_gives_two_sizes_of_itself_is_refused() -> None:
    with pytest.raises(Problem) as raised:
        examine.decode(tagged(CODE)[:300])
    assert raised.value.code == "picture-broken"
