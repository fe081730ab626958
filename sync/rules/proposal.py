"""Which warehouse and which carrier to send an order by, with the reasons (`R33`). A proposal: a person decides. Pure.

Warehouses that have all of it come first, the nearest of them; one whose distance is not known comes after those, and
says so. Carriers that deliver there come first, the cheapest, then the quickest. Of many orders at once each takes from
the shelves what it would take, so that nothing is proposed twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sync.rules.geography import Point, distance_km
from sync.rules.stock import Portion, Shelf, Shelves, Short, allocate


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order goes, as far as it is known."""

    postcode: str = ""
    city: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """A warehouse, and where it lies."""

    id: str
    name: str
    at: Point | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """One choice: better ones have a smaller `rank`; `reasons` are sentences for a person."""

    id: str
    name: str
    is_able: bool
    reasons: tuple[str, ...] = ()
    km: float | None = None
    price: Decimal | None = None
    rank: tuple[Any, ...] = field(default=(), compare=False)


def warehouses(
    lines: Mapping[str, int], shelves: Shelves, houses: Iterable[House], to: Point | None
) -> list[Ranked]:
    """Every warehouse, the best first: what it has of the order, and how far it is from where that goes."""
    kept = {sku for sku, _ in shelves}
    asked = {sku: number for sku, number in lines.items() if sku in kept}
    return sorted((_house(house, asked, shelves, to) for house in houses), key=lambda ranked: ranked.rank)


def _house(house: House, asked: Mapping[str, int], shelves: Shelves, to: Point | None) -> Ranked:
    free = {sku: shelves[sku, house.id].free if (sku, house.id) in shelves else 0 for sku in asked}
    lacks = [
        f"{sku} ({max(free[sku], 0)} of {number})" for sku, number in asked.items() if free[sku] < number
    ]
    km = distance_km(house.at, to) if house.at and to else None
    stock = (
        f"lacks {', '.join(lacks[:3])}" if lacks else "has all of it" if asked else "no stock is kept of it"
    )
    way = f"{km:.0f} km away" if km is not None else "distance not known"
    rank = (bool(lacks), math.inf if km is None else km, house.name, house.id)
    return Ranked(house.id, house.name, not lacks, (stock, way), km, None, rank)


def carriers(known: Iterable[Mapping[str, Any]], to: Destination) -> list[Ranked]:
    """Every carrier (`{code, name, areas}`), the best first: whether it delivers there, for how much, how quickly."""
    return sorted((_carrier(carrier, to) for carrier in known), key=lambda ranked: ranked.rank)


def _carrier(carrier: Mapping[str, Any], to: Destination) -> Ranked:
    code, name = str(carrier["code"]), str(carrier["name"])
    areas = carrier.get("areas") or []
    if not areas:
        unknown = (1, math.inf, math.inf, name, code)
        return Ranked(code, name, True, ("nobody has written down where it delivers",), None, None, unknown)
    fits = [(closeness, area) for area in areas if (closeness := _closeness(str(area["area"]), to))]
    if not fits:
        return Ranked(
            code, name, False, ("does not deliver there",), None, None, (2, math.inf, math.inf, name, code)
        )
    area = max(fits, key=lambda pair: pair[0])[1]
    price, days = _price(area.get("price")), area.get("days")
    reasons = ["delivers everywhere" if not area["area"] else f"delivers to {area['area']}"]
    reasons.append("price not known" if price is None else f"for {price}")
    reasons += [f"in {days} days"] if days is not None else []
    rank = (0, math.inf if price is None else price, math.inf if days is None else days, name, code)
    return Ranked(code, name, True, tuple(reasons), None, price, rank)


def _closeness(area: str, to: Destination) -> int:
    """How exactly an area names the destination: 0 is not at all, 1 everywhere, more the longer it fits."""
    words = area.strip().casefold()
    if not words:
        return 1
    if to.postcode.strip().casefold().startswith(words):
        return 10 + len(words)
    return 5 if words in {to.city.strip().casefold(), to.state.strip().casefold()} else 0


