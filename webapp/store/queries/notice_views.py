"""Notices as the office looks at them: a page of them, one with its deliveries, all that nobody was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, tuple_, update
from sqlalchemy.orm import Session

from webapp.store.models import Delivery, Notice, PushSubscription, User

PAGE = 50
# What the office has to look after: nobody was told, or nobody can know.
LOST = ("failed", "unsent")


@dataclass(frozen=True, slots=True)
class Row:
    """One notice; `person` is the name behind a person's id."""

    notice: Notice
    person: str | None


@dataclass(frozen=True, slots=True)
class Way:
    """One delivery and whom it is for; a push that goes to no phone goes to a browser of the office."""

    delivery: Delivery
    person: str | None
    is_phone: bool


def _rows() -> Any:
    return select(Notice, User.name).outerjoin(
        User, and_(User.org_id == Notice.org_id, User.id == Notice.to, Notice.to_kind == "person")
    )


def page(
    session: Session,
    org_id: str,
    states: Sequence[str],
    kind: str | None,
    after: tuple[datetime, str] | None,
) -> tuple[list[Row], tuple[datetime, str] | None]:
    """The newest notices, or those before `after`; and where the next page begins, if there is one."""
    query = _rows().where(Notice.org_id == org_id).order_by(Notice.created_at.desc(), Notice.id.desc())
    if states:
        query = query.where(Notice.state.in_(states))
    if kind:
        query = query.where(Notice.kind == kind)
    if after is not None:
        query = query.where(tuple_(Notice.created_at, Notice.id) < after)
    rows = [Row(*row) for row in session.execute(query.limit(PAGE + 1))]
    last = rows[PAGE - 1].notice if len(rows) > PAGE else None
    return rows[:PAGE], (last.created_at, last.id) if last else None


def ways(session: Session, org_id: str, notice_ids: Sequence[str]) -> dict[str, list[Way]]:
    """The deliveries of these notices."""
    query = (
        select(Delivery, User.name, PushSubscription.device_id)
        .outerjoin(User, and_(User.org_id == org_id, User.id == Delivery.user_id))
        .outerjoin(
            PushSubscription, and_(PushSubscription.org_id == org_id, PushSubscription.id == Delivery.target)
        )
        .where(Delivery.org_id == org_id, Delivery.notice_id.in_(notice_ids))
        .order_by(Delivery.channel, Delivery.id)
    )
    found: dict[str, list[Way]] = {each: [] for each in notice_ids}
    for delivery, person, device_id in session.execute(query):
        found[delivery.notice_id].append(Way(delivery, person, device_id is not None))
    return found


def one(session: Session, org_id: str, notice_id: str) -> Row | None:
    """One notice of this shop."""
    row = session.execute(_rows().where(Notice.org_id == org_id, Notice.id == notice_id)).one_or_none()
    return Row(*row) if row else None


def count_lost(session: Session, org_id: str) -> int:
    """How many nobody was told."""
    query = select(func.count()).where(Notice.org_id == org_id, Notice.state.in_(LOST))
    return session.execute(query).scalar_one()


def count_lost_of_case(session: Session, org_id: str, case_id: str) -> int:
    """How many of a case's buyers nobody has told to request a refund."""
    query = select(func.count()).where(
        Notice.org_id == org_id,
        Notice.key.startswith(f"refund:{case_id}:", autoescape=True),
        Notice.state.in_(LOST),
    )
    return session.execute(query).scalar_one()


def lost(
    session: Session, org_id: str, kind: str | None, after: tuple[datetime, str] | None, most: int
) -> list[Row]:
    """Those (of one kind, unless None), the oldest first, after a (created_at, id)."""
    query = _rows().where(Notice.org_id == org_id, Notice.state.in_(LOST))
    if kind:
        query = query.where(Notice.kind == kind)
    if after is not None:
        query = query.where(tuple_(Notice.created_at, Notice.id) > after)
    return [Row(*row) for row in session.execute(query.order_by(Notice.created_at, Notice.id).limit(most))]


def told_by_hand(
    session: Session, org_id: str, notice_ids: Sequence[str], user_id: str, now: datetime
) -> int:
    """The office has told these itself; gives how many of them were still untold."""
    done = session.execute(
        update(Notice)
        .where(Notice.org_id == org_id, Notice.id.in_(notice_ids), Notice.state.in_(LOST))
        .values(state="by_hand", settled_by=user_id, settled_at=now)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def delivery(session: Session, org_id: str, delivery_id: str) -> Delivery | None:
    """One delivery of this shop, to change."""
    query = select(Delivery).where(Delivery.org_id == org_id, Delivery.id == delivery_id)
    return session.execute(query.with_for_update()).scalar_one_or_none()
