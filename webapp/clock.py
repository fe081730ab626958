"""The one place that reads the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The time, aware, in UTC, cut to milliseconds as the protocol writes it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def ticks() -> float:
    """Seconds of a clock that never goes back; for measuring how long something took."""
    return time.monotonic()
