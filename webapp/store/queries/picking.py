"""Which parcels somebody means: a list of codes, or all that fit a filter; and what a list shows of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from sync.protocol import codes
from webapp.store.among import among
from webapp.store.models import Order, Parcel, ParcelOrder

NONE = "-"  # in a filter: those that have none


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly these `codes`, or (when None) all parcels that fit every other member; empty means any.

    `carrier`, `seller` and `place_id` may be "-": those without one. `text` begins an order id or a
    tracking number, or is a whole code.
    """

    codes: tuple[str, ...] | None = None
    statuses: tuple[str, ...] = ()
    carrier: str = ""
    seller: str = ""
    place_id: str = ""
    text: str = ""

    def only(self, chosen: Collection[str]) -> Choice:
        """The same, narrowed to these codes."""
        return replace(self, codes=tuple(dict.fromkeys(chosen)))


@dataclass(frozen=True, slots=True)
class Picked:
    """One parcel as lists of work show it."""

    code: str
    status: str
    flags: dict[str, Any]
    carrier: str | None
    place_id: str | None
    seller: str | None
    tracking_number: str | None
    items: int
    fragile: bool
    dangerous: bool


@dataclass(frozen=True, slots=True)
class Sold:
    """One order in a parcel: what a person recognises it by."""

    order_id: str
    recipient: str | None
    city: str | None
    created_at: datetime | None


_COLUMNS = (
    Parcel.code,
    Parcel.status,
    Parcel.flags,
    Parcel.carrier,
    Parcel.place_id,
    Parcel.seller,
    Parcel.tracking_number,
    Parcel.items,
    Parcel.fragile,
    Parcel.dangerous,
)


def pick(
    session: Session,
    org_id: str,
    own_seller: str | None,
    choice: Choice,
    *,
    limit: int | None = None,
    offset: int = 0,
    also_scanned: bool = False,
) -> list[Picked]:
    """The parcels meant, newest first; only `own_seller`'s when that is not None. `also_scanned` as in `named`."""
    meant = _meant(session, org_id, own_seller, choice, also_scanned=also_scanned)
    query = select(*_COLUMNS).where(*meant)
    query = query.order_by(Parcel.created_at.desc(), Parcel.code).limit(limit).offset(offset)
    rows: Any = session.execute(query)
    return [Picked(*row) for row in rows]


def pick_oldest(
    session: Session, org_id: str, own_seller: str | None, choice: Choice, limit: int | None = None
) -> list[Picked]:
    """`pick`, but those of the order that was placed first before the others."""
    placed = (
        select(func.min(Order.created_at))
        .join(ParcelOrder, (ParcelOrder.org_id == Order.org_id) & (ParcelOrder.order_id == Order.order_id))
        .where(Order.org_id == org_id, ParcelOrder.org_id == org_id, ParcelOrder.code == Parcel.code)
        .correlate(Parcel)
        .scalar_subquery()
    )
    query = select(*_COLUMNS).where(*_meant(session, org_id, own_seller, choice))
    order = (func.coalesce(placed, Parcel.created_at), Parcel.code)
    rows: Any = session.execute(query.order_by(*order).limit(limit))
    return [Picked(*row) for row in rows]


def count(session: Session, org_id: str, own_seller: str | None, choice: Choice) -> dict[str, int]:
    """How many parcels are meant, by status."""
    query = select(Parcel.status, func.count()).where(*_meant(session, org_id, own_seller, choice))
    return {row[0]: row[1] for row in session.execute(query.group_by(Parcel.status))}


def sold(session: Session, org_id: str, parcel_codes: Collection[str]) -> dict[str, list[Sold]]:
    """The orders in each of these parcels, by code."""
    rows = session.execute(
        select(ParcelOrder.code, Order.order_id, Order.recipient, Order.city, Order.created_at)
        .join(Order, (Order.org_id == ParcelOrder.org_id) & (Order.order_id == ParcelOrder.order_id))
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, parcel_codes))
        .order_by(ParcelOrder.code, Order.order_id)
    )
    found: dict[str, list[Sold]] = {}
    for row in rows:
        found.setdefault(row.code, []).append(Sold(*row[1:]))
    return found


def named(
    session: Session, org_id: str, own_seller: str | None, words: Sequence[str], *, also_scanned: bool = False
) -> dict[str, list[str]]:
    """The codes behind typed or pasted words, each an internal code, a tracking number or an order id.

    `also_scanned`: those too that no export has named yet, only a phone.
    """
    meant = {word: _code(word) or codes.tracking_key(word) for word in words}
    wanted = set(meant.values())
    keys = sorted(wanted)
    scope = _scope(org_id, own_seller, also_scanned=also_scanned)
    found: dict[str, list[str]] = {}
    direct = select(Parcel.code, Parcel.tracking_number).where(
        *scope, or_(among(session, Parcel.code, keys), among(session, Parcel.tracking_number, keys))
    )
    for row in session.execute(direct):
        for key in wanted.intersection(filter(None, row)):
            found.setdefault(key, []).append(row.code)
    by_order = (
        select(ParcelOrder.order_id, ParcelOrder.code)
        .join(Parcel, (Parcel.org_id == ParcelOrder.org_id) & (Parcel.code == ParcelOrder.code))
        .where(*scope, among(session, ParcelOrder.order_id, keys))
    )
    for order_id, code in session.execute(by_order):
        found.setdefault(order_id, []).append(code)
    return {word: found.get(key, []) for word, key in meant.items()}


def choices_of(session: Session, org_id: str, own_seller: str | None) -> tuple[list[str], list[str]]:
    """The carriers and the sellers that parcels name, for the filter's lists."""
    scope = _scope(org_id, own_seller)
    carriers = session.execute(select(Parcel.carrier).where(*scope).distinct()).scalars()
    sellers = session.execute(select(Parcel.seller).where(*scope).distinct()).scalars()
    return sorted(filter(None, carriers)), sorted(filter(None, sellers))


def _scope(org_id: str, own_seller: str | None, *, also_scanned: bool = False) -> list[ColumnElement[bool]]:
    if also_scanned and own_seller is None:
        return [Parcel.org_id == org_id]
    scope: list[ColumnElement[bool]] = [Parcel.org_id == org_id, Parcel.is_known.is_(True)]
    return scope if own_seller is None else [*scope, Parcel.seller == own_seller]


def _meant(
    session: Session, org_id: str, own_seller: str | None, choice: Choice, *, also_scanned: bool = False
) -> list[ColumnElement[bool]]:
    rules = _scope(org_id, own_seller, also_scanned=also_scanned)
    if choice.codes is not None:
        return [*rules, among(session, Parcel.code, choice.codes)]
    if choice.statuses:
        rules.append(Parcel.status.in_(choice.statuses))
    for column, value in (
        (Parcel.carrier, choice.carrier),
        (Parcel.seller, choice.seller),
        (Parcel.place_id, choice.place_id),
    ):
        if value:
            rules.append(column.is_(None) if value == NONE else column == value)
    if choice.text.strip():
        rules.append(_says(choice.text))
    return rules


def _says(text: str) -> ColumnElement[bool]:
    code = _code(text)
    if code is not None:
        return Parcel.code == code
    key = codes.tracking_key(text)
    in_order = exists().where(
        ParcelOrder.org_id == Parcel.org_id,
        ParcelOrder.code == Parcel.code,
        ParcelOrder.order_id.startswith(key, autoescape=True),
    )
    return or_(Parcel.tracking_number.startswith(key, autoescape=True), in_order)


def _code(text: str) -> str | None:
    return codes.normalise(text) if codes.is_code(text) else None
