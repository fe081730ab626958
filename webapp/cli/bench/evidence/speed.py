"""How many photos a minute: whole looks at 1600 × 1200 JPEG files, each process on a core of its own."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

from webapp import clock
from webapp.cli.bench.evidence import scenes
from webapp.services.checking.eyes import Eyes

SIZE = (1600, 1200)


def measure(seed: int, photos: int, processes: int = 2) -> dict[str, Any]:
    """Median and p95 of one look in ms, and looks a minute by all processes together."""
    jobs = list(_photos(seed, photos))
    eyes = [Eyes() for _ in range(processes)]
    try:
        for each in eyes:
            each.examine(*jobs[0])  # started, its libraries loaded
        started = clock.ticks()
        with ThreadPoolExecutor(processes) as pool:
            shares = [pool.submit(_look, each, jobs[n::processes]) for n, each in enumerate(eyes)]
            took = sorted(ms for share in shares for ms in share.result())
        whole = clock.ticks() - started
    finally:
        for each in eyes:
            each.close()
    return {
        "photos": photos,
        "processes": processes,
        "ms_median": round(statistics.median(took), 1),
        "ms_p95": round(took[int(len(took) * 0.95)], 1),
        "photos_per_minute": round(photos / whole * 60),
    }


def _look(eyes: Eyes, jobs: list[tuple[bytes, str, list[str]]]) -> list[float]:
    took = []
    for job in jobs:
        started = clock.ticks()
        eyes.examine(*job)
        took.append((clock.ticks() - started) * 1000)
    return took


def _photos(seed: int, count: int) -> Iterator[tuple[bytes, str, list[str]]]:
    """Four of five show the claimed tag; the fifth goes the whole way of retries."""
    for number in range(count):
        rng = np.random.default_rng([seed, 51, number])
        frame = scenes.somewhere(9, SIZE, rng)
        claimed, shown = scenes.new_code(rng), scenes.new_code(rng)
        scenes.put(frame, scenes.card(shown if number % 5 == 4 else claimed, rng), rng)
        data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
        yield data.tobytes(), "photo", [claimed]
