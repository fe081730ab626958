"""What a label is held against, and the looks at it so far."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.rules.labels.required import Expected
from webapp.store.models import Carrier, LabelCheck, OfficeFile, Order, OrderLine, Parcel, ParcelOrder

MOST_SHOWN = 20


def expected(session: Session, org_id: str, code: str) -> Expected:
    """What the books know of a parcel: what its label has to say, and whose numbers may stand on it."""
    parcel = session.get_one(Parcel, (org_id, code))
    carrier = session.get(Carrier, (org_id, parcel.carrier)) if parcel.carrier else None
    orders = _orders(session, org_id, code)
    lines = _lines(session, org_id, code)
    first = orders[0] if orders else None
    parts = (first.address, first.city, first.state, first.postcode) if first else ()
    return Expected(
        name=(first.recipient or "") if first else "",
        address=", ".join(part for part in parts if part),
        phone=(first.phone or "") if first else "",
        items=tuple(line.product for line in lines),
        skus=tuple(line.seller_sku for line in lines if line.seller_sku),
        tracking=parcel.tracking_number or "",
        numbers=tuple(n for n in (*(order.order_id for order in orders), parcel.package_id) if n),
        carriers=tuple(str(n) for n in (carrier.name, *(carrier.names or ())) if n) if carrier else (),
        code=code,
    )


def checks(session: Session, org_id: str, code: str) -> list[LabelCheck]:
    """The looks at a parcel's label, newest first."""
    query = select(LabelCheck).where(LabelCheck.org_id == org_id, LabelCheck.code == code)
    newest = query.order_by(LabelCheck.made_at.desc(), LabelCheck.id.desc()).limit(MOST_SHOWN)
    return list(session.execute(newest).scalars())


def find_check(session: Session, org_id: str, check_id: str) -> LabelCheck | None:
    """One look."""
    return session.get(LabelCheck, (org_id, check_id))


def find_file(session: Session, org_id: str, file_id: str) -> OfficeFile | None:
    """One file of the office."""
    return session.get(OfficeFile, (org_id, file_id))


def _orders(session: Session, org_id: str, code: str) -> Sequence[Order]:
    query = (
        select(Order)
        .join(ParcelOrder, (ParcelOrder.org_id == Order.org_id) & (ParcelOrder.order_id == Order.order_id))
        .where(ParcelOrder.org_id == org_id, ParcelOrder.code == code)
        .order_by(Order.order_id)
    )
    return session.execute(query).scalars().all()


def _lines(session: Session, org_id: str, code: str) -> Sequence[OrderLine]:
    query = (
        select(OrderLine)
        .join(
            ParcelOrder,
            (ParcelOrder.org_id == OrderLine.org_id) & (ParcelOrder.order_id == OrderLine.order_id),
        )
        .where(ParcelOrder.org_id == org_id, ParcelOrder.code == code, OrderLine.quantity > 0)
        .order_by(OrderLine.order_id, OrderLine.sku_id)
    )
    return session.execute(query).scalars().all()
