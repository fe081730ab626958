"""The shelves of a shop while they change: every movement is written, and nothing ever goes below nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import uuid_utils
from sqlalchemy import Connection, Table, and_, bindparam, insert, select, update

from sync.rules import stock as rules
from sync.rules.stock import NONE, RELEASED, RESERVED, Portion, Shelf
from webapp.store.models import Reservation, Stock, StockMove

AT_ONCE = 400


class Book:
    """The shelves in question while they change; `close` writes all of it."""

    def __init__(
        self, connection: Connection, org_id: str, now: datetime, actor_id: str | None = None
    ) -> None:
        self._connection, self._org_id, self._now, self._actor_id = connection, org_id, now, actor_id
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._of_sku: dict[str, list[tuple[str, str]]] = {}
        self._read: set[str] = set()
        self._touched: set[tuple[str, str]] = set()
        self._moves: list[dict[str, Any]] = []
        self._portions: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._fresh: set[tuple[str, str, str]] = set()

    def open(self, skus: Iterable[str]) -> None:
        """Read the shelves of these SKUs, once each."""
        for part in parts([sku for sku in skus if sku not in self._read]):
            rows = self._connection.execute(
                select(Stock.sku, Stock.place_id, Stock.on_hand, Stock.reserved).where(
                    Stock.org_id == self._org_id, Stock.sku.in_(part)
                )
            )
            for sku, place_id, on_hand, reserved in rows:
                self._shelves[sku, place_id] = Shelf(on_hand, reserved)
                self._of_sku.setdefault(sku, []).append((sku, place_id))
            self._read.update(part)

    def of(self, skus: Collection[str]) -> dict[tuple[str, str], Shelf]:
        """The shelves of these SKUs, read before."""
        return {key: self._shelves[key] for sku in set(skus) for key in self._of_sku.get(sku, ())}

    def free(self, sku: str, place_id: str) -> int | None:
        """How many can be promised there; None where the SKU is not kept."""
        shelf = self._shelves.get((sku, place_id))
        return shelf.free if shelf else None

    def bring(self, code: str, portion: Portion, state: str, to: str) -> bool:
        """Bring what a parcel holds to another state; False where the shelf has not enough, and nothing is done."""
        to = RELEASED if to == NONE else to
        if state == to or (state == NONE and to == RELEASED):
            return True
        shelf = self._shelves.get((portion.sku, portion.place_id))
        if shelf is None:
            return False
        on_hand, reserved = rules.change(state, to, portion.quantity)
        needs = portion.quantity if state in {NONE, RELEASED} else 0
        if shelf.free < needs or shelf.on_hand + on_hand < 0 or shelf.reserved + reserved < 0:
            return False
        self.move(rules.kind_of(state, to), portion.sku, portion.place_id, on_hand, reserved, code)
        key = (code, portion.sku, portion.place_id)
        if state == NONE:
            self._fresh.add(key)
        self._portions[key] = {"quantity": portion.quantity, "state": to}
        return True

    def resize(self, code: str, portion: Portion, to: int) -> int:
        """Let a parcel reserve `to` where it reserves a portion, or as many as there are; gives how many it has now."""
        if to <= 0:
            self.bring(code, portion, RESERVED, RELEASED)
            return 0
        shelf = self._shelves.get((portion.sku, portion.place_id))
        if shelf is None:
            return portion.quantity
        by = min(to - portion.quantity, shelf.free)
        if by:
            kind = "reserve" if by > 0 else "release"
            self.move(kind, portion.sku, portion.place_id, 0, by, code)
            key = (code, portion.sku, portion.place_id)
            self._portions[key] = {"quantity": portion.quantity + by, "state": RESERVED}
        return portion.quantity + by

    def move(
        self,
        kind: str,
        sku: str,
        place_id: str,
        on_hand: int,
        reserved: int,
        parcel: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Change a shelf and write down why."""
        shelf = self._shelves[sku, place_id]
        shelf.on_hand += on_hand
        shelf.reserved += reserved
        self._touched.add((sku, place_id))
        self._moves.append(
            {
                "org_id": self._org_id,
                "id": str(uuid_utils.uuid7()),
                "sku": sku,
                "place_id": place_id,
                "kind": kind,
                "on_hand": on_hand,
                "reserved": reserved,
                "on_hand_after": shelf.on_hand,
                "reserved_after": shelf.reserved,
                "parcel": parcel,
                "reason": reason,
                "actor_id": self._actor_id,
                "at": self._now,
            }
        )

    def close(self) -> None:
        """Write what changed."""
        if self._moves:
            self._connection.execute(insert(_table(StockMove)), self._moves)
            self._connection.execute(_PUT_SHELF, [self._shelf_row(*key) for key in sorted(self._touched)])
        fresh = [self._portion_row(key) for key in self._portions if key in self._fresh]
        if fresh:
            self._connection.execute(insert(_table(Reservation)), fresh)
        old = [self._portion_row(key, "b_") for key in self._portions if key not in self._fresh]
        if old:
            self._connection.execute(_PUT_PORTION, old)

    def _shelf_row(self, sku: str, place_id: str) -> dict[str, Any]:
        shelf = self._shelves[sku, place_id]
        return {
            "b_org_id": self._org_id,
            "b_sku": sku,
            "b_place_id": place_id,
            "b_on_hand": shelf.on_hand,
            "b_reserved": shelf.reserved,
            "b_updated_at": self._now,
        }

    def _portion_row(self, key: tuple[str, str, str], start: str = "") -> dict[str, Any]:
        row = {"org_id": self._org_id, "parcel": key[0], "sku": key[1], "place_id": key[2]}
        whole = {**row, **self._portions[key], "updated_at": self._now}
        return {start + name: value for name, value in whole.items()}


def parts(names: Sequence[str]) -> Iterable[Sequence[str]]:
    """A few hundred names at a time: so many one statement takes."""
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


def _by(table: Table, *keys: str) -> Any:
    return and_(*(table.c[name] == bindparam(f"b_{name}") for name in keys))


_PUT_SHELF = (
    update(_table(Stock))
    .where(_by(_table(Stock), "org_id", "sku", "place_id"))
    .values({name: bindparam(f"b_{name}") for name in ("on_hand", "reserved", "updated_at")})
)
_PUT_PORTION = (
    update(_table(Reservation))
    .where(_by(_table(Reservation), "org_id", "parcel", "sku", "place_id"))
    .values({name: bindparam(f"b_{name}") for name in ("quantity", "state", "updated_at")})
)
