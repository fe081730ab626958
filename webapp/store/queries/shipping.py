"""Orders that the seller ships: which were handed over and are not marked as shipped on the marketplace yet (`R11`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from webapp.store.models import Carrier, Order, Parcel, ParcelOrder


@dataclass(frozen=True, slots=True)
class Due:
    """One order in one parcel; `provider` is what exports call its carrier, `parcels` how many the order has."""

    order_id: str
    code: str
    tracking_number: str | None
    provider: str | None
    handed_over_at: datetime | None
    parcels: int


def due_to_mark(session: Session, org_id: str, own_seller: str | None) -> list[Due]:
    """Handed over, of an order whose shipping type names the seller, and not on its way yet; the longest first."""
    other = aliased(ParcelOrder)
    parcels = (
        select(func.count())
        .where(other.org_id == ParcelOrder.org_id, other.order_id == ParcelOrder.order_id)
        .correlate(ParcelOrder)
        .scalar_subquery()
    )
    query = (
        select(
            Order.order_id,
            Parcel.code,
            Parcel.tracking_number,
            func.coalesce(Carrier.name, Parcel.carrier),
            Parcel.handed_over_at,
            parcels,
        )
        .join(ParcelOrder, and_(ParcelOrder.org_id == Parcel.org_id, ParcelOrder.code == Parcel.code))
        .join(Order, and_(Order.org_id == ParcelOrder.org_id, Order.order_id == ParcelOrder.order_id))
        .outerjoin(Carrier, and_(Carrier.org_id == Parcel.org_id, Carrier.code == Parcel.carrier))
        .where(
            Parcel.org_id == org_id,
            Parcel.status == "handed_over",
            # In every market's export, "Ship by seller" and "Seller shipping", beside "TikTok shipping".
            func.lower(Order.shipping_type).contains("seller"),
        )
    )
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    query = query.order_by(Parcel.handed_over_at, Parcel.code, Order.order_id)
    return [Due(*row) for row in session.execute(query)]
