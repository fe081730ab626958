"""The office's list of parcels: filter, search, one page by keyset, and what the filter can offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import Carrier, Event, EventParcel, Parcel, ParcelOrder
from webapp.store.queries.parcel_filter import GIVEN_ON, Filter, Query, filtered, sort_column

COUNT_UP_TO = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A place between two pages: the sort key of the row beside it, and which way to go on."""

    at: datetime
    code: str
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """One line of the list."""

    code: str
    tracking_number: str | None
    carrier: str | None
    seller: str | None
    status: str
    flags: dict[str, Any]
    items: int
    fragile: bool
    is_known: bool
    open_anomalies: int
    created_at: datetime
    handed_over_at: datetime | None
    orders: tuple[str, ...]
    proof: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, newest first; `newer` and `older` are the ways on, None at an end."""

    rows: tuple[ParcelRow, ...]
    newer: Step | None
    older: Step | None
    total: int
    is_more_than_total: bool


def list_parcels(
    session: Session, org_id: str, own_seller: str | None, wanted: Filter, step: Step | None, limit: int = 50
) -> Page:
    """One page of the parcels that fit, a seller's only their own. `step` None is the newest page."""
    base = filtered(session, org_id, own_seller, wanted)
    order = sort_column(wanted)
    found: Sequence[Parcel] = session.execute(_from(base, order, step).limit(limit + 1)).scalars().all()
    has_more = len(found) > limit
    parcels = list(found[:limit])
    is_back = step is not None and step.is_back
    if is_back:
        parcels.reverse()
    has_newer, has_older = (has_more, True) if is_back else (step is not None, has_more)
    total = _count(session, base) if step is None else 0
    return Page(
        _as_rows(session, org_id, parcels),
        _step(parcels[0], order, is_back=True) if parcels and has_newer else None,
        _step(parcels[-1], order) if parcels and has_older else None,
        min(total, COUNT_UP_TO),
        total > COUNT_UP_TO,
    )


def counts_by_status(session: Session, org_id: str, own_seller: str | None) -> dict[str, int]:
    """How many parcels are where."""
    query = select(Parcel.status, func.count()).where(Parcel.org_id == org_id).group_by(Parcel.status)
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    return {row[0]: row[1] for row in session.execute(query)}


def carriers(session: Session, org_id: str) -> list[tuple[str, str]]:
    """(code, name) of the shop's carriers, by name."""
    rows = session.execute(
        select(Carrier.code, Carrier.name).where(Carrier.org_id == org_id).order_by(Carrier.name)
    )
    return [(row.code, row.name) for row in rows]


def sellers(session: Session, org_id: str) -> list[str]:
    """The sellers who have parcels here, by name."""
    rows = session.execute(select(Parcel.seller).where(Parcel.org_id == org_id).distinct()).scalars()
    return sorted(name for name in rows if name)


def proofs_of(session: Session, org_id: str, parcel_codes: Sequence[str]) -> dict[str, str | None]:
    """What the office thinks of each parcel's newest handover (waiting, accept, reject, retake)."""
    rows = session.execute(
        select(EventParcel.code, Event.review_state)
        .join(Event, (Event.org_id == EventParcel.org_id) & (Event.id == EventParcel.event_id))
        .where(
            EventParcel.org_id == org_id,
            among(session, EventParcel.code, parcel_codes),
            EventParcel.scanned.is_not(None),
            Event.kind.in_(GIVEN_ON),
        )
        .order_by(Event.effective_at, Event.id)
    )
    return {row.code: row.review_state for row in rows}


def orders_of(session: Session, org_id: str, parcel_codes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which orders each parcel holds."""
    rows = session.execute(
        select(ParcelOrder.code, ParcelOrder.order_id)
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, parcel_codes))
        .order_by(ParcelOrder.order_id)
    )
    held: dict[str, tuple[str, ...]] = {}
    for row in rows:
        held[row.code] = (*held.get(row.code, ()), row.order_id)
    return held


def _from(query: Query, column: Any, step: Step | None) -> Query:
    if step is not None and step.is_back:
        key = tuple_(column, Parcel.code) > tuple_(step.at, step.code)
        return query.where(key).order_by(column, Parcel.code)
    if step is not None:
        query = query.where(tuple_(column, Parcel.code) < tuple_(step.at, step.code))
    return query.order_by(column.desc(), Parcel.code.desc())


def _count(session: Session, base: Query) -> int:
    some = base.with_only_columns(Parcel.code).limit(COUNT_UP_TO + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def _step(parcel: Parcel, column: Any, *, is_back: bool = False) -> Step:
    return Step(getattr(parcel, column.key), parcel.code, is_back)


def _as_rows(session: Session, org_id: str, parcels: Sequence[Parcel]) -> tuple[ParcelRow, ...]:
    listed = [p.code for p in parcels]
    orders = orders_of(session, org_id, listed) if listed else {}
    proofs = proofs_of(session, org_id, listed) if listed else {}
    return tuple(
        ParcelRow(
            p.code,
            p.tracking_number,
            p.carrier,
            p.seller,
            p.status,
            p.flags,
            p.items,
            p.fragile,
            p.is_known,
            p.open_anomalies,
            p.created_at,
            p.handed_over_at,
            orders.get(p.code, ()),
            proofs.get(p.code),
        )
        for p in parcels
    )
