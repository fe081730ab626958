"""Which warehouse and which carrier to send an order by, and why (`R33`)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync.rules.geography import distance_km
from sync.rules.proposal import (
    Destination,
    House,
    Planner,
    Wish,
    carriers,
    locate,
    warehouses,
)
from sync.rules.stock import Shelf

KL, PENANG, JB = (3.139, 101.687), (5.414, 100.329), (1.492, 103.741)
HOUSES = [House("kl", "KL", KL), House("jb", "Johor", JB), House("x", "Somewhere", None)]
SHELVES = {
    ("A", "kl"): Shelf(5, 4),
    ("A", "jb"): Shelf(9, 0),
    ("A", "x"): Shelf(9, 0),
    ("B", "jb"): Shelf(1, 0),
}
GEORGE_TOWN = Destination("10200", "George Town", "Penang")


def test_the_distance_is_that_of_the_globe() -> None:
    assert distance_km(KL, PENANG) == pytest.approx(294, abs=3)
    assert distance_km(KL, KL) == 0
    assert distance_km((0, 0), (0, 180)) == pytest.approx(20015, abs=1)


def test_the_nearest_that_has_all_of_it_comes_first() -> None:
    told = warehouses({"A": 1}, SHELVES, HOUSES, PENANG)
    assert [house.id for house in told] == ["kl", "jb", "x"]
    assert told[0].reasons == ("has all of it", "294 km away")
    assert told[2].reasons == ("has all of it", "distance not known")


def test_one_that_lacks_a_part_comes_after_one_that_is_far() -> None:
    told = warehouses({"A": 2, "B": 1, "Z": 9}, SHELVES, HOUSES, PENANG)
    assert [(house.id, house.is_able) for house in told] == [("jb", True), ("kl", False), ("x", False)]
    assert told[1].reasons[0] == "lacks A (1 of 2), B (0 of 1)"
    assert warehouses({"Z": 9}, SHELVES, HOUSES, None)[0].reasons == (
        "no stock is kept of it",
        "distance not known",
    )


def test_the_cheapest_carrier_that_delivers_there_comes_first() -> None:
    known = [
        {"code": "all", "name": "All", "areas": [{"area": "", "price": "60", "days": 4}]},
        {"code": "north", "name": "North", "areas": [{"area": "102", "price": "45.50", "days": 2}]},
        {"code": "south", "name": "South", "areas": [{"area": "80", "price": "5", "days": 1}]},
        {"code": "new", "name": "New", "areas": None},
        {"code": "town", "name": "Town", "areas": [{"area": "george town", "price": None, "days": None}]},
    ]
    told = carriers(known, GEORGE_TOWN)
    assert [carrier.id for carrier in told] == ["north", "all", "town", "new", "south"]
    assert (told[0].price, told[0].reasons) == (
        Decimal("45.50"),
        ("delivers to 102", "for 45.50", "in 2 days"),
    )
    assert told[-1].reasons == ("does not deliver there",)
    assert not told[-1].is_able


def test_the_closest_area_counts_not_the_first() -> None:
    areas = [{"area": "", "price": "9"}, {"area": "10", "price": "8"}, {"area": "1020", "price": "7"}]
    assert carriers([{"code": "c", "name": "C", "areas": areas}], GEORGE_TOWN)[0].price == Decimal(7)


def test_a_place_is_found_by_its_postcode_else_by_its_town() -> None:
    areas = {"10": PENANG, "penang": (1, 1), "102": KL, "": JB}
    assert locate(areas, GEORGE_TOWN) == KL
    assert locate(areas, Destination(city="Ipoh", state="Penang")) == (1.0, 1.0)
    assert locate(areas, Destination("99999", "Ipoh", "Perak")) is None


def planner(**shelves: dict[str, int]) -> Planner:
    held = {(sku, place): Shelf(n, 0) for place, its in shelves.items() for sku, n in its.items()}
    known = [
        {"code": "far", "name": "Far", "areas": [{"area": "", "price": "9"}]},
        {"code": "near", "name": "Near", "areas": [{"area": "102", "price": "5"}]},
    ]
    return Planner(held, HOUSES, known, {"102": list(PENANG)})


def test_of_many_each_takes_what_it_would_take_so_that_nothing_is_proposed_twice() -> None:
    plans = planner(kl={"A": 3}, jb={"A": 2})
    told = [plans.plan(Wish(str(n), {"A": 2}, GEORGE_TOWN)) for n in range(3)]
    assert [plan.warehouse and plan.warehouse.id for plan in told] == ["kl", "jb", None]
    assert [plan.is_able for plan in told] == [True, True, False]
    assert [(it.sku, it.wanted, it.there) for it in told[2].short] == [("A", 2, 1)]
    assert plans.plan(Wish("3", {"A": 1}, GEORGE_TOWN)).is_able, "what is short holds nothing back"


def test_what_no_single_warehouse_has_comes_from_several_and_says_from_which() -> None:
    plan = planner(kl={"A": 1}, jb={"B": 1}).plan(Wish("1", {"A": 1, "B": 1}, GEORGE_TOWN))
    assert (plan.warehouse, plan.is_able) == (None, True)
    assert plan.sources == ("A from KL", "B from Johor")


def test_what_a_person_planned_and_whom_the_order_names_comes_first() -> None:
    plans = planner(kl={"A": 3}, jb={"A": 2})
    assert plans.plan(Wish("1", {"A": 1}, GEORGE_TOWN)).carrier.name == "Near"  # type: ignore[union-attr]
    settled = plans.plan(Wish("2", {"A": 1}, GEORGE_TOWN, "jb", "far"))
    assert settled.warehouse
    assert (settled.warehouse.id, settled.warehouse.reasons[-1]) == ("jb", "planned before")
    assert settled.carrier
    assert (settled.carrier.name, settled.carrier.reasons) == ("Far", ("named by the order",))
    overrun = plans.plan(Wish("3", {"A": 2}, GEORGE_TOWN, "jb"))
    assert overrun.warehouse
    assert overrun.warehouse.id == "kl", "the one planned has no more"
