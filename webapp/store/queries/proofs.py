"""What a proof bundle is made of: the events of a parcel or handover, their makers, receipts and chains."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import Device, Event, EventParcel, Organisation, Parcel, ParcelOrder, Receipt, User
from webapp.store.queries import told

_RECEIPTS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """An event's place in its phone's chain; `branch` above 0 is a fork."""

    seq: int
    branch: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Maker:
    """A device and the person it was given to (None: the server's own)."""

    device: Device
    name: str | None
    role: str | None


def shop_of(session: Session, org_id: str) -> Organisation:
    """The shop whose proof it is."""
    return session.get_one(Organisation, org_id)


def find_parcel(session: Session, asked: str) -> tuple[str, str]:
    """(shop, code) of the parcel that the command line means. Problem `parcel-unknown`."""
    found = told.find(session, asked)
    return found.org_id, found.code


def org_of_event(session: Session, event_id: str) -> str | None:
    """The shop that an event is of; None when there is no such event."""
    return session.execute(select(Event.org_id).where(Event.id == event_id)).scalar()


def events_of_parcel(session: Session, org_id: str, code: str) -> list[Event]:
    """Every event of a parcel, in effective order."""
    query = (
        select(Event)
        .join(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
        .where(EventParcel.org_id == org_id, EventParcel.code == code)
    )
    return _ordered(session, query)


def events_of_handover(session: Session, org_id: str, event_id: str) -> list[Event]:
    """An event, what refers to it, and what it refers to; empty when there is none of this id."""
    target = select(Event.ref).where(Event.org_id == org_id, Event.id == event_id).scalar_subquery()
    found = or_(Event.id == event_id, Event.ref == event_id, Event.id == target)
    events = _ordered(session, select(Event).where(Event.org_id == org_id, found))
    return events if any(event.id == event_id for event in events) else []


def _ordered(session: Session, query: Any) -> list[Event]:
    ordered = query.order_by(Event.effective_at, Event.device_id, Event.seq, Event.id)
    return list(session.execute(ordered).scalars())


def scans(session: Session, org_id: str, event_ids: Collection[str]) -> list[tuple[str, str, str | None]]:
    """(event id, parcel code, what was really scanned) of these events."""
    rows = session.execute(
        select(EventParcel.event_id, EventParcel.code, EventParcel.scanned)
        .where(EventParcel.org_id == org_id, among(session, EventParcel.event_id, event_ids))
        .order_by(EventParcel.event_id, EventParcel.code)
    )
    return [(row.event_id, row.code, row.scanned) for row in rows]


def parcels(session: Session, org_id: str, codes: Collection[str]) -> list[tuple[Parcel, list[str]]]:
    """These parcels with their orders, by code."""
    rows = session.execute(
        select(Parcel)
        .where(Parcel.org_id == org_id, among(session, Parcel.code, codes))
        .order_by(Parcel.code)
    ).scalars()
    orders: dict[str, list[str]] = {}
    links = session.execute(
        select(ParcelOrder.code, ParcelOrder.order_id)
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes))
        .order_by(ParcelOrder.order_id)
    )
    for link in links:
        orders.setdefault(link.code, []).append(link.order_id)
    return [(parcel, orders.get(parcel.code, [])) for parcel in rows]


def makers(session: Session, org_id: str, device_ids: Collection[str]) -> list[Maker]:
    """These devices, and every key that the server has had here, the oldest first."""
    rows = session.execute(
        select(Device, User.name, User.role)
        .outerjoin(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(Device.org_id == org_id, or_(among(session, Device.id, device_ids), Device.kind == "server"))
        .order_by(Device.enrolled_at, Device.id)
    )
    return [Maker(row.Device, row.name, row.role) for row in rows]


def steps(session: Session, org_id: str, device_id: str, first: int, last: int) -> list[Step]:
    """The device's events with these numbers, forks included, by number."""
    rows = session.execute(
        select(Event.seq, Event.branch, Event.sha256)
        .where(Event.org_id == org_id, Event.device_id == device_id, Event.seq.between(first, last))
        .order_by(Event.seq, Event.branch)
    )
    return [Step(row.seq, row.branch, row.sha256) for row in rows]


def receipts_from(session: Session, org_id: str, device_id: str, since: datetime) -> Iterator[str]:
    """What the server promised this phone from that moment on, as it was signed, the earliest first.

    A few at a time: mostly the first one is the one that is looked for.
    """
    own = (Receipt.org_id == org_id, Receipt.device_id == device_id)
    after: tuple[datetime, str] = (since, "")
    while True:
        rows = session.execute(
            select(Receipt.received_at, Receipt.id, Receipt.jws)
            .where(*own, tuple_(Receipt.received_at, Receipt.id) > tuple_(*after))
            .order_by(Receipt.received_at, Receipt.id)
            .limit(_RECEIPTS)
        ).all()
        yield from (row.jws for row in rows)
        if len(rows) < _RECEIPTS:
            return
        after = (rows[-1].received_at, rows[-1].id)


def owners(session: Session, org_id: str, event_ids: Sequence[str]) -> set[str | None]:
    """The sellers whose parcels these events speak of."""
    rows = session.execute(
        select(Parcel.seller)
        .join(EventParcel, (EventParcel.org_id == Parcel.org_id) & (EventParcel.code == Parcel.code))
        .where(EventParcel.org_id == org_id, among(session, EventParcel.event_id, event_ids))
        .distinct()
    ).scalars()
    return set(rows)
