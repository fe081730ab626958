"""What is in stock where, and every movement that made it so."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import OrgId, Time


class Stock(Base):
    """One SKU in one warehouse (a `Place` of kind warehouse): the sum of its movements, kept for quick reading."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand_never_negative"),
        CheckConstraint("reserved >= 0", name="reserved_never_negative"),
        CheckConstraint("reserved <= on_hand", name="reserved_is_there"),
    )
    org_id: Mapped[OrgId]
    sku: Mapped[str] = mapped_column(String(255), primary_key=True)
    place_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    product: Mapped[str | None] = mapped_column(Text)
    on_hand: Mapped[int] = mapped_column(Integer, default=0)
    reserved: Mapped[int] = mapped_column(Integer, default=0)
    low_at: Mapped[int] = mapped_column(Integer, default=0)
    updated_at: Mapped[Time]


class StockMove(Base):
    """One movement, never changed or removed: who moved how many, why, and what was there after it.

    `kind` is import, adjust, reserve, release, take or give_back; `on_hand` and `reserved` are the changes.
    """

    __tablename__ = "stock_moves"
    __table_args__ = (
        Index(None, "org_id", "sku", "place_id", "at"),
        Index(None, "org_id", "parcel"),
    )
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sku: Mapped[str] = mapped_column(String(255))
    place_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(16))
    on_hand: Mapped[int]
    reserved: Mapped[int]
    on_hand_after: Mapped[int]
    reserved_after: Mapped[int]
    parcel: Mapped[str | None] = mapped_column(String(128))
    reason: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[str | None] = mapped_column(String(36))
    at: Mapped[Time]


class Reservation(Base):
    """What a parcel holds of one SKU in one warehouse now: reserved by a confirm, until it is released or taken."""

    __tablename__ = "reservations"
    __table_args__ = (Index(None, "org_id", "sku", "place_id"),)
    org_id: Mapped[OrgId]
    parcel: Mapped[str] = mapped_column(String(128), primary_key=True)
    sku: Mapped[str] = mapped_column(String(255), primary_key=True)
    place_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[Time]
