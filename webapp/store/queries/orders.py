"""Orders as the marketplace told them: the list by keyset, one order with its lines and parcels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
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
class OrderList:
    """One page, newest id first; `newer` and `older` are the ids to go on from."""

    rows: tuple[OrderRow, ...]
    newer: str | None
    older: str | None


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
    status: str = "",
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> OrderList:
    """Orders of a shop (of one seller). Marketplace ids rise with time, so the newest come first."""
    query = _filtered(session, org_id, own_seller, q, status)
    if before:
        query = query.where(Order.order_id > before).order_by(Order.order_id)
    else:
        query = query.order_by(Order.order_id.desc())
        query = query.where(Order.order_id < after) if after else query
    found = list(session.execute(query.limit(limit + 1)).scalars())
    has_more, orders = len(found) > limit, found[:limit]
    if before:
        orders.reverse()
    has_newer, has_older = (has_more, True) if before else (bool(after), has_more)
    return OrderList(
        _rows(session, org_id, orders),
        orders[0].order_id if orders and has_newer else None,
        orders[-1].order_id if orders and has_older else None,
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


def _filtered(session: Session, org_id: str, own_seller: str | None, q: str, status: str) -> Select[Any]:
    query: Select[Any] = select(Order).where(Order.org_id == org_id)
    if own_seller is not None:
        query = query.where(Order.seller == own_seller)
    if status:
        query = query.where(Order.platform_status == status)
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
