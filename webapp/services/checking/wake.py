"""Tell the clockwork that a photo waits: once, however many come while it has not begun."""

from __future__ import annotations

import threading

import structlog

from webapp import clock
from webapp.extensions import of_app
from webapp.store import jobs

log = structlog.get_logger()
_AGAIN_AFTER = 2.0  # seconds; who took the job may be another process, and tells us nothing
_lock = threading.Lock()
_asked_at: float | None = None


def ask_for_a_look() -> None:
    """Hand in one job. Should that fail, nothing is lost: the rows say what waits, and the timer asks every minute."""
    global _asked_at  # noqa: PLW0603  (one word of this process, under its lock)
    now = clock.ticks()
    with _lock:
        if _asked_at is not None and now - _asked_at < _AGAIN_AFTER:
            return
        _asked_at = now
    try:
        of_app("baton-look")()
        jobs.hang_up()
    except Exception:
        log.exception("the photo checks could not be woken")


def begun() -> None:
    """The job has begun: whatever comes from now on needs another."""
    global _asked_at  # noqa: PLW0603
    with _lock:
        _asked_at = None
