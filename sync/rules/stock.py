"""What a parcel holds of the stock, by its status alone, and from which warehouse it can be had (`R1`, `R33`). Pure.

A parcel wants nothing before it is confirmed and when it is called off before it left; from the confirm on its goods
are `reserved`; once it left our hands they are `taken`, whatever becomes of it then. What comes back is counted in by a
person: nobody here can know whether it can be sold again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RESERVED, TAKEN, RELEASED, NONE = "reserved", "taken", "released", "none"
_HELD = frozenset({"confirmed", "packed", "ready"})
_NOTHING = frozenset({"expected", "cancelled"})
# Reached once, these say that the goods have left the shelf, whatever the parcel is called later.
LEFT = frozenset({"handed_over", "in_transit", "out_for_delivery", "delivered", "returning", "returned"})


@dataclass(slots=True)
class Shelf:
    """One SKU in one warehouse: how many there are, and how many of them are spoken for."""

    on_hand: int
    reserved: int

    @property
    def free(self) -> int:
        """How many can still be promised."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Short:
    """What is missing of one SKU: `wanted` of it, `there` in the warehouse that has most, None where none is kept."""

    sku: str
    wanted: int
    there: int | None


@dataclass(frozen=True, slots=True)
class Portion:
    """So many of a SKU from one warehouse."""

    sku: str
    place_id: str
    quantity: int


Shelves = Mapping[tuple[str, str], Shelf]


def wanted(status: str, *, is_gone: bool) -> str:
    """What a parcel holds: `none`, `reserved` or `taken`; `is_gone` says that it once left our hands."""
    if status in _HELD:
        return RESERVED
    return NONE if status in _NOTHING and not is_gone else TAKEN


def change(state: str, to: str, quantity: int) -> tuple[int, int]:
    """By how much (on hand, reserved) change when a portion goes from one state to another."""
    on_hand = {RESERVED: 0, TAKEN: -quantity, RELEASED: 0, NONE: 0}
    reserved = {RESERVED: quantity, TAKEN: 0, RELEASED: 0, NONE: 0}
    return on_hand[to] - on_hand[state], reserved[to] - reserved[state]


def kind_of(state: str, to: str) -> str:
    """What such a change is called in the book of movements."""
    if to == RESERVED:
        return "give_back" if state == TAKEN else "reserve"
    if to == TAKEN:
        return "take"
    return "give_back" if state == TAKEN else "release"


def lacking(asked: Mapping[str, int], held: Sequence[tuple[str, int]]) -> dict[str, int]:
    """How many of each SKU are asked for beyond what is held; what is held of nothing asked counts for nothing."""
    there: dict[str, int] = {}
    for sku, quantity in held:
        there[sku] = there.get(sku, 0) + quantity
    return {sku: more for sku, quantity in asked.items() if (more := quantity - there.get(sku, 0)) > 0}


def places_for(sku: str, shelves: Shelves, first: str | None) -> list[tuple[str, int]]:
    """The warehouses that keep a SKU with how many are free there: `first`, then where most are."""
    free = [(place, shelf.free) for (held, place), shelf in shelves.items() if held == sku]
    return sorted(free, key=lambda it: (it[0] != first, -it[1], it[0]))


def allocate(
    lines: Mapping[str, int], shelves: Shelves, place_id: str | None, *, is_strict: bool
) -> list[Portion] | list[Short]:
    """Where to take these from: all from `place_id` if it has them, else from the one warehouse that has all and most,
    else each SKU from the warehouse that has most of it; or what is short.

    A SKU that no warehouse keeps is let through, unless `is_strict`.
    """
    kept = {sku for sku, _ in shelves}
    asked = {sku: quantity for sku, quantity in lines.items() if quantity > 0}
    strangers = [Short(sku, number, None) for sku, number in asked.items() if is_strict and sku not in kept]
    asked = {sku: quantity for sku, quantity in asked.items() if sku in kept}
    short = [
        Short(sku, number, most)
        for sku, number in asked.items()
        if (most := max(shelf.free for (held, _), shelf in shelves.items() if held == sku)) < number
    ]
    if strangers or short:
        return [*strangers, *short]
    whole = _one_place(asked, shelves, place_id)
    return [Portion(sku, whole or _most(sku, shelves), quantity) for sku, quantity in asked.items()]


def _one_place(asked: Mapping[str, int], shelves: Shelves, first: str | None) -> str | None:
    places = sorted({place for _, place in shelves})
    able = [place for place in places if all(_free(sku, place, shelves) >= n for sku, n in asked.items())]
    if first in able:
        return first
    return max(able, key=lambda place: sum(_free(sku, place, shelves) for sku in asked), default=None)


def _most(sku: str, shelves: Shelves) -> str:
    return max(
        sorted(place for held, place in shelves if held == sku), key=lambda place: _free(sku, place, shelves)
    )


def _free(sku: str, place: str, shelves: Shelves) -> int:
    shelf = shelves.get((sku, place))
    return shelf.free if shelf else 0


def words(short: Sequence[Short]) -> str:
    """What is short, in a sentence for the office."""
    told = [
        f"{each.wanted} × {each.sku} ("
        + ("none kept" if each.there is None else f"{max(each.there, 0)} there")
        + ")"
        for each in short[:5]
    ]
    more = f" and {len(short) - 5} more" if len(short) > 5 else ""
    return f"Short of {', '.join(told)}{more}"
