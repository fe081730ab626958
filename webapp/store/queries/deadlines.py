"""Deadlines in the tables: what the clock has to look at, what it found, and what people are shown of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from sync.rules.lifecycle import ENDED
from webapp.store.among import among
from webapp.store.models import Deadline, Order, Organisation, Parcel, ParcelOrder
from webapp.store.queries.shop import zone_setting

Cursor = tuple[int, str]
UNSETTLED = ("open", "paused", "passed")


@dataclass(frozen=True, slots=True)
class ShopClock:
    """What the clock needs of a shop: its market and zone, up to where it has looked at the changes, and by what."""

    market: str
    zone: str | None
    cursor: Cursor
    swept_by: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """Parcels to look at now, and where the cursor stands after them."""

    codes: tuple[str, ...]
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class OrderClock:
    """What the clock needs of an order."""

    order_id: str
    created_at: datetime | None
    shipping: str | None
    is_preorder: bool
    own_times: Mapping[str, str]
    reminded_on: date | None
    seller: str | None


def shop_clock(session: Session, org_id: str) -> ShopClock:
    """The shop's market, zone and cursor."""
    row = session.execute(
        select(
            Organisation.market,
            Organisation.settings,
            Organisation.swept_changed,
            Organisation.swept_code,
            Organisation.swept_by,
        ).where(Organisation.id == org_id)
    ).one()
    zone = zone_setting(row.settings)
    return ShopClock(row.market, zone, (row.swept_changed, row.swept_code), row.swept_by)


def to_look_at(session: Session, org_id: str, cursor: Cursor, now: datetime, most: int) -> Look:
    """Parcels that changed since the cursor, in the order of their changes; then those whose time has come."""
    rows = session.execute(
        select(Parcel.changed, Parcel.code)
        # As one comparison: an `or` of two reads every parcel that the shop ever had.
        .where(Parcel.org_id == org_id, tuple_(Parcel.changed, Parcel.code) > cursor)
        .order_by(Parcel.changed, Parcel.code)
        .limit(most)
    ).all()
    if rows:
        return Look(tuple(row.code for row in rows), (rows[-1].changed, rows[-1].code))
    waiting = session.execute(
        select(Deadline.parcel)
        .where(Deadline.org_id == org_id, Deadline.next_at <= now)
        .order_by(Deadline.next_at)
        .limit(most)
    ).scalars()
    return Look(tuple(dict.fromkeys(waiting)), cursor)


def move_cursor(session: Session, org_id: str, cursor: Cursor) -> None:
    """Remember up to where the changes were looked at."""
    session.execute(
        update(Organisation)
        .where(Organisation.id == org_id)
        .values(swept_changed=cursor[0], swept_code=cursor[1])
    )


def look_again(session: Session, org_id: str, swept_by: str, now: datetime) -> None:
    """Have every deadline that is not settled looked at by now, since other terms hold; what is settled stays so.

    One that was met late may hide a later term of the same rule that is open yet, while its parcel is not over.
    """
    going = select(Parcel.code).where(Parcel.org_id == org_id, Parcel.status.not_in(ENDED))
    asked = or_(Deadline.state.in_(UNSETTLED), and_(Deadline.state == "late", Deadline.parcel.in_(going)))
    session.execute(update(Deadline).where(Deadline.org_id == org_id, asked).values(next_at=now))
    session.execute(update(Organisation).where(Organisation.id == org_id).values(swept_by=swept_by))


def orders_of(session: Session, org_id: str, codes: Collection[str]) -> dict[str, list[OrderClock]]:
    """The orders in each parcel."""
    rows = session.execute(
        select(
            ParcelOrder.code,
            Order.order_id,
            Order.created_at,
            Order.shipping_type,
            Order.is_preorder,
            Order.own_times,
            Order.reminded_on,
            Order.seller,
        )
        .join(Order, and_(Order.org_id == ParcelOrder.org_id, Order.order_id == ParcelOrder.order_id))
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes))
        .order_by(ParcelOrder.code, Order.order_id)
    )
    found: dict[str, list[OrderClock]] = {}
    for row in rows:
        found.setdefault(row.code, []).append(
            OrderClock(
                row.order_id,
                row.created_at,
                row.shipping_type,
                row.is_preorder,
                row.own_times or {},
                row.reminded_on,
                row.seller,
            )
        )
    return found


def note_reminded(session: Session, org_id: str, order_ids: Collection[str], day: date) -> None:
    """These orders were reminded of on that day."""
    if order_ids:
        session.execute(
            update(Order)
            .where(Order.org_id == org_id, among(session, Order.order_id, order_ids))
            .values(reminded_on=day)
        )


