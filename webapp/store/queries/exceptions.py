"""Open anomalies of a whole shop: how many of each sort, and which, the oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.store.models import Anomaly, Event, EventParcel, Parcel


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of anomaly: on how many parcels it is open, and since when the oldest waits."""

    code: str
    parcels: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """One open anomaly on one parcel, by the event that raised it."""

    parcel: Parcel
    event_id: str
    kind: str
    detail: str
    received_at: datetime


def sorts(session: Session, org_id: str, own_seller: str | None) -> list[Sort]:
    """Each sort that is open somewhere."""
    query = (
        select(Anomaly.code, func.count(Anomaly.parcel.distinct()), func.min(Event.received_at))
        .join(Event, and_(Event.org_id == Anomaly.org_id, Event.id == Anomaly.event_id))
        .where(Anomaly.org_id == org_id, Anomaly.is_open)
        .group_by(Anomaly.code)
    )
    if own_seller is not None:
        query = query.join(Parcel, and_(Parcel.org_id == Anomaly.org_id, Parcel.code == Anomaly.parcel))
        query = query.where(Parcel.seller == own_seller)
    return [Sort(*row) for row in session.execute(query)]


def count_pressing(session: Session, org_id: str) -> int:
    """On how many parcels something is open that is more than a note."""
    query = select(func.count(Anomaly.parcel.distinct())).where(
        Anomaly.org_id == org_id, Anomaly.is_open, Anomaly.severity != "info"
    )
    return session.execute(query).scalar_one()


def of_sort(
    session: Session,
    org_id: str,
    own_seller: str | None,
    code: str,
    *,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Open]:
    """The open ones of a sort, the oldest first, after a (received_at, parcel, event)."""
    query = (
        select(Parcel, Anomaly.event_id, Event.kind, Anomaly.detail, Event.received_at)
        .join(Parcel, and_(Parcel.org_id == Anomaly.org_id, Parcel.code == Anomaly.parcel))
        .join(Event, and_(Event.org_id == Anomaly.org_id, Event.id == Anomaly.event_id))
        .where(Anomaly.org_id == org_id, Anomaly.is_open, Anomaly.code == code)
        .order_by(Event.received_at, Anomaly.parcel, Anomaly.event_id)
        .limit(limit)
    )
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    if after is not None:
        at, parcel, event_id = after
        query = query.where(
            or_(
                Event.received_at > at,
                and_(Event.received_at == at, Anomaly.parcel > parcel),
                and_(Event.received_at == at, Anomaly.parcel == parcel, Anomaly.event_id > event_id),
            )
        )
    return [Open(*row) for row in session.execute(query)]


def open_parcels(session: Session, org_id: str, code: str, until: datetime) -> list[tuple[str, str | None]]:
    """(parcel, seller) of every parcel on which this sort is open by an event received by `until`."""
    rows = session.execute(
        select(Parcel.code, Parcel.seller)
        .join(Anomaly, and_(Anomaly.org_id == Parcel.org_id, Anomaly.parcel == Parcel.code))
        .join(Event, and_(Event.org_id == Anomaly.org_id, Event.id == Anomaly.event_id))
        .where(Parcel.org_id == org_id, Anomaly.is_open, Anomaly.code == code, Event.received_at <= until)
        .distinct()
        .order_by(Parcel.code)
    )
    return [(row.code, row.seller) for row in rows]


def standing(session: Session, org_id: str, code: str, event_id: str) -> list[tuple[str, str | None]]:
    """(parcel, seller) of every parcel on which this event has raised this sort, open or closed."""
    anomaly = and_(
        Anomaly.org_id == EventParcel.org_id,
        Anomaly.parcel == EventParcel.code,
        Anomaly.event_id == EventParcel.event_id,
        Anomaly.code == code,
    )
    rows = session.execute(
        select(Parcel.code, Parcel.seller)
        .join(EventParcel, and_(EventParcel.org_id == Parcel.org_id, EventParcel.code == Parcel.code))
        .join(Anomaly, anomaly)
        .where(EventParcel.org_id == org_id, EventParcel.event_id == event_id)
        .order_by(Parcel.code)
    )
    return [(row.code, row.seller) for row in rows]
