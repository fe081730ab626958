"""Browsers that agreed to be told: one row for each person and browser."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from webapp.store.models import Device, PushSubscription


def endpoint_digest(endpoint: str) -> str:
    """What a push service's address is known by."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def open_of(session: Session, org_id: str, user_id: str) -> Sequence[str]:
    """Ids of the subscriptions of one person; not those on phones that were signed out."""
    query = (
        select(PushSubscription.id)
        .outerjoin(Device, and_(Device.org_id == org_id, Device.id == PushSubscription.device_id))
        .where(
            PushSubscription.org_id == org_id,
            PushSubscription.user_id == user_id,
            PushSubscription.ended_at.is_(None),
            or_(PushSubscription.device_id.is_(None), Device.revoked_at.is_(None)),
        )
        .order_by(PushSubscription.id)
    )
    return session.execute(query).scalars().all()


def find(session: Session, org_id: str, subscription_id: str) -> PushSubscription | None:
    """One subscription; None when there is none, or its phone was signed out."""
    query = (
        select(PushSubscription)
        .outerjoin(Device, and_(Device.org_id == org_id, Device.id == PushSubscription.device_id))
        .where(
            PushSubscription.org_id == org_id,
            PushSubscription.id == subscription_id,
            or_(PushSubscription.device_id.is_(None), Device.revoked_at.is_(None)),
        )
    )
    return session.execute(query).scalar_one_or_none()


def of_browser(session: Session, org_id: str, user_id: str, endpoint: str) -> PushSubscription | None:
    """What one person agreed to in one browser, if anything."""
    query = select(PushSubscription).where(
        PushSubscription.org_id == org_id,
        PushSubscription.user_id == user_id,
        PushSubscription.endpoint_sha256 == endpoint_digest(endpoint),
    )
    return session.execute(query).scalar_one_or_none()


def end(session: Session, org_id: str, endpoint_sha256: str, why: str, now: datetime) -> None:
    """The push service says that this browser is gone: nobody is told by it any more."""
    session.execute(
        update(PushSubscription)
        .where(
            PushSubscription.org_id == org_id,
            PushSubscription.endpoint_sha256 == endpoint_sha256,
            PushSubscription.ended_at.is_(None),
        )
        .values(ended_at=now, ended_why=why)
    )


def make_room(session: Session, org_id: str, user_id: str, most: int, now: datetime) -> None:
    """End the oldest subscriptions of a person beyond `most`: a browser that was wiped never says that it is gone."""
    query = (
        select(PushSubscription)
        .where(
            PushSubscription.org_id == org_id,
            PushSubscription.user_id == user_id,
            PushSubscription.ended_at.is_(None),
        )
        .order_by(PushSubscription.created_at.desc(), PushSubscription.id.desc())
        .offset(most)
    )
    for held in session.execute(query).scalars():
        held.ended_at, held.ended_why = now, "Newer browsers of the same person took its place."
    session.flush()
