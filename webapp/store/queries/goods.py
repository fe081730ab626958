"""What is sold: the lines of parcels, the products, and how the shop has marked them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from sync.rules.lifecycle import BEFORE_DELIVERY
from webapp.store.among import among
from webapp.store.models import Order, OrderLine, Parcel, ParcelOrder, ProductMark

_LONGEST_NAME = 120
_NEWEST_ORDERS = 300
# A line that was called off while the rest of its order goes on keeps no pieces: it is in no parcel.
_IN_IT = OrderLine.quantity > 0
MOST_PRODUCTS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One product in a parcel, and how many of it."""

    product: str
    variation: str | None
    seller_sku: str | None
    quantity: int

    def as_dict(self) -> dict[str, Any]:
        """As a phone's list has it, no longer than its screen."""
        return {
            "product": self.product[:_LONGEST_NAME],
            "variation": (self.variation or "")[:_LONGEST_NAME] or None,
            "sku": self.seller_sku,
            "quantity": self.quantity,
        }


@dataclass(frozen=True, slots=True)
class Product:
    """A product by its SKU id, and how it is marked."""

    sku_id: str
    seller_sku: str | None
    product: str
    variation: str | None
    fragile: bool
    dangerous: bool
    note: str


def lines_of(session: Session, org_id: str, codes: Collection[str]) -> dict[str, list[Line]]:
    """The lines of the orders in each of these parcels, by code."""
    rows = session.execute(
        select(
            ParcelOrder.code,
            OrderLine.product,
            OrderLine.variation,
            OrderLine.seller_sku,
            OrderLine.quantity,
        )
        .join(
            OrderLine, (OrderLine.org_id == ParcelOrder.org_id) & (OrderLine.order_id == ParcelOrder.order_id)
        )
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes), _IN_IT)
        .order_by(ParcelOrder.code, OrderLine.order_id, OrderLine.sku_id)
    )
    found: dict[str, list[Line]] = {}
    for code, product, variation, sku, quantity in rows:
        found.setdefault(code, []).append(Line(product, variation, sku, quantity))
    return found


def products(session: Session, org_id: str, text: str = "") -> list[Product]:
    """Products that a text names (SKU id, the seller's SKU, or part of the name); without one, those that are marked
    and those of the newest orders. Marked ones first.
    """
    query = (
        select(
            OrderLine.sku_id,
            func.max(OrderLine.seller_sku),
            func.max(OrderLine.product),
            func.max(OrderLine.variation),
            func.max(ProductMark.sku_id),
        )
        .outerjoin(
            ProductMark, (ProductMark.org_id == OrderLine.org_id) & (ProductMark.sku_id == OrderLine.sku_id)
        )
        .where(OrderLine.org_id == org_id, _named(text) if text else _recent(org_id))
        .group_by(OrderLine.sku_id)
        .order_by(func.max(ProductMark.sku_id).is_(None), func.max(OrderLine.product), OrderLine.sku_id)
        .limit(MOST_PRODUCTS)
    )
    rows = session.execute(query).all()
    held = {mark.sku_id: mark for mark in marks(session, org_id, [row[0] for row in rows])}
    found = []
    for sku_id, seller_sku, product, variation, _ in rows:
        mark = held.get(sku_id)
        told = (mark.fragile, mark.dangerous, mark.note) if mark else (False, False, "")
        found.append(Product(sku_id, seller_sku, product, variation, *told))
    return found


