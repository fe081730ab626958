"""Which warehouse and which carrier to send an order by, with the reasons (`R33`). A proposal: a person decides. Pure.

Warehouses that have all of it come first, the nearest of them; one whose distance is not known comes after those, and
says so. Carriers that deliver there come first, the cheapest, then the quickest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from sync.rules.stock import Shelves

_EARTH_KM = 6371.0
Point = tuple[float, float]


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


def distance_km(one: Point, other: Point) -> float:
    """Great-circle distance."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, half)))
