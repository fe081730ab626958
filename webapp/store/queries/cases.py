"""Cases as the office reads them: the list by deadline, and one with its parcels, proofs and history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from sync.rules.cases import Paid
from sync.rules.lifecycle import ON_THE_SPOT
from webapp.store.among import among
from webapp.store.models import (
    Case,
    CaseEntry,
    CaseParcel,
    Event,
    EventParcel,
    OfficeFile,
    Order,
    Parcel,
    ParcelOrder,
    User,
)

MOST_PROOFS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A case in the list; `parcels` counts what it is about."""

    case: Case
    parcels: int


@dataclass(frozen=True, slots=True)
class About:
    """A parcel of a case, with its orders."""

    code: str
    status: str
    flags: dict[str, Any]
    tracking_number: str | None
    carrier: str | None
    seller: str | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did, with their name and the file it brought."""

    position: int
    kind: str
    words: str
    data: dict[str, Any]
    made_at: datetime
    by: str
    file: OfficeFile | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A record of one of the parcels that may be attached as a proof."""

    event_id: str
    kind: str
    effective_at: datetime
    by: str | None
    parcel: str
    data: dict[str, Any] | None


def opened_since(
    session: Session, org_id: str, actor_id: str, kind: str, title: str, codes: Sequence[str], since: datetime
) -> str | None:
    """The id of a case of this kind and title about these very parcels that this person has opened since then."""
    latest = select(Case.id).where(
        Case.org_id == org_id,
        Case.opened_by == actor_id,
        Case.opened_at >= since,
        Case.kind == kind,
        Case.title == title,
    )
    for case_id in session.execute(latest).scalars():
        if codes_of(session, org_id, case_id) == sorted(codes):
            return case_id
    return None


def cases(session: Session, org_id: str, *, state: str, kind: str, limit: int, offset: int = 0) -> list[Row]:
    """Open ones by their deadline (those without one last), closed ones newest first."""
    counted = (
        select(func.count())
        .where(CaseParcel.org_id == org_id, CaseParcel.case_id == Case.id)
        .scalar_subquery()
    )
    query = select(Case, counted).where(*_meant(org_id, state, kind))
    if state == "closed":
        query = query.order_by(Case.closed_at.desc(), Case.number.desc())
    else:
        query = query.order_by(Case.due_at.is_(None), Case.due_at, Case.number)
    return [Row(case, count) for case, count in session.execute(query.limit(limit).offset(offset))]


def count_open(session: Session, org_id: str) -> int:
    """How many cases are open."""
    return _count(session, *_meant(org_id, "open", ""))


def count_overdue(session: Session, org_id: str, now: datetime) -> int:
    """How many of them are past their deadline."""
    return _count(session, *_meant(org_id, "open", ""), Case.due_at < now)


def pressing(session: Session, org_id: str, until: datetime, limit: int) -> list[Case]:
    """Open cases that are past their deadline or fall due by then, soonest first."""
    query = select(Case).where(*_meant(org_id, "open", ""), Case.due_at <= until)
    return list(session.execute(query.order_by(Case.due_at, Case.number).limit(limit)).scalars())


def count_pressing(session: Session, org_id: str, now: datetime, until: datetime) -> tuple[int, int]:
    """How many open cases are past their deadline, and how many more fall due by then."""
    overdue = count_overdue(session, org_id, now)
    due = _count(session, *_meant(org_id, "open", ""), Case.due_at >= now, Case.due_at <= until)
    return overdue, due


def find(session: Session, org_id: str, case_id: str) -> Case | None:
    """One case, to read or to change."""
    return session.get(Case, (org_id, case_id))


def waiting(session: Session, org_id: str, now: datetime) -> Case | None:
    """A case that the clock has to look at by now, the earliest first."""
    query = select(Case).where(Case.org_id == org_id, Case.next_at <= now).order_by(Case.next_at, Case.id)
    return session.execute(query.limit(1)).scalar_one_or_none()


def next_number(session: Session, org_id: str) -> int:
    """The number of the next case; under `lock_org`."""
    newest = session.execute(select(func.max(Case.number)).where(Case.org_id == org_id)).scalar_one()
    return (newest or 0) + 1


