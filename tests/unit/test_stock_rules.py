"""What a parcel holds of the stock by its status, and where it can be had (`R1`, `R33`)."""

from __future__ import annotations

import pytest

from sync.rules.lifecycle import STATUSES
from sync.rules.stock import (
    NONE,
    RELEASED,
    RESERVED,
    TAKEN,
    Portion,
    Shelf,
    Short,
    allocate,
    change,
    wanted,
    words,
)

SHELVES = {
    ("A", "north"): Shelf(5, 2),
    ("A", "south"): Shelf(9, 0),
    ("B", "north"): Shelf(2, 0),
    ("C", "south"): Shelf(1, 1),
}


def test_every_status_says_what_is_held() -> None:
    told = {status: wanted(status, is_gone=False) for status in STATUSES}
    assert {status for status, want in told.items() if want == RESERVED} == {"confirmed", "packed", "ready"}
    assert {status for status, want in told.items() if want == NONE} == {"expected", "cancelled"}
    assert wanted("cancelled", is_gone=True) == TAKEN, "called off on its way: the goods are not on the shelf"


@pytest.mark.parametrize("state", [NONE, RESERVED, TAKEN, RELEASED])
@pytest.mark.parametrize("to", [RESERVED, TAKEN, RELEASED])
def test_there_and_back_leaves_nothing_behind(state: str, to: str) -> None:
    there, back = change(state, to, 3), change(to, state, 3)
    assert (there[0] + back[0], there[1] + back[1]) == (0, 0)


@pytest.mark.parametrize(
    ("lines", "place", "found"),
    [
        ({"A": 2}, "north", [Portion("A", "north", 2)]),
        ({"A": 4}, "north", [Portion("A", "south", 4)]),
        ({"A": 2}, None, [Portion("A", "south", 2)]),
        ({"A": 3, "B": 2}, "south", [Portion("A", "north", 3), Portion("B", "north", 2)]),
        ({"A": 4, "B": 1}, None, [Portion("A", "south", 4), Portion("B", "north", 1)]),
        ({"A": 10}, None, [Short("A", 10, 9)]),
        ({"A": 1, "C": 1}, None, [Short("C", 1, 0)]),
        ({"Z": 4, "A": 0}, None, []),
    ],
)
def test_from_the_planned_place_else_from_one_else_from_where_most_is(
    lines: dict[str, int], place: str | None, found: list[object]
) -> None:
    assert allocate(lines, SHELVES, place, is_strict=False) == found


def test_what_is_not_kept_is_short_only_where_the_shop_wants_it_so() -> None:
    short = allocate({"Z": 4, "A": 1}, SHELVES, None, is_strict=True)
    assert short == [Short("Z", 4, None)]
    told = words([Short("Z", 4, None), Short("A", 10, 9)])
    assert told == "Short of 4 × Z (none kept), 10 × A (9 there)"
