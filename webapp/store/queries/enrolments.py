"""One-time codes that let a phone in, known by their digests only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.store.models import Enrolment


def take(session: Session, code_sha256: str, now: datetime) -> bool:
    """Use up a code that is unused and not too old. Whether it was."""
    # The update is what makes the code one-time: of two phones at once only one finds it unused.
    taken = session.execute(
        update(Enrolment)
        .where(Enrolment.code_sha256 == code_sha256, Enrolment.used_at.is_(None), Enrolment.expires_at > now)
        .values(used_at=now)
        .returning(Enrolment.code_sha256)
    )
    return taken.scalar_one_or_none() is not None


def by_digest(session: Session, code_sha256: str) -> Enrolment | None:
    """The code with this digest, used or not; None when nobody made such a code."""
    query = select(Enrolment).where(Enrolment.code_sha256 == code_sha256)
    return session.execute(query).scalar_one_or_none()