def next_position(session: Session, org_id: str, case_id: str) -> int:
    """The place of the next entry; under `lock_org`."""
    query = select(func.max(CaseEntry.position)).where(
        CaseEntry.org_id == org_id, CaseEntry.case_id == case_id
    )
    return (session.execute(query).scalar_one() or 0) + 1


def codes_of(session: Session, org_id: str, case_id: str) -> list[str]:
    """The parcels a case is about."""
    query = select(CaseParcel.code).where(CaseParcel.org_id == org_id, CaseParcel.case_id == case_id)
    return list(session.execute(query.order_by(CaseParcel.code)).scalars())


def parcels_of(session: Session, org_id: str, case_id: str, limit: int | None = None) -> list[About]:
    """The parcels of a case, by code."""
    query = (
        select(Parcel)
        .join(CaseParcel, (CaseParcel.org_id == Parcel.org_id) & (CaseParcel.code == Parcel.code))
        .where(Parcel.org_id == org_id, CaseParcel.case_id == case_id)
        .order_by(Parcel.code)
        .limit(limit)
    )
    held = list(session.execute(query).scalars())
    orders = _orders_of(session, org_id, [parcel.code for parcel in held])
    return [
        About(
            p.code,
            p.status,
            p.flags,
            p.tracking_number,
            p.carrier,
            p.seller,
            p.handed_over_at,
            p.delivered_at,
            tuple(orders.get(p.code, ())),
        )
        for p in held
    ]


def paid(session: Session, org_id: str, codes: Collection[str]) -> list[Paid]:
    """What the orders in these parcels cost and how they were paid, each order once.

    Of an order that travels in a further parcel too, nobody knows which part of the amount is in these.
    """
    query = (
        select(Order.order_id, Order.amount, Order.payment_method)
        .join(ParcelOrder, (ParcelOrder.org_id == Order.org_id) & (ParcelOrder.order_id == Order.order_id))
        .where(Order.org_id == org_id, among(session, ParcelOrder.code, codes))
        .distinct()
        .order_by(Order.order_id)
    )
    rows = session.execute(query).all()
    split = _also_elsewhere(session, org_id, codes, [row.order_id for row in rows])
    return [
        Paid(order_id, None if order_id in split else _decimal(amount), method)
        for order_id, amount, method in rows
    ]


def _also_elsewhere(
    session: Session, org_id: str, codes: Collection[str], order_ids: Sequence[str]
) -> set[str]:
    """Which of these orders are in a parcel besides these that is not cancelled."""
    query = (
        select(ParcelOrder.order_id, ParcelOrder.code)
        .join(Parcel, (Parcel.org_id == ParcelOrder.org_id) & (Parcel.code == ParcelOrder.code))
        .where(
            ParcelOrder.org_id == org_id,
            among(session, ParcelOrder.order_id, order_ids),
            Parcel.status != "cancelled",
        )
    )
    here = set(codes)
    return {order_id for order_id, code in session.execute(query) if code not in here}


def alarms_of(session: Session, org_id: str, case_id: str) -> set[str]:
    """The deadlines of a case, as its history has them, that were written down as past."""
    query = select(CaseEntry.data).where(
        CaseEntry.org_id == org_id, CaseEntry.case_id == case_id, CaseEntry.kind == "overdue"
    )
    return {str(data["due_at"]) for data in session.execute(query).scalars()}


def entries(session: Session, org_id: str, case_id: str) -> list[Entry]:
    """The history, oldest first."""
    query = (
        select(CaseEntry, User.name)
        .outerjoin(User, (User.org_id == CaseEntry.org_id) & (User.id == CaseEntry.made_by))
        .where(CaseEntry.org_id == org_id, CaseEntry.case_id == case_id)
        .order_by(CaseEntry.position)
    )
    rows = session.execute(query).all()
    wanted = [row.CaseEntry.data["file"] for row in rows if row.CaseEntry.data.get("file")]
    files = _files(session, org_id, wanted)
    return [
        Entry(
            row.CaseEntry.position,
            row.CaseEntry.kind,
            row.CaseEntry.words,
            row.CaseEntry.data,
            row.CaseEntry.made_at,
            row.name or "The clock",
            files.get(row.CaseEntry.data.get("file", "")),
        )
        for row in rows
    ]