def _price(text: object) -> Decimal | None:
    try:
        return Decimal(str(text)) if text else None
    except InvalidOperation:
        return None


def locate(areas: Mapping[str, Sequence[float]], to: Destination) -> Point | None:
    """Where an order goes on the map, by the shop's own list of areas; the closest that names it."""
    fits = [(closeness, name) for name in areas if (closeness := _closeness(name, to)) > 1]
    if not fits:
        return None
    lat, lon = areas[max(fits)[1]]
    return float(lat), float(lon)


@dataclass(frozen=True, slots=True)
class Wish:
    """One parcel to be sent: its pieces by SKU, where it goes, and what is settled of it already.

    `place_id` is the warehouse it is planned for, `carrier` the one that its order names.
    """

    code: str
    lines: Mapping[str, int]
    to: Destination
    place_id: str | None = None
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is proposed for one parcel. `short` is what is missing of it everywhere; then it is not to be confirmed.

    `warehouse` is None when no single one has all of it (`sources` says which give what) and when none is known;
    `carrier` is None when none delivers there.
    """

    code: str
    warehouse: Ranked | None
    carrier: Ranked | None
    sources: tuple[str, ...] = ()
    short: tuple[Short, ...] = ()

    @property
    def is_able(self) -> bool:
        """Whether all of it is there."""
        return not self.short


@dataclass(slots=True)
class Planner:
    """Proposes for one parcel after the other, each from what those before it left."""

    shelves: dict[tuple[str, str], Shelf]
    houses: Sequence[House]
    known: Sequence[Mapping[str, Any]]
    areas: Mapping[str, Sequence[float]]
    is_strict: bool = False
    _points: dict[Destination, Point | None] = field(default_factory=dict)
    _carriers: dict[Destination, list[Ranked]] = field(default_factory=dict)
    _of_sku: dict[str, dict[tuple[str, str], Shelf]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, shelf in self.shelves.items():
            self._of_sku.setdefault(key[0], {})[key] = shelf

    def plan(self, wish: Wish) -> Plan:
        """The proposal for the next parcel; what it would take is spoken for afterwards."""
        mine = {key: shelf for sku in wish.lines for key, shelf in self._of_sku.get(sku, {}).items()}
        ranked = warehouses(wish.lines, mine, self.houses, self._point(wish.to))
        best = _settled(ranked, wish.place_id) or next((house for house in ranked if house.is_able), None)
        found = allocate(wish.lines, mine, best.id if best else None, is_strict=self.is_strict)
        carrier = self._carrier(wish)
        if short := tuple(each for each in found if isinstance(each, Short)):
            return Plan(wish.code, None, carrier, short=short)
        portions = [each for each in found if isinstance(each, Portion)]
        for each in portions:
            self.shelves[each.sku, each.place_id].reserved += each.quantity
        names = {house.id: house.name for house in self.houses}
        sources = tuple(f"{each.sku} from {names.get(each.place_id, each.place_id)}" for each in portions)
        return Plan(wish.code, best, carrier, () if best else sources)

    def _point(self, to: Destination) -> Point | None:
        if to not in self._points:
            self._points[to] = locate(self.areas, to)
        return self._points[to]

    def _carrier(self, wish: Wish) -> Ranked | None:
        if wish.carrier:
            name = next((str(it["name"]) for it in self.known if it["code"] == wish.carrier), wish.carrier)
            return Ranked(wish.carrier, name, True, ("named by the order",))
        if wish.to not in self._carriers:
            self._carriers[wish.to] = carriers(self.known, wish.to)
        return next((each for each in self._carriers[wish.to] if each.is_able), None)


def _settled(ranked: Iterable[Ranked], place_id: str | None) -> Ranked | None:
    """The warehouse that a person planned before, if it has all of it."""
    for house in ranked:
        if house.id == place_id and house.is_able:
            return replace(house, reasons=(*house.reasons, "planned before"))
    return None
