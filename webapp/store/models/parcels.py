"""Orders as the marketplace tells them, and parcels as the ledger has them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, ForeignKeyConstraint, Index, Integer, Numeric, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import BY_KEY, Code, Count, Json, JsonObject, OrgId, Time, UtcDateTime, Words

_OPEN = text("open_anomalies > 0")
_ONLY_OPEN: dict[str, Any] = {"sqlite_where": _OPEN, "postgresql_where": _OPEN}
# A buyer asked to cancel it; ask it in these very words, or the index is not used.
ASKED_TO_CANCEL = {
    "sqlite": "json_extract(flags, '$.cancel_requested')",
    "postgresql": "(flags ->> 'cancel_requested') = 'true'",
}
_ONLY_ASKED: dict[str, Any] = {f"{name}_where": text(sql) for name, sql in ASKED_TO_CANCEL.items()}


class Order(Base):
    """One marketplace order, by its own 18-19 digit id, kept as text; `seen_at` is the newest export that had it.

    `own_times` are the marketplace's deadlines for this order by its own names (`rts_sla_time` …), RFC 3339 in UTC.
    `reminded_on` is the shop's last day on which the order was reminded of (`R27`: never twice in a day).
    `erased_at`: who bought it was erased, and no later export brings back the columns of ABOUT_BUYER.
    """

    __tablename__ = "orders"
    __table_args__ = (Index(None, "org_id", "created_at"),)
    org_id: Mapped[OrgId]
    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    seller: Mapped[str | None] = mapped_column(String(128))
    platform_status: Mapped[str] = mapped_column(String(64))
    platform_substatus: Mapped[str | None] = mapped_column(String(64))
    cancel_type: Mapped[str | None] = mapped_column(String(64))
    cancel_by: Mapped[str | None] = mapped_column(String(64))
    cancel_reason: Mapped[str | None] = mapped_column(Text)
    is_preorder: Mapped[bool] = mapped_column(default=False)
    shipping_type: Mapped[str | None] = mapped_column(String(64))
    fulfillment_type: Mapped[str | None] = mapped_column(String(64))
    delivery_option: Mapped[str | None] = mapped_column(String(128))
    warehouse: Mapped[str | None] = mapped_column(String(128))
    payment_method: Mapped[str | None] = mapped_column(String(128))
    amount: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    refund_amount: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    weight_kg: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    buyer: Mapped[str | None] = mapped_column(String(255))
    buyer_message: Mapped[str | None] = mapped_column(Text)
    seller_note: Mapped[str | None] = mapped_column(Text)
    recipient: Mapped[str | None] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(64))
    country: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str | None] = mapped_column(String(128))
    city: Mapped[str | None] = mapped_column(String(128))
    postcode: Mapped[str | None] = mapped_column(String(32))
    address: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    shipped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    own_times: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reminded_on: Mapped[date | None] = mapped_column(Date)
    seen_at: Mapped[Time]
    digest: Mapped[str] = mapped_column(String(64))
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


# Who a buyer is. What stays says what was bought, and roughly where it went: the country and the state.
ABOUT_BUYER = ("buyer", "buyer_message", "seller_note", "recipient", "phone", "city", "postcode", "address")


class OrderLine(Base):
    """One SKU of an order."""

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.order_id"], ondelete="CASCADE"
        ),
    )
    org_id: Mapped[OrgId]
    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sku_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seller_sku: Mapped[str | None] = mapped_column(String(255))
    product: Mapped[str] = mapped_column(Text)
    variation: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[int]
    returned: Mapped[int] = mapped_column(default=0)
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    category: Mapped[str | None] = mapped_column(String(255))


class ProductMark(Base):
    """What the shop says of a product, whatever parcel it travels in: delicate, dangerous."""

    __tablename__ = "product_marks"
    org_id: Mapped[OrgId]
    sku_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    fragile: Mapped[bool] = mapped_column(default=False)
    dangerous: Mapped[bool] = mapped_column(default=False)
    note: Mapped[Words] = mapped_column(default="")
    made_by: Mapped[str | None] = mapped_column(String(36))
    changed_at: Mapped[Time]


class Parcel(Base):
    """One parcel by its internal code: what is known of it, and what the fold made of its events.

    `changed` is the organisation's head when it last changed (the worklist's cursor reads it).
    `is_known` is false for a code that was scanned before any import told of it.
    """

    __tablename__ = "parcels"
    __table_args__ = (
        Index(None, "org_id", "changed"),
        Index(None, "org_id", "tracking_number"),
        Index(None, "org_id", "package_id"),
        # The office's lists: newest first by a time that never moves, so that no page skips or repeats a row.
        Index(None, "org_id", "created_at", "code"),
        Index(None, "org_id", "status", "created_at", "code"),
        Index(None, "org_id", "seller", "created_at", "code"),
        Index(None, "org_id", "handed_over_at", "code"),
        Index("ix_parcels_with_open_anomalies", "org_id", "created_at", "code", **_ONLY_OPEN),
        Index("ix_parcels_asked_to_cancel", "org_id", "created_at", "code", **_ONLY_ASKED),
    )
    org_id: Mapped[OrgId]
    code: Mapped[Code]
    is_known: Mapped[bool] = mapped_column(default=True)
    package_id: Mapped[str | None] = mapped_column(String(32))
    tracking_number: Mapped[str | None] = mapped_column(String(64))
    carrier: Mapped[str | None] = mapped_column(String(64))
    seller: Mapped[str | None] = mapped_column(String(128))
    fragile: Mapped[bool] = mapped_column(default=False)
    dangerous: Mapped[bool] = mapped_column(default=False, server_default=false())
    items: Mapped[int] = mapped_column(Integer, default=1)
    place_id: Mapped[str | None] = mapped_column(String(36))
    status: Mapped[str] = mapped_column(String(32), default="expected")
    flags: Mapped[JsonObject] = mapped_column(default=dict)
    is_deemed: Mapped[bool] = mapped_column(default=False)
    milestones: Mapped[JsonObject] = mapped_column(default=dict)
    status_event_id: Mapped[str | None] = mapped_column(String(36))
    status_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    open_anomalies: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Time]
    updated_at: Mapped[Time]
    changed: Mapped[Count] = mapped_column(default=0)


class ParcelOrder(Base):
    """Which orders are in which parcel: usually one of each, but packages are split and combined."""

    __tablename__ = "parcel_orders"
    __table_args__ = (
        Index(None, "org_id", "order_id"),
        ForeignKeyConstraint(["org_id", "code"], ["parcels.org_id", "parcels.code"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.order_id"], ondelete="CASCADE"
        ),
    )
    org_id: Mapped[OrgId]
    code: Mapped[Code]
    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)


class Anomaly(Base):
    """What does not fit on a parcel, by the fold; `closed_by` is the `resolve` event that closed it."""

    __tablename__ = "anomalies"
    __table_args__ = (Index(None, "org_id", "is_open", "code"), BY_KEY)
    org_id: Mapped[OrgId]
    parcel: Mapped[Code]
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(48), primary_key=True)
    severity: Mapped[str] = mapped_column(String(16))
    detail: Mapped[Words] = mapped_column(default="")
    is_open: Mapped[bool] = mapped_column(default=True)
    closed_by: Mapped[str | None] = mapped_column(String(36))


class ImportFile(Base):
    """One file that was read in: what it held, what was refused, how far it is."""

    __tablename__ = "import_files"
    __table_args__ = (Index(None, "org_id", "created_at"),)
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[Words]
    sha256: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[str | None] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(16))
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int | None]
    counts: Mapped[JsonObject] = mapped_column(default=dict)
    rejected: Mapped[list[Any]] = mapped_column(Json, default=list)
    exported_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[Time]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
