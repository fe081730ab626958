"""Keep the stock in step with the parcels: each movement is written once, and nothing ever goes below nothing.

Called wherever parcels' states are written (`journal_writing.write_states`), so that no way of moving a parcel can
forget it; the caller holds the shop's row. A shop without stock pays one look for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uuid_utils
from sqlalchemy import Connection, Table, and_, bindparam, func, insert, select, update

from sync.rules import stock as rules
from sync.rules.parcel import ParcelState
from sync.rules.stock import NONE, RELEASED, RESERVED, Portion, Shelf, Short
from webapp.store.models import OrderLine, Parcel, ParcelOrder, Reservation, Stock, StockMove

AT_ONCE = 400


def keep_in_step(connection: Connection, org_id: str, now: datetime, states: Sequence[ParcelState]) -> None:
    """Reserve, release, take or give back what these parcels hold, by what they have become."""
    if not keeps_stock(connection, org_id):
        return
    wants = {
        state.code: rules.wanted(state.status, is_gone=not rules.LEFT.isdisjoint(state.milestones))
        for state in states
    }
    book = Book(connection, org_id, now)
    held = _held(connection, org_id, list(wants))
    book.open({sku for rows in held.values() for sku, *_ in rows})
    for code, rows in held.items():
        for sku, place_id, quantity, state in rows:
            book.bring(code, Portion(sku, place_id, quantity), state, wants[code])
    # What moved without a confirm of ours: the marketplace's label, a phone that packed it, a handover.
    rest = [code for code, want in wants.items() if want != NONE and code not in held]
    # What had left before is not on the shelf that was counted since, however often it is folded anew.
    gone = _gone_before(connection, org_id, rest)
    rest = [code for code in rest if code not in gone]
    for code, lines in sorted(_lines(connection, org_id, rest).items()):
        book.open(lines.asked)
        found = rules.allocate(lines.asked, book.of(lines.asked), lines.place_id, is_strict=False)
        for portion in found:
            if isinstance(portion, Portion):
                book.bring(code, portion, NONE, wants[code])
    book.close()


def _gone_before(connection: Connection, org_id: str, codes: Sequence[str]) -> set[str]:
    """Which of these had left the seller by what their rows say, before they are written anew."""
    found: set[str] = set()
    for start in range(0, len(codes), AT_ONCE):
        rows = connection.execute(
            select(Parcel.code, Parcel.milestones).where(
                Parcel.org_id == org_id, Parcel.code.in_(codes[start : start + AT_ONCE])
            )
        )
        found.update(row.code for row in rows if not rules.LEFT.isdisjoint(row.milestones or {}))
    return found


def reserve(
    connection: Connection,
    org_id: str,
    now: datetime,
    actor_id: str,
    codes: Sequence[str],
    *,
    is_strict: bool,
) -> dict[str, list[Short]]:
    """Reserve what these parcels need, in this order; gives what is short for those that cannot be, by code."""
    if not is_strict and not keeps_stock(connection, org_id):
        return {}
    book = Book(connection, org_id, now, actor_id)
    there = _held(connection, org_id, codes)
    lines = _lines(connection, org_id, [code for code in codes if code not in there])
    book.open({sku for rows in there.values() for sku, *_ in rows})
    short: dict[str, list[Short]] = {}
    for code in codes:
        if code in there:
            missing = [row for row in there[code] if row[3] != RESERVED]
            lacks = [
                Short(sku, quantity, book.free(sku, place_id))
                for sku, place_id, quantity, _ in missing
                if (book.free(sku, place_id) or 0) < quantity
            ]
            if lacks:
                short[code] = lacks  # and nothing of it is held back from others meanwhile
                continue
            for sku, place_id, quantity, state in missing:
                book.bring(code, Portion(sku, place_id, quantity), state, RESERVED)
        elif code in lines:
            need = lines[code]
            book.open(need.asked)
            found = rules.allocate(need.asked, book.of(need.asked), need.place_id, is_strict=is_strict)
            for each in found:
                if isinstance(each, Short):
                    short.setdefault(code, []).append(each)
                else:
                    book.bring(code, each, NONE, RESERVED)
    book.close()
    return short


def keeps_stock(connection: Connection, org_id: str) -> bool:
    """Whether this shop keeps any stock here."""
    return connection.execute(select(Stock.sku).where(Stock.org_id == org_id).limit(1)).first() is not None


class Book:
    """The shelves in question while they change; `close` writes all of it."""

    def __init__(
        self, connection: Connection, org_id: str, now: datetime, actor_id: str | None = None
    ) -> None:
        self._connection, self._org_id, self._now, self._actor_id = connection, org_id, now, actor_id
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._read: set[str] = set()
        self._touched: set[tuple[str, str]] = set()
        self._moves: list[dict[str, Any]] = []
        self._portions: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._fresh: set[tuple[str, str, str]] = set()

    def open(self, skus: Iterable[str]) -> None:
        """Read the shelves of these SKUs, once each."""
        for part in _parts([sku for sku in skus if sku not in self._read]):
            rows = self._connection.execute(
                select(Stock.sku, Stock.place_id, Stock.on_hand, Stock.reserved).where(
                    Stock.org_id == self._org_id, Stock.sku.in_(part)
                )
            )
            for sku, place_id, on_hand, reserved in rows:
                self._shelves[sku, place_id] = Shelf(on_hand, reserved)
            self._read.update(part)

    def of(self, skus: Collection[str]) -> dict[tuple[str, str], Shelf]:
        """The shelves of these SKUs, read before."""
        return {key: shelf for key, shelf in self._shelves.items() if key[0] in skus}

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


@dataclass(slots=True)
class _Lines:
    """What a parcel needs: quantity by SKU as the stock calls it, and the warehouse it is planned for."""

    place_id: str | None
    asked: dict[str, int] = field(default_factory=dict)


def _lines(connection: Connection, org_id: str, codes: Sequence[str]) -> dict[str, _Lines]:
    """By parcel. An order in several parcels is the first one's, by code: no export tells which piece is where."""
    found: dict[str, _Lines] = {}
    first = (
        select(ParcelOrder.order_id, func.min(ParcelOrder.code).label("code"))
        .where(ParcelOrder.org_id == org_id)
        .group_by(ParcelOrder.order_id)
    )
    for part in _parts(codes):
        orders = select(ParcelOrder.order_id).where(ParcelOrder.org_id == org_id, ParcelOrder.code.in_(part))
        mine = first.where(ParcelOrder.order_id.in_(orders)).subquery()
        rows = connection.execute(
            select(mine.c.code, Parcel.place_id, OrderLine.seller_sku, OrderLine.sku_id, OrderLine.quantity)
            .join(OrderLine, and_(OrderLine.org_id == org_id, OrderLine.order_id == mine.c.order_id))
            .join(Parcel, and_(Parcel.org_id == org_id, Parcel.code == mine.c.code))
            .where(mine.c.code.in_(part))
        ).all()
        kept = _kept(connection, org_id, {name for row in rows for name in row[2:4] if name})
        for code, place_id, seller_sku, sku_id, quantity in rows:
            sku = sku_id if sku_id in kept and seller_sku not in kept else (seller_sku or sku_id)
            asked = found.setdefault(code, _Lines(place_id)).asked
            asked[sku] = asked.get(sku, 0) + quantity
    return found


def _kept(connection: Connection, org_id: str, names: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in _parts(list(names)):
        query = select(Stock.sku).where(Stock.org_id == org_id, Stock.sku.in_(part)).distinct()
        found.update(connection.execute(query).scalars())
    return found


def _held(
    connection: Connection, org_id: str, codes: Sequence[str]
) -> dict[str, list[tuple[str, str, int, str]]]:
    found: dict[str, list[tuple[str, str, int, str]]] = {}
    for part in _parts(codes):
        rows = connection.execute(
            select(
                Reservation.parcel,
                Reservation.sku,
                Reservation.place_id,
                Reservation.quantity,
                Reservation.state,
            )
            .where(Reservation.org_id == org_id, Reservation.parcel.in_(part))
            .order_by(Reservation.parcel, Reservation.sku, Reservation.place_id)
        )
        for row in rows:
            found.setdefault(row[0], []).append((row[1], row[2], row[3], row[4]))
    return found


def _parts(names: Sequence[str]) -> Iterable[Sequence[str]]:
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
