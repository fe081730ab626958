"""Write down when somebody signed in to the office."""

from __future__ import annotations

from datetime import datetime

import structlog

from sync.protocol.problems import Problem
from webapp.store.queries import people
from webapp.store.unit import DatabaseError, transaction

log = structlog.get_logger()


def note_sign_in(org_id: str, user_id: str, now: datetime) -> None:
    """Keep it with the person. Nobody stays outside because it could not be written: that is only logged."""
    try:
        with transaction() as session:
            people.note_sign_in(session, org_id, user_id, now)
    except (Problem, DatabaseError):
        log.exception("a sign-in was not written down", user=user_id)