def find_product(session: Session, org_id: str, sku_id: str) -> Product | None:
    """One product that some order has."""
    row = session.execute(
        select(OrderLine.seller_sku, OrderLine.product, OrderLine.variation)
        .where(OrderLine.org_id == org_id, OrderLine.sku_id == sku_id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    mark = session.get(ProductMark, (org_id, sku_id))
    told = (mark.fragile, mark.dangerous, mark.note) if mark else (False, False, "")
    return Product(sku_id, *row, *told)


def marks(session: Session, org_id: str, sku_ids: Collection[str]) -> list[ProductMark]:
    """How these products are marked."""
    query = select(ProductMark).where(
        ProductMark.org_id == org_id, among(session, ProductMark.sku_id, sku_ids)
    )
    return list(session.execute(query).scalars())


def has_marks(session: Session, org_id: str) -> bool:
    """Whether the shop has marked anything at all: most have not, and then no import needs to look."""
    query = select(ProductMark.sku_id).where(ProductMark.org_id == org_id).limit(1)
    return session.execute(query).first() is not None


def open_parcels_with(session: Session, org_id: str, sku_id: str) -> list[str]:
    """The parcels not yet delivered that hold a product."""
    query = (
        select(Parcel.code)
        .join(ParcelOrder, (ParcelOrder.org_id == Parcel.org_id) & (ParcelOrder.code == Parcel.code))
        .join(
            OrderLine, (OrderLine.org_id == ParcelOrder.org_id) & (OrderLine.order_id == ParcelOrder.order_id)
        )
        .where(
            Parcel.org_id == org_id, OrderLine.sku_id == sku_id, _IN_IT, Parcel.status.in_(BEFORE_DELIVERY)
        )
        .distinct()
        .order_by(Parcel.code)
    )
    return list(session.execute(query).scalars())


def unmarked_among(
    session: Session, org_id: str, codes: Collection[str], fragile: bool, dangerous: bool
) -> list[str]:
    """Those of these parcels that lack one of the marks wanted, sorted."""
    lacks = [
        ~mark for mark, is_wanted in ((Parcel.fragile, fragile), (Parcel.dangerous, dangerous)) if is_wanted
    ]
    if not lacks:
        return []
    query = select(Parcel.code).where(
        Parcel.org_id == org_id, among(session, Parcel.code, codes), or_(*lacks)
    )
    return sorted(session.execute(query).scalars())


def parcels_of_orders(session: Session, org_id: str, order_ids: Collection[str]) -> list[str]:
    """The parcels of these orders that hold a marked product, sorted."""
    query = (
        select(ParcelOrder.code)
        .join(
            OrderLine, (OrderLine.org_id == ParcelOrder.org_id) & (OrderLine.order_id == ParcelOrder.order_id)
        )
        .join(
            ProductMark, (ProductMark.org_id == OrderLine.org_id) & (ProductMark.sku_id == OrderLine.sku_id)
        )
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.order_id, order_ids))
        .distinct()
    )
    return sorted(session.execute(query).scalars())


def seller_notes(session: Session, org_id: str, codes: Collection[str]) -> dict[str, list[str]]:
    """The sellers' notes on the orders in each parcel."""
    rows = session.execute(
        select(ParcelOrder.code, Order.seller_note)
        .join(Order, (Order.org_id == ParcelOrder.org_id) & (Order.order_id == ParcelOrder.order_id))
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes))
    )
    found: dict[str, list[str]] = {}
    for code, note in rows:
        found.setdefault(code, []).append(note or "")
    return found


def marked(session: Session, org_id: str, codes: Collection[str]) -> dict[str, tuple[bool, bool]]:
    """(fragile, dangerous) by the marks of the products in each of these parcels; absent ones hold nothing marked."""
    rows = session.execute(
        select(ParcelOrder.code, ProductMark.fragile, ProductMark.dangerous)
        .join(
            OrderLine, (OrderLine.org_id == ParcelOrder.org_id) & (OrderLine.order_id == ParcelOrder.order_id)
        )
        .join(
            ProductMark, (ProductMark.org_id == OrderLine.org_id) & (ProductMark.sku_id == OrderLine.sku_id)
        )
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes), _IN_IT)
    )
    found: dict[str, tuple[bool, bool]] = {}
    for code, fragile, dangerous in rows:
        before = found.get(code, (False, False))
        found[code] = (before[0] or fragile, before[1] or dangerous)
    return found


def write_marks(
    session: Session, org_id: str, head: int, codes: Sequence[str], *, fragile: bool, dangerous: bool
) -> None:
    """Say of these parcels that they are delicate, dangerous; phones read them anew."""
    session.execute(
        update(Parcel)
        .where(Parcel.org_id == org_id, among(session, Parcel.code, codes))
        .values(fragile=fragile, dangerous=dangerous, changed=head)
    )


def _named(text: str) -> ColumnElement[bool]:
    return or_(
        OrderLine.sku_id == text,
        OrderLine.seller_sku.icontains(text, autoescape=True),
        OrderLine.product.icontains(text, autoescape=True),
    )


def _recent(org_id: str) -> ColumnElement[bool]:
    newest = (
        select(Order.order_id)
        .where(Order.org_id == org_id)
        .order_by(Order.created_at.desc(), Order.order_id)
        .limit(_NEWEST_ORDERS)
    )
    return or_(OrderLine.order_id.in_(newest), ProductMark.sku_id.is_not(None))
