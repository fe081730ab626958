"""What parcels need of the stock, by the books: the lines of the orders that each of them answers for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from sync.rules import stock as rules
from sync.rules.stock import NONE, RESERVED, TAKEN
from webapp.store.models import OrderLine, Parcel, ParcelOrder, Place, Reservation, Stock
from webapp.store.stock_book import parts


@dataclass(slots=True)
class Held:
    """So many of a SKU from one warehouse, as a parcel holds them; `state` is reserved, taken or released."""

    sku: str
    place_id: str
    quantity: int
    state: str


@dataclass(slots=True)
class Need:
    """One parcel: what it is to hold (`want`) of what and how many, from which warehouse if it may be, what it holds.

    `was_gone`: it had left the seller by what its row says. `asked` is None for a parcel of no order; `siblings` are
    the parcels that share an order with it.
    """

    status: str
    want: str
    was_gone: bool
    place_id: str | None
    held: list[Held] = field(default_factory=list)
    asked: dict[str, int] | None = None
    siblings: set[str] = field(default_factory=set)

    def in_state(self, state: str) -> list[Held]:
        """What it holds in this state."""
        return [it for it in self.held if it.state == state]

    @property
    def has_any(self) -> bool:
        """Whether it holds anything now, reserved or taken."""
        return bool(self.in_state(RESERVED) or self.in_state(TAKEN))

    def holds(self, asked: Collection[str], state: str) -> bool:
        """Whether it holds any of these SKUs in this state."""
        return any(it.state == state and it.sku in asked for it in self.held)

    def rank(self, asked: Collection[str], *, is_taken: bool) -> int:
        """Who answers for an order of these SKUs, the lowest first; `is_taken`: one of its parcels took its goods.

        The first that leaves takes them, whichever reserved them: no export tells which piece is in which. What is
        to hold nothing answers for nothing, whatever it holds still.
        """
        if self.want == NONE:
            return 5 if self.status == "cancelled" else 4
        if self.holds(asked, TAKEN) if is_taken else (self.want == TAKEN and not self.was_gone):
            return 0
        if self.holds(asked, RESERVED):
            return 1
        return 2 if self.holds(asked, TAKEN) else 3


Becomes = Mapping[str, tuple[str, bool]]


def needs(connection: Connection, org_id: str, codes: Collection[str], becomes: Becomes) -> dict[str, Need]:
    """By code, of these parcels and of those that share an order with one of them.

    `becomes` is what parcels are about to be, newer than their rows: (status, whether it has left the seller).
    An order is answered for by one parcel: by the first that leaves, else by the one that holds its goods, else by
    the first by code of those that are to hold any. What another held is looked for where that one had it.
    """
    family = _family(connection, org_id, codes)
    found, of_order = _parcels(connection, org_id, family, becomes)
    for code, held in held_by(connection, org_id, list(found)).items():
        found[code].held = held
    lines = lines_of(connection, org_id, list(of_order))
    for order_id, its in of_order.items():
        asked = lines.get(order_id, {})
        is_taken = any(found[code].want != NONE and found[code].holds(asked, TAKEN) for code in its)
        owner = min(its, key=lambda code: (found[code].rank(asked, is_taken=is_taken), code))
        if not found[owner].has_any and (other := _holder(found, its, asked)) is not None:
            found[owner].place_id = other.place_id
        for code in its:
            found[code].siblings.update(its)
            mine = found[code].asked = found[code].asked or {}
            for sku, quantity in asked.items() if code == owner else ():
                mine[sku] = mine.get(sku, 0) + quantity
    return {code: found[code] for code in sorted(family) if code in found}


def shorts(connection: Connection, org_id: str, found: Mapping[str, Need]) -> dict[str, dict[str, int]]:
    """How many of each SKU confirmed parcels lack, by code; what no warehouse keeps is lacked by nobody."""
    waiting = {code: need for code, need in found.items() if need.want == RESERVED and not need.was_gone}
    kept = _kept(connection, org_id, {sku for need in waiting.values() for sku in need.asked or {}})
    lacks = {}
    for code, need in waiting.items():
        asked = {sku: number for sku, number in (need.asked or {}).items() if sku in kept}
        has = [(it.sku, it.quantity) for it in need.held if it.state in {RESERVED, TAKEN}]
        if missing := rules.lacking(asked, has):
            lacks[code] = missing
    return lacks


@dataclass(frozen=True, slots=True)
class Goods:
    """What a parcel holds of the stock: from which warehouse, and whether it is `reserved` or `taken`."""

    sku: str
    quantity: int
    place: str
    state: str


def goods_of(connection: Connection, org_id: str, code: str) -> tuple[list[Goods], dict[str, int]]:
    """What one parcel holds, and how many of each SKU it lacks."""
    found = needs(connection, org_id, [code], {})
    mine = found[code].held if code in found else []
    query = select(Place.id, Place.name).where(
        Place.org_id == org_id, Place.id.in_([it.place_id for it in mine])
    )
    names = {row.id: row.name for row in connection.execute(query)}
    goods = [
        Goods(it.sku, it.quantity, names.get(it.place_id, it.place_id), it.state)
        for it in mine
        if it.state in {RESERVED, TAKEN}
    ]
    return goods, shorts(connection, org_id, found).get(code, {})


def _holder(found: Mapping[str, Need], its: Sequence[str], asked: Collection[str]) -> Held | None:
    """The most that one of these parcels has reserved of these SKUs from one place."""
    held = [it for code in its for it in found[code].in_state(RESERVED) if it.sku in asked]
    return max(held, key=lambda it: it.quantity, default=None)


def _family(connection: Connection, org_id: str, codes: Collection[str]) -> set[str]:
    """These parcels, and those that share an order with one of them."""
    found: set[str] = set()
    for part in parts(list(codes)):
        mine = select(ParcelOrder.order_id).where(ParcelOrder.org_id == org_id, ParcelOrder.code.in_(part))
        query = select(ParcelOrder.code).where(ParcelOrder.org_id == org_id, ParcelOrder.order_id.in_(mine))
        found.update(connection.execute(query).scalars(), part)
    return found


def _parcels(
    connection: Connection, org_id: str, family: Collection[str], becomes: Becomes
) -> tuple[dict[str, Need], dict[str, list[str]]]:
    """The family and all that shares an order with it, and which parcels each of the family's orders is in."""
    of_order: dict[str, list[str]] = {}
    for part in parts(sorted(family)):
        mine = select(ParcelOrder.order_id).where(ParcelOrder.org_id == org_id, ParcelOrder.code.in_(part))
        links = select(ParcelOrder.order_id, ParcelOrder.code).where(
            ParcelOrder.org_id == org_id, ParcelOrder.order_id.in_(mine)
        )
        for order_id, code in connection.execute(links):
            its = of_order.setdefault(order_id, [])
            if code not in its:
                its.append(code)
    found: dict[str, Need] = {}
    for part in parts(sorted({*family, *(code for its in of_order.values() for code in its)})):
        rows = connection.execute(
            select(Parcel.code, Parcel.status, Parcel.milestones, Parcel.place_id).where(
                Parcel.org_id == org_id, Parcel.code.in_(part)
            )
        )
        for code, status, milestones, place_id in rows:
            was_gone = not rules.LEFT.isdisjoint(milestones or {})
            will_be, is_gone = becomes.get(code, (status, was_gone))
            found[code] = Need(will_be, rules.wanted(will_be, is_gone=is_gone), was_gone, place_id)
    return found, of_order


