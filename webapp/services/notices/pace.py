"""When a delivery is tried again, and when that was the last time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

FIRST_S = 30
LONGEST_S = 3 * 3600
TRIES = 20  # some eighteen hours: a mail server that was away for a night loses nothing
ASIDE = timedelta(days=3)  # what nobody could even try by then is given up and shown


def wait(tries: int, draw: Callable[[], float], at_least_s: int | None = None) -> timedelta:
    """How long after the try number `tries` the next one is due, by full jitter: `draw` gives 0 to 1."""
    most = min(LONGEST_S, FIRST_S * 2 ** (tries - 1))
    asked = min(at_least_s or 0, LONGEST_S)
    return timedelta(seconds=max(1.0, asked + draw() * most))