def entry(session: Session, org_id: str, case_id: str, position: int) -> CaseEntry | None:
    """One entry of a case's history, to read or to change."""
    return session.get(CaseEntry, (org_id, case_id, position))


def file_of(session: Session, org_id: str, entry: CaseEntry | None) -> OfficeFile | None:
    """The file that an entry brought; None when it brought none, and when that was deleted."""
    named = entry.data.get("file") if entry else None
    return session.get(OfficeFile, (org_id, named)) if named else None


def offers(session: Session, org_id: str, case_id: str, taken: Collection[str]) -> list[Offer]:
    """Records of the case's parcels that may prove something and are not attached yet, newest first."""
    query = _records(org_id, case_id).where(Event.kind.in_(ON_THE_SPOT)).limit(MOST_PROOFS + len(taken))
    return [Offer(*row) for row in session.execute(query) if row[0] not in taken][:MOST_PROOFS]


def records(session: Session, org_id: str, case_id: str, event_ids: Collection[str]) -> list[Offer]:
    """These records, each with one of the case's parcels that it is about."""
    if not event_ids:
        return []
    query = _records(org_id, case_id).where(among(session, Event.id, event_ids))
    return [Offer(*row) for row in session.execute(query)]


def _records(org_id: str, case_id: str) -> Any:
    return (
        select(Event.id, Event.kind, Event.effective_at, User.name, func.min(EventParcel.code), Event.data)
        .join(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
        .join(CaseParcel, (CaseParcel.org_id == EventParcel.org_id) & (CaseParcel.code == EventParcel.code))
        .outerjoin(User, (User.org_id == Event.org_id) & (User.id == Event.actor_id))
        .where(Event.org_id == org_id, CaseParcel.case_id == case_id)
        .group_by(Event.org_id, Event.id, User.name)
        .order_by(Event.effective_at.desc(), Event.id)
    )


def is_of_case(session: Session, org_id: str, case_id: str, event_id: str) -> bool:
    """Whether an event is about a parcel of the case."""
    query = (
        select(EventParcel.code)
        .join(CaseParcel, (CaseParcel.org_id == EventParcel.org_id) & (CaseParcel.code == EventParcel.code))
        .where(EventParcel.org_id == org_id, EventParcel.event_id == event_id, CaseParcel.case_id == case_id)
        .limit(1)
    )
    return session.execute(query).first() is not None


def of_parcel(session: Session, org_id: str, code: str) -> list[Case]:
    """The cases that are about a parcel, newest first."""
    query = (
        select(Case)
        .join(CaseParcel, (CaseParcel.org_id == Case.org_id) & (CaseParcel.case_id == Case.id))
        .where(Case.org_id == org_id, CaseParcel.code == code)
        .order_by(Case.number.desc())
    )
    return list(session.execute(query).scalars())


def _meant(org_id: str, state: str, kind: str) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = [Case.org_id == org_id, Case.state == state]
    return [*rules, Case.kind == kind] if kind else rules


def _count(session: Session, *rules: Any) -> int:
    return session.execute(select(func.count()).select_from(Case).where(*rules)).scalar_one()


def _orders_of(session: Session, org_id: str, codes: Sequence[str]) -> dict[str, list[str]]:
    rows = session.execute(
        select(ParcelOrder.code, ParcelOrder.order_id)
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes))
        .order_by(ParcelOrder.order_id)
    )
    found: dict[str, list[str]] = {}
    for code, order_id in rows:
        found.setdefault(code, []).append(order_id)
    return found


def _files(session: Session, org_id: str, ids: Collection[str]) -> dict[str, OfficeFile]:
    if not ids:
        return {}
    query = select(OfficeFile).where(OfficeFile.org_id == org_id, among(session, OfficeFile.id, ids))
    return {file.id: file for file in session.execute(query).scalars()}


def _decimal(amount: Any) -> Decimal | None:
    return None if amount is None else Decimal(amount)
