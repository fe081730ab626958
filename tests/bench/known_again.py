"""Whether a photo is known again among a million: `python -m tests.bench.known_again [photos …]`.

Photos are made from a fixed seed: half of them at sixty counters that come back again and again, half in a place of
their own, parcels on each, by a hand that is never quite still. Beside ever more of them it prints what each step of a
question costs, how many photos used again are found after what is done to a file (cut, mirrored, lighter, saved anew),
and how many new photos are taken for one that was there.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from sqlalchemy import insert

from sync.evidence import reuse
from sync.evidence.pixels import Grey, grey_of
from tests.support.installation import make_settings, running_app
from tests.support.shop import make_shop
from webapp.cli.bench.evidence.curves import abused
from webapp.services.checking.eyes import Eyes
from webapp.services.checking.reused import first_same
from webapp.store.models import PhotoCode, PhotoPrint
from webapp.store.queries import evidence as ask
from webapp.store.unit import reading, transaction

SEED = 20261127
SIZE = (256, 192)
COUNTERS = 60
ASKED = 200
_PORTION = 5_000
_NEW = 10_000_000  # an even number
_SPREAD = 0x9E3779B97F4A7C15


class Print(NamedTuple):
    """What is kept of photo `number`; no codes when there is too little in it."""

    number: int
    codes: tuple[int, ...]
    sketch: bytes


def photo(number: int) -> Grey:
    """Photo `number`: an even one at one of the counters, an odd one where none else was taken."""
    rng = np.random.default_rng([SEED, number])
    place = _counter(int(rng.integers(0, COUNTERS))) if number % 2 == 0 else _place(rng)
    frame = _by_hand(place, rng)
    for _ in range(int(rng.integers(1, 4))):
        _lay_parcel(frame, rng)
    at = int(rng.integers(0, 64))
    grain = _grain()[at : at + SIZE[1], at : at + SIZE[0]]
    return np.asarray(np.clip(frame * rng.uniform(0.75, 1.2) + grain, 0, 255), np.uint8)


@lru_cache(maxsize=1)
def _grain() -> npt.NDArray[np.float32]:
    return np.random.default_rng(SEED).normal(0, 3, (SIZE[1] + 64, SIZE[0] + 64)).astype(np.float32)


@lru_cache(maxsize=COUNTERS)
def _counter(number: int) -> Grey:
    return _place(np.random.default_rng([SEED, 0, number]))


def _place(rng: Generator) -> Grey:
    """A counter or a floor, and what stands about there."""
    width, height = SIZE
    (left, right), (top, bottom) = rng.uniform(0.7, 1.2, 2), rng.uniform(0.8, 1.1, 2)
    slope = np.linspace(left, right, width)[None, :] * np.linspace(top, bottom, height)[:, None]
    frame = np.clip(slope * rng.integers(60, 200), 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(8, 20))):
        x, y, w, h = (
            int(v) for v in (rng.integers(0, width), rng.integers(0, height), *rng.integers(8, 128, 2))
        )
        if rng.random() < 0.7:
            cv2.rectangle(frame, (x, y), (x + w, y + h), int(rng.integers(30, 230)), -1)
        else:
            cv2.ellipse(
                frame,
                (x, y),
                (w // 2, h // 2),
                float(rng.integers(0, 180)),
                0,
                360,
                int(rng.integers(30, 230)),
                -1,
            )
    return frame


def _by_hand(place: Grey, rng: Generator) -> Grey:
    """The same place, the phone held a little elsewhere."""
    width, height = SIZE
    there = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(rng.normal(0, 3)), float(rng.uniform(0.92, 1.08))
    )
    there = there + np.array([[0, 0, rng.normal(0, 6)], [0, 0, rng.normal(0, 6)]])
    return np.asarray(cv2.warpAffine(place, there, SIZE, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _lay_parcel(frame: Grey, rng: Generator) -> None:
    """A box with a white label in the middle part of the picture."""
    width, height = SIZE
    centre = (float(rng.uniform(0.2, 0.8) * width), float(rng.uniform(0.2, 0.8) * height))
    size, turned = rng.uniform(0.2, 0.6, 2) * height, float(rng.normal(0, 20))
    for part, grey in ((1.0, int(rng.integers(60, 190))), (rng.uniform(0.3, 0.7), 245)):
        corners = cv2.boxPoints((centre, tuple(size * part), turned))
        cv2.fillConvexPoly(frame, corners.astype(np.int32), grey)
    words = "".join(rng.choice(list("ABCDEFGHKLMN0123456789"), 8))
    at = (int(centre[0] - size[0] / 3), int(centre[1]))
    cv2.putText(frame, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 20, 1)


def prints(numbers: Sequence[int]) -> list[Print]:
    """By these numbers."""
    cv2.setNumThreads(1)
    made = ((number, reuse.fingerprint(photo(number))) for number in numbers)
    return [Print(number, () if it.is_plain else it.codes, it.sketch) for number, it in made]


def keep(org_id: str, new_ones: Iterable[Print]) -> int:
    """Put them into the index in its own order, so that a million take minutes. Gives the number of codes."""
    kept = [it for it in new_ones if it.codes]
    by_code = sorted((code, _digest(it.number)) for it in kept for code in it.codes)
    by_photo = sorted((_digest(it.number), it.sketch) for it in kept)
    with transaction() as session:
        for start in range(0, len(by_photo), _PORTION):
            part = by_photo[start : start + _PORTION]
            rows = [{"org_id": org_id, "sha256": sha256, "sketch": sketch} for sha256, sketch in part]
            session.execute(insert(PhotoPrint), rows)
        for start in range(0, len(by_code), _PORTION):
            codes = by_code[start : start + _PORTION]
            session.execute(insert(PhotoCode), [{"org_id": org_id, "code": c, "sha256": s} for c, s in codes])
    return len(by_code)


def _digest(number: int) -> str:
    """Spread like a digest, and to be turned back."""
    return f"{number * _SPREAD % 2**64:064x}"


def _number(sha256: str) -> int:
    return int(sha256, 16) * pow(_SPREAD, -1, 2**64) % 2**64


class Answer(NamedTuple):
    """The photo that one was made from as the server says it (None: from none), and ms of each step."""

    found: int | None
    is_candidate: bool
    took: tuple[float, ...]


STEPS = ("codes", "index", "sketches", "pictures")


def question(org_id: str, eyes: Eyes, picture: Grey, really: int) -> Answer:
    """As `webapp.services.checking.reused` asks. `really` is the photo that it was made from."""
    as_file = _as_file(picture)
    at = [time.perf_counter()]
    print_, guises = reuse.fingerprint(picture), reuse.guises(picture)
    at.append(time.perf_counter())
    with reading() as session:
        near = ask.alike(session, org_id, guises, "")
    at.append(time.perf_counter())
    ranked = sorted(
        ((reuse.likeness(sketch, print_.sketch), sha256) for sha256, sketch in near), reverse=True
    )
    at.append(time.perf_counter())
    spent = 0.0

    def lay_over(sha256: str) -> float | None:
        nonlocal spent
        kept = _as_file(photo(_number(sha256)))
        began = time.perf_counter()
        told = eyes.sameness(kept, as_file)
        spent += time.perf_counter() - began
        return told

    same = first_same(ranked, lambda _: True, lay_over)
    took = (*((b - a) * 1000 for a, b in pairwise(at)), spent * 1000)
    is_candidate = _digest(really) in {sha256 for sha256, _ in near}
    return Answer(_number(same.sha256) if same else None, is_candidate, took)


def _as_file(picture: Grey) -> bytes:
    """As a phone keeps it."""
    large = cv2.resize(picture, (1600, 1200), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def ask_about(org_id: str, eyes: Eyes, held: int, codes: int) -> None:
    """Ask about photos used again and about new ones, and print."""
    rng = np.random.default_rng([SEED, 1, held])
    again: list[tuple[int, Answer]] = []
    for number in (int(n) for n in rng.choice(held, ASKED, replace=False)):
        used = grey_of(abused(np.repeat(photo(number)[..., None], 3, axis=2), rng))
        again.append((number, question(org_id, eyes, used, number)))
    new = [question(org_id, eyes, photo(number), number) for number in range(_NEW, _NEW + ASKED)]
    print(f"{held:>9,} photos, {codes:,} codes")
    took = zip(*(answer.took for answer in (*(answer for _, answer in again), *new)), strict=True)
    for name, values in zip(STEPS, took, strict=True):
        ordered = sorted(values)
        p95 = ordered[int(len(ordered) * 0.95)]
        print(f"  {name:<10} {statistics.median(ordered):8.1f} ms median {p95:8.1f} ms p95")
    found = sum(answer.found == number for number, answer in again)
    wrong = sum(answer.found not in {None, number} for number, answer in again)
    met = sum(answer.is_candidate for _, answer in again)
    print(f"  of {ASKED} used again: {met} among the candidates, {found} found, {wrong} taken for another")
    at_counter = sum(answer.found is not None for answer in new[::2])
    elsewhere = sum(answer.found is not None for answer in new[1::2])
    print(
        f"  of {ASKED} new ones taken for one that was there: {at_counter} at a counter, {elsewhere} elsewhere"
    )


def main(counts: Sequence[int]) -> None:
    """Keep ever more, and ask."""
    held = codes = 0
    eyes = Eyes()
    with (
        tempfile.TemporaryDirectory(prefix="baton-prints-") as folder,
        running_app(make_settings(Path(folder, "data"))),
        ProcessPoolExecutor(2) as pool,
    ):
        org_id = make_shop()
        for count in sorted(counts):
            portions = [range(n, min(n + _PORTION, count)) for n in range(held, count, _PORTION)]
            codes += keep(org_id, (it for part in pool.map(prints, portions) for it in part))
            held = count
            ask_about(org_id, eyes, held, codes)
    eyes.close()


if __name__ == "__main__":
    main([max(ASKED, int(count)) for count in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