def held(session: Session, org_id: str, codes: Collection[str]) -> dict[tuple[str, str], Deadline]:
    """The rows of these parcels, by (parcel, rule)."""
    rows = session.execute(
        select(Deadline).where(Deadline.org_id == org_id, among(session, Deadline.parcel, codes))
    ).scalars()
    return {(row.parcel, row.rule): row for row in rows}


_ITS_PARCEL = and_(Parcel.org_id == Deadline.org_id, Parcel.code == Deadline.parcel)
_COLUMNS = ("due_at", "state", "met_at", "next_at", "number", "pack", "source")


def put(session: Session, org_id: str, codes: Collection[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Let the rows of these parcels be exactly these; what is the same already is left alone."""
    there = held(session, org_id, codes)
    wanted = {(row["parcel"], row["rule"]): row for row in rows}
    stale = [
        key
        for key, row in there.items()
        if key not in wanted or any(getattr(row, name) != wanted[key][name] for name in _COLUMNS)
    ]
    by_rule: dict[str, list[str]] = {}
    for parcel, rule in stale:
        by_rule.setdefault(rule, []).append(parcel)
    for rule, parcels in by_rule.items():
        session.execute(
            delete(Deadline).where(
                Deadline.org_id == org_id, Deadline.rule == rule, among(session, Deadline.parcel, parcels)
            )
        )
    gone = set(stale)
    fresh = [{"org_id": org_id, **row} for key, row in wanted.items() if key not in there or key in gone]
    if fresh:
        session.execute(insert(Deadline), fresh)


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """One line of the office's list."""

    deadline: Deadline
    parcel: Parcel
    order_id: str | None


def count_by_rule(
    session: Session, org_id: str, own_seller: str | None, until: datetime
) -> dict[tuple[str, str], int]:
    """How many are passed, and how many still open fall due before `until`: {(rule, state): n}.

    Of parcels that are over, none.
    """
    query = (
        select(Deadline.rule, Deadline.state, func.count())
        .join(Parcel, _ITS_PARCEL)
        .where(Deadline.org_id == org_id, _pressing(until), _is_not_over())
        .group_by(Deadline.rule, Deadline.state)
    )
    rows = session.execute(_of_seller(query, own_seller))
    return {(rule, state): n for rule, state, n in rows}


def pressing(session: Session, org_id: str, own_seller: str | None, until: datetime) -> dict[str, int]:
    """On how many parcels something was missed (`passed`), and on how many something falls due (`open`) by then."""
    query = (
        select(Deadline.state, func.count(Deadline.parcel.distinct()))
        .join(Parcel, _ITS_PARCEL)
        .where(
            Deadline.org_id == org_id,
            Deadline.state.in_(["passed", "open"]),
            _pressing(until),
            _is_not_over(),
        )
        .group_by(Deadline.state)
    )
    return {"passed": 0, "open": 0} | {
        row[0]: row[1] for row in session.execute(_of_seller(query, own_seller))
    }


def listed(
    session: Session,
    org_id: str,
    own_seller: str | None,
    *,
    rule: str,
    state: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[DeadlineRow]:
    """Deadlines of one state (and rule, unless ""), soonest first, after a (due_at, parcel); of parcels not over."""
    query = (
        select(Deadline, Parcel)
        .join(Parcel, _ITS_PARCEL)
        .where(Deadline.org_id == org_id, Deadline.state == state, _is_not_over())
        .order_by(Deadline.due_at, Deadline.parcel)
        .limit(limit)
    )
    if rule:
        query = query.where(Deadline.rule == rule)
    query = _of_seller(query, own_seller)
    if after is not None:
        query = query.where(
            or_(Deadline.due_at > after[0], and_(Deadline.due_at == after[0], Deadline.parcel > after[1]))
        )
    found = session.execute(query).all()
    orders = orders_of(session, org_id, [parcel.code for _, parcel in found])
    return [
        DeadlineRow(deadline, parcel, next((o.order_id for o in orders.get(parcel.code, ())), None))
        for deadline, parcel in found
    ]


def _pressing(until: datetime) -> Any:
    return or_(
        Deadline.state.in_(["passed", "paused"]), and_(Deadline.state == "open", Deadline.due_at <= until)
    )


def _is_not_over() -> Any:
    """Nobody can mend what was missed on a parcel that is cancelled, returned … by a fact. Of one that is only deemed
    so, a person may still find out what became of it.
    """
    return or_(Parcel.status.not_in(ENDED), Parcel.is_deemed)


def _of_seller(query: Any, own_seller: str | None) -> Any:
    return query if own_seller is None else query.where(Parcel.seller == own_seller)
