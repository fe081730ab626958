"""Where parcels go, and from where they are planned to be sent: read for many at once, and written as it is decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import Order, Parcel, ParcelOrder
from webapp.store.stock_needs import Need, needs


def needs_of(session: Session, org_id: str, codes: Collection[str]) -> dict[str, Need]:
    """What these parcels need of the stock, as a confirm of all of them would reserve it."""
    return needs(session.connection(), org_id, codes, dict.fromkeys(codes, ("confirmed", False)))


def addresses(session: Session, org_id: str, codes: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """(postcode, city, state) of each parcel's first order."""
    query = (
        select(ParcelOrder.code, Order.postcode, Order.city, Order.state)
        .join(Order, (Order.org_id == ParcelOrder.org_id) & (Order.order_id == ParcelOrder.order_id))
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes))
        .order_by(ParcelOrder.code, Order.order_id)
    )
    found: dict[str, tuple[str, str, str]] = {}
    for code, postcode, city, state in session.execute(query):
        found.setdefault(code, (postcode or "", city or "", state or ""))
    return found


def put_plans(
    session: Session,
    org_id: str,
    head: int,
    now: datetime,
    plans: Sequence[tuple[str, str | None, str | None]],
) -> None:
    """Write (code, warehouse, carrier) on parcels; under `lock_org`, and they are folded anew after it."""
    if plans:
        session.connection().execute(
            update(Parcel)
            .where(Parcel.org_id == org_id, Parcel.code == bindparam("b_code"))
            .values(
                place_id=bindparam("b_place_id"), carrier=bindparam("b_carrier"), updated_at=now, changed=head
            ),
            [{"b_code": code, "b_place_id": place_id, "b_carrier": it} for code, place_id, it in plans],
        )
