"""Orders as the marketplace told them: the list by keyset, one order with its lines and parcels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from sync.protocol.codes import tracking_key
from sync.rules.orders import order_status
from webapp.store.among import among
from webapp.store.models import Order, OrderLine, Parcel, ParcelOrder
from webapp.store.queries.parcel_filter import found_codes
from webapp.store.queries.timeline import order_lines


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line of the list, with its parcels as (code, status)."""

    order: Order
    pieces: int
    parcels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OrderStep:
    """A place between two pages: when the order beside it was made (None: nobody told), and which way to go on."""

    at: datetime | None
    order_id: str
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class OrderList:
    """One page, newest order first; `newer` and `older` are the ways on, None at an end."""

    rows: tuple[OrderRow, ...]
    newer: OrderStep | None
    older: OrderStep | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One order, whole."""

    order: Order
    lines: tuple[OrderLine, ...]
    parcels: tuple[Parcel, ...]

    @property
    def status(self) -> str | None:
        """The order's own status: the aggregate of its parcels'."""
        return order_status(parcel.status for parcel in self.parcels)


def list_orders(
    session: Session,
    org_id: str,
    own_seller: str | None,
    *,
    q: str = "",
    statuses: Collection[str] = (),
    step: OrderStep | None = None,
    limit: int = 50,
) -> OrderList:
    """Orders of a shop (of one seller), the newest first by when they were made. `step` None is the newest page."""
    found: list[Order] = []
    for part in _parts(_filtered(session, org_id, own_seller, q, statuses), step):
        if len(found) <= limit:
            found += session.execute(part.limit(limit + 1 - len(found))).scalars()
    has_more, orders = len(found) > limit, found[:limit]
    is_back = step is not None and step.is_back
    if is_back:
        orders.reverse()
    has_newer, has_older = (has_more, True) if is_back else (step is not None, has_more)
    return OrderList(
        _rows(session, org_id, orders),
        OrderStep(orders[0].created_at, orders[0].order_id, is_back=True) if orders and has_newer else None,
        OrderStep(orders[-1].created_at, orders[-1].order_id) if orders and has_older else None,
    )


def platform_statuses(session: Session, org_id: str, own_seller: str | None) -> list[str]:
    """The marketplace's own statuses that occur here."""
    query = select(Order.platform_status).where(Order.org_id == org_id).distinct()
    if own_seller is not None:
        query = query.where(Order.seller == own_seller)
    return sorted(session.execute(query).scalars())


def order_page(session: Session, org_id: str, own_seller: str | None, order_id: str) -> OrderPage | None:
    """One order with its lines and parcels; None when this person has no such order."""
    order = session.get(Order, (org_id, order_id))
    if order is None or (own_seller is not None and order.seller != own_seller):
        return None
    query = (
        select(Parcel)
        .join(ParcelOrder, (ParcelOrder.org_id == Parcel.org_id) & (ParcelOrder.code == Parcel.code))
        .where(ParcelOrder.org_id == org_id, ParcelOrder.order_id == order_id)
        .order_by(Parcel.code)
    )
    return OrderPage(order, order_lines(session, org_id, [order_id]), tuple(session.execute(query).scalars()))


def _parts(query: Select[Any], step: OrderStep | None) -> list[Select[Any]]:
    """From a place on, in the order in which they are read: those with a time, those without one at the old end.

    Apart, because the databases do not agree where a time that is missing stands, and no index answers for both.
    """
    dated, undated = query.where(Order.created_at.is_not(None)), query.where(Order.created_at.is_(None))
    key = tuple_(Order.created_at, Order.order_id)
    if step is not None and step.is_back:
        dated, undated = dated.order_by(Order.created_at, Order.order_id), undated.order_by(Order.order_id)
        if step.at is None:
            return [undated.where(Order.order_id > step.order_id), dated]
        return [dated.where(key > tuple_(step.at, step.order_id))]
    dated = dated.order_by(Order.created_at.desc(), Order.order_id.desc())
    undated = undated.order_by(Order.order_id.desc())
    if step is None:
        return [dated, undated]
    if step.at is None:
        return [undated.where(Order.order_id < step.order_id)]
    return [dated.where(key < tuple_(step.at, step.order_id)), undated]


def _filtered(
    session: Session, org_id: str, own_seller: str | None, q: str, statuses: Collection[str]
) -> Select[Any]:
    query: Select[Any] = select(Order).where(Order.org_id == org_id)
    if own_seller is not None:
        query = query.where(Order.seller == own_seller)
    if statuses:
        query = query.where(Order.platform_status.in_(statuses))
    if q:
        by_parcel = select(ParcelOrder.order_id).where(
            ParcelOrder.org_id == org_id,
            among(session, ParcelOrder.code, found_codes(session, org_id, q)),
        )
        query = query.where(Order.order_id.in_(by_parcel) | (Order.order_id == tracking_key(q)))
    return query


def _rows(session: Session, org_id: str, orders: list[Order]) -> tuple[OrderRow, ...]:
    ids = [order.order_id for order in orders]
    pieces = {
        row[0]: row[1]
        for row in session.execute(
            select(OrderLine.order_id, func.sum(OrderLine.quantity))
            .where(OrderLine.org_id == org_id, among(session, OrderLine.order_id, ids))
            .group_by(OrderLine.order_id)
        )
    }
    parcels: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in session.execute(
        select(ParcelOrder.order_id, Parcel.code, Parcel.status)
        .join(Parcel, (Parcel.org_id == ParcelOrder.org_id) & (Parcel.code == ParcelOrder.code))
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.order_id, ids))
        .order_by(Parcel.code)
    ):
        parcels[row.order_id] = (*parcels.get(row.order_id, ()), (row.code, row.status))
    return tuple(OrderRow(o, int(pieces.get(o.order_id, 0)), parcels.get(o.order_id, ())) for o in orders)
