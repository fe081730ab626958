"""Orders that the seller ships: which were handed over and are not marked as shipped on the marketplace yet (`R11`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from sync.rules.lifecycle import ON_THE_WAY
from webapp.store.among import among
from webapp.store.models import Carrier, Event, EventParcel, Order, Parcel, ParcelOrder


@dataclass(frozen=True, slots=True)
class Due:
    """One order in one parcel; `provider` is what exports call its carrier, `parcels` how many the order has.

    `status` and `substatus` are the marketplace's words in the newest export.
    """

    order_id: str
    code: str
    tracking_number: str | None
    provider: str | None
    handed_over_at: datetime
    parcels: int
    status: str
    substatus: str | None


def due_to_mark(
    session: Session, org_id: str, own_seller: str | None, since: datetime, sources: Collection[str]
) -> list[Due]:
    """Handed over, of an order whose shipping type names the seller, and of which neither the order's times nor a
    carrier scan of these `sources` says that it was shipped; the longest first. Whatever a carrier's feed or our own
    driver says since, the marketplace does not know: delivered ones that were handed over after `since`
    are there too.
    """
    out = _out_since(session, org_id, own_seller, since)
    other = aliased(ParcelOrder)
    parcels = (
        select(func.count())
        .where(other.org_id == ParcelOrder.org_id, other.order_id == ParcelOrder.order_id)
        .correlate(ParcelOrder)
        .scalar_subquery()
    )
    told = (
        select(EventParcel.event_id)
        .join(Event, and_(Event.org_id == EventParcel.org_id, Event.id == EventParcel.event_id))
        .where(
            EventParcel.org_id == ParcelOrder.org_id,
            EventParcel.code == ParcelOrder.code,
            Event.kind == "carrier_scan",
            Event.data["source"].as_string().in_(sources),
        )
        .correlate(ParcelOrder)
    )
    rows = session.execute(
        select(ParcelOrder.code, Order.order_id, parcels, Order.platform_status, Order.platform_substatus)
        .join(Order, and_(Order.org_id == ParcelOrder.org_id, Order.order_id == ParcelOrder.order_id))
        .where(
            ParcelOrder.org_id == org_id,
            among(session, ParcelOrder.code, out),
            # In every market's export, "Ship by seller" and "Seller shipping", beside "TikTok shipping".
            func.lower(Order.shipping_type).contains("seller"),
            Order.shipped_at.is_(None),
            Order.delivered_at.is_(None),
            Order.cancelled_at.is_(None),
            ~told.exists(),
        )
    )
    due = [Due(order_id, code, *out[code], *rest) for code, order_id, *rest in rows]
    return sorted(due, key=lambda each: (each.handed_over_at, each.code, each.order_id))


def _out_since(
    session: Session, org_id: str, own_seller: str | None, since: datetime
) -> dict[str, tuple[str | None, str | None, datetime]]:
    """By code its tracking number, its carrier's name, and when it was handed over. Asked first and alone: beside the
    orders, the database would begin with all that the shop ever had.
    """
    query = (
        select(
            Parcel.code,
            Parcel.tracking_number,
            func.coalesce(Carrier.name, Parcel.carrier),
            Parcel.handed_over_at,
            Parcel.status,
        )
        .outerjoin(Carrier, and_(Carrier.org_id == Parcel.org_id, Carrier.code == Parcel.carrier))
        .where(
            Parcel.org_id == org_id,
            # Each half has an index; "delivered" alone would be all that the shop ever had.
            or_(Parcel.status.in_(ON_THE_WAY), Parcel.handed_over_at >= since),
        )
    )
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    listed = {*ON_THE_WAY, "delivered"}
    rows = session.execute(query)
    return {
        code: (number, carrier, at) for code, number, carrier, at, status in rows if at and status in listed
    }
