"""Which warehouse and which carrier to send an order by, and why (`R33`)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync.rules.proposal import Destination, House, carriers, distance_km, locate, warehouses
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
