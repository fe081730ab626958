"""What is in stock where: the board, one shelf's book, and what it is short of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from sync.rules.stock import Shelf
from webapp.store.among import among
from webapp.store.models import Place, Stock, StockMove


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU in one warehouse, as the board shows it."""

    sku: str
    product: str | None
    place_id: str
    place: str
    on_hand: int
    reserved: int
    low_at: int

    @property
    def free(self) -> int:
        """How many can still be promised."""
        return self.on_hand - self.reserved

    @property
    def is_short(self) -> bool:
        """Whether it has to be filled up."""
        return self.free <= self.low_at


def is_adjusted(session: Session, shelf: Stock, actor_id: str, by: int, reason: str, since: datetime) -> bool:
    """Whether this person has made this very correction of a shelf since then."""
    same = select(StockMove.id).where(
        StockMove.org_id == shelf.org_id,
        StockMove.sku == shelf.sku,
        StockMove.place_id == shelf.place_id,
        StockMove.at >= since,
        StockMove.kind == "adjust",
        StockMove.on_hand == by,
        StockMove.reason == reason,
        StockMove.actor_id == actor_id,
    )
    return session.execute(same.limit(1)).scalar() is not None


def board(
    session: Session, org_id: str, q: str = "", place_id: str = "", *, limit: int, offset: int = 0
) -> list[Line]:
    """The shelves that fit, what is short first, then by SKU."""
    free = Stock.on_hand - Stock.reserved
    query = (
        select(
            Stock.sku,
            Stock.product,
            Stock.place_id,
            func.coalesce(Place.name, Stock.place_id),
            Stock.on_hand,
            Stock.reserved,
            Stock.low_at,
        )
        .outerjoin(Place, and_(Place.org_id == Stock.org_id, Place.id == Stock.place_id))
        .where(*_meant(org_id, q, place_id))
        .order_by(case((free <= Stock.low_at, 0), else_=1), Stock.sku, Stock.place_id)
        .limit(limit)
        .offset(offset)
    )
    return [Line(*row) for row in session.execute(query)]


def totals(session: Session, org_id: str, q: str = "", place_id: str = "") -> tuple[int, int, int, int]:
    """(shelves, short ones, pieces on hand, pieces reserved) of those that fit."""
    free = Stock.on_hand - Stock.reserved
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((free <= Stock.low_at, 1), else_=0)), 0),
            func.coalesce(func.sum(Stock.on_hand), 0),
            func.coalesce(func.sum(Stock.reserved), 0),
        ).where(*_meant(org_id, q, place_id))
    ).one()
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])


def shelves(session: Session, org_id: str, skus: Collection[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """(on hand, reserved) of these SKUs, by (sku, warehouse)."""
    rows = session.execute(
        select(Stock.sku, Stock.place_id, Stock.on_hand, Stock.reserved).where(
            Stock.org_id == org_id, among(session, Stock.sku, skus)
        )
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def shelves_of(session: Session, org_id: str, skus: Collection[str]) -> dict[tuple[str, str], Shelf]:
    """The same as shelves that a plan may change."""
    return {key: Shelf(*numbers) for key, numbers in shelves(session, org_id, skus).items()}


def shelf(session: Session, org_id: str, sku: str, place_id: str) -> Line | None:
    """One shelf."""
    held = session.get(Stock, (org_id, sku, place_id))
    if held is None:
        return None
    place = session.get(Place, (org_id, place_id))
    name = place.name if place else place_id
    return Line(held.sku, held.product, place_id, name, held.on_hand, held.reserved, held.low_at)


def book(session: Session, org_id: str, sku: str, place_id: str, most: int = 200) -> list[StockMove]:
    """A shelf's movements, newest first."""
    query = (
        select(StockMove)
        .where(StockMove.org_id == org_id, StockMove.sku == sku, StockMove.place_id == place_id)
        .order_by(StockMove.at.desc(), StockMove.id.desc())
        .limit(most)
    )
    return list(session.execute(query).scalars())


def _meant(org_id: str, q: str, place_id: str) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = [Stock.org_id == org_id]
    if place_id:
        rules.append(Stock.place_id == place_id)
    if q:
        rules.append(
            or_(
                Stock.sku.icontains(q, autoescape=True),
                Stock.product.icontains(q, autoescape=True),
            )
        )
    return rules