def held_by(connection: Connection, org_id: str, codes: Sequence[str]) -> dict[str, list[Held]]:
    """What each of these parcels holds, or held and released, by SKU and place."""
    found: dict[str, list[Held]] = {}
    for part in parts(codes):
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
            found.setdefault(row[0], []).append(Held(row[1], row[2], row[3], row[4]))
    return found


def lines_of(connection: Connection, org_id: str, order_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many of each SKU, as the stock calls it, by order."""
    rows: list[tuple[str, str | None, str, int]] = []
    for part in parts(order_ids):
        query = select(OrderLine.order_id, OrderLine.seller_sku, OrderLine.sku_id, OrderLine.quantity)
        named = query.where(OrderLine.org_id == org_id, OrderLine.order_id.in_(part))
        rows += [(row[0], row[1], row[2], row[3]) for row in connection.execute(named)]
    kept = _kept(connection, org_id, {name for row in rows for name in row[1:3] if name})
    found: dict[str, dict[str, int]] = {}
    for order_id, seller_sku, sku_id, quantity in rows:
        sku = sku_id if sku_id in kept and seller_sku not in kept else (seller_sku or sku_id)
        asked = found.setdefault(order_id, {})
        asked[sku] = asked.get(sku, 0) + quantity
    return found


def _kept(connection: Connection, org_id: str, names: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in parts(list(names)):
        query = select(Stock.sku).where(Stock.org_id == org_id, Stock.sku.in_(part)).distinct()
        found.update(connection.execute(query).scalars())
    return found
