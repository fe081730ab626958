"""What an import asks the books: the orders and parcels a chunk of the file may touch, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from webapp.store.among import among
from webapp.store.models import (
    Event,
    EventParcel,
    ImportFile,
    Order,
    Organisation,
    Parcel,
    ParcelOrder,
    Place,
)


@dataclass(frozen=True, slots=True)
class ShopRules:
    """What an import needs to know of the shop; `settings` is the organisation's own."""

    market: str
    settings: Mapping[str, Any]
    places: Mapping[str, str]  # folded name -> id


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """An order in the books; `newest_at` is the latest of its times, `seen_at` the export it was last told by.

    `cancel_type` is that export's word of a cancellation or return, as the marketplace writes it.
    """

    order_id: str
    digest: str
    status: str
    seen_at: datetime
    newest_at: datetime | None
    cancel_type: str | None = None


@dataclass(frozen=True, slots=True)
class HeldParcel:
    """A parcel in the books, with the orders it holds; `is_deemed`: a rule put it in its status, at `status_at`."""

    code: str
    is_known: bool
    package_id: str | None
    tracking: str | None
    carrier: str | None
    seller: str | None
    fragile: bool
    items: int
    place_id: str | None
    status: str
    status_at: datetime | None
    is_deemed: bool
    flags: Mapping[str, Any]
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldFact:
    """An event a parcel has: enough to tell whether an import would only say it again."""

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Books:
    """All that is known of what one chunk of a file speaks of; facts are in the order they happened."""

    orders: Mapping[str, HeldOrder]
    parcels: tuple[HeldParcel, ...]
    facts: Mapping[str, tuple[HeldFact, ...]]


def shop_rules(session: Session, org_id: str) -> ShopRules:
    """The shop's market, settings and places."""
    org = session.execute(
        select(Organisation.market, Organisation.settings).where(Organisation.id == org_id)
    ).one()
    places = session.execute(select(Place.name, Place.id).where(Place.org_id == org_id))
    return ShopRules(
        org.market, org.settings or {}, {name.strip().casefold(): place_id for name, place_id in places}
    )


def open_books(
    session: Session,
    org_id: str,
    order_ids: Collection[str],
    package_ids: Collection[str],
    tracking_numbers: Collection[str],
) -> Books:
    """Look up everything at once: a handful of statements however large the chunk."""
    orders = _orders(session, org_id, order_ids)
    parcels = _parcels(session, org_id, order_ids, package_ids, tracking_numbers)
    return Books(orders, parcels, _facts(session, org_id, [parcel.code for parcel in parcels]))


_TIMES = (
    Order.created_at,
    Order.paid_at,
    Order.rts_at,
    Order.shipped_at,
    Order.delivered_at,
    Order.cancelled_at,
)


def _orders(session: Session, org_id: str, order_ids: Collection[str]) -> dict[str, HeldOrder]:
    rows = session.execute(
        select(
            Order.order_id, Order.digest, Order.platform_status, Order.seen_at, Order.cancel_type, *_TIMES
        ).where(Order.org_id == org_id, among(session, Order.order_id, order_ids))
    )
    return {
        order_id: HeldOrder(
            order_id, digest, status, seen_at, max((at for at in times if at), default=None), cancel_type
        )
        for order_id, digest, status, seen_at, cancel_type, *times in rows
    }


def _parcels(
    session: Session,
    org_id: str,
    order_ids: Collection[str],
    package_ids: Collection[str],
    tracking_numbers: Collection[str],
) -> tuple[HeldParcel, ...]:
    linked = session.execute(
        select(ParcelOrder.code).where(
            ParcelOrder.org_id == org_id, among(session, ParcelOrder.order_id, order_ids)
        )
    )
    codes = {code for (code,) in linked}
    query = select(*_PARCEL).where(Parcel.org_id == org_id)
    wanted = [among(session, Parcel.code, codes)] if codes else []
    wanted += [among(session, Parcel.package_id, package_ids)] if package_ids else []
    wanted += [among(session, Parcel.tracking_number, tracking_numbers)] if tracking_numbers else []
    found = {row.code: row for rule in wanted for row in session.execute(query.where(rule))}
    orders: dict[str, list[str]] = {}
    if found:
        for code, order_id in session.execute(
            select(ParcelOrder.code, ParcelOrder.order_id)
            .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, found))
            .order_by(ParcelOrder.order_id)
        ):
            orders.setdefault(code, []).append(order_id)
    return tuple(
        HeldParcel(**found[code]._asdict(), orders=tuple(orders.get(code, ()))) for code in sorted(found)
    )


_PARCEL = (
    Parcel.code,
    Parcel.is_known,
    Parcel.package_id,
    Parcel.tracking_number.label("tracking"),
    Parcel.carrier,
    Parcel.seller,
    Parcel.fragile,
    Parcel.items,
    Parcel.place_id,
    Parcel.status,
    Parcel.status_at,
    Parcel.is_deemed,
    Parcel.flags,
)


def _facts(session: Session, org_id: str, codes: Collection[str]) -> dict[str, tuple[HeldFact, ...]]:
    if not codes:
        return {}
    rows = session.execute(
        select(EventParcel.code, Event.kind, Event.data)
        .join(Event, (Event.org_id == EventParcel.org_id) & (Event.id == EventParcel.event_id))
        .where(EventParcel.org_id == org_id, among(session, EventParcel.code, codes))
        .order_by(Event.effective_at, Event.id)
    )
    found: dict[str, list[HeldFact]] = {}
    for code, kind, data in rows:
        found.setdefault(code, []).append(HeldFact(kind, data or {}))
    return {code: tuple(facts) for code, facts in found.items()}


# -- the files themselves


# Up to fifty thousand refused rows: only the file's own page wants them.
_LIGHT = (defer(ImportFile.rejected),)


def find_file(session: Session, org_id: str, file_id: str, *, is_light: bool = False) -> ImportFile | None:
    """One import of this shop, to read or to change; a light one comes without its refused rows."""
    return session.get(ImportFile, (org_id, file_id), options=_LIGHT if is_light else ())


def list_files(session: Session, org_id: str, most: int = 30) -> list[ImportFile]:
    """The newest imports of a shop, without their refused rows."""
    query = select(ImportFile).options(*_LIGHT).where(ImportFile.org_id == org_id)
    return list(session.execute(query.order_by(ImportFile.created_at.desc()).limit(most)).scalars())


def unfinished_files(session: Session, states: Collection[str]) -> list[ImportFile]:
    """The imports of every shop that are in one of these states, without their refused rows."""
    query = select(ImportFile).options(*_LIGHT).where(ImportFile.state.in_(states))
    return list(session.execute(query).scalars())


def same_file(session: Session, org_id: str, sha256: str, state: str) -> ImportFile | None:
    """The newest import of the very same bytes that is in this state."""
    query = (
        select(ImportFile)
        .options(*_LIGHT)
        .where(ImportFile.org_id == org_id, ImportFile.sha256 == sha256, ImportFile.state == state)
        .order_by(ImportFile.created_at.desc())
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()
