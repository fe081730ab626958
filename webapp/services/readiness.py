"""Ask each part of the house whether it can do its work."""

from __future__ import annotations

import structlog

from webapp.services import timer
from webapp.store import blobs, unit

log = structlog.get_logger()


def readiness() -> dict[str, bool]:
    """`{database, blobs, jobs}`, each true when it answers."""
    return {"database": _database(), "blobs": _blobs(), "jobs": timer.is_ready()}


def _database() -> bool:
    try:
        return unit.is_alive()
    except unit.DatabaseError:
        log.exception("the database does not answer")
        return False


def _blobs() -> bool:
    try:
        blobs.current().check()
    except Exception:  # whatever the library of a store raises: the answer is no
        log.exception("the blob store does not answer")
        return False
    return True
