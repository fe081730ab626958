"""Orders in several packages, and packages of several orders: goods are held once and leave once, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.shelves import held, is_sound, shelves
from tests.support.stock_life import Store, lines
from webapp.services.propose_many import propose_many
from webapp.store.models import Reservation
from webapp.store.queries.picking import Choice
from webapp.store.unit import reading

READY = {"rts_at": "20/11/2026 11:00:00", "substatus": "Awaiting collection"}


@pytest.fixture
def store(app_on_both: Flask, tmp_path: Path) -> Store:
    return Store(tmp_path, A=10, B=4)


def packed(package: int, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """These lines of an export, ready in this package."""
    return [{**row, **READY, "package_id": str(1_150_000_000_000_000_000 + package)} for row in rows]


def split(store: Store, **how: int) -> tuple[str, str]:
    """An order in two packages, the second of which came with a later export; neither is confirmed."""
    store.put(*packed(1, *lines(1, how)))
    first = store.parcel().code
    store.put(*packed(2, *lines(1, how)))
    second = next(parcel.code for parcel in store.parcels() if parcel.code != first)
    store.become("expected", first, second)
    return first, second


def test_what_left_in_another_package_is_gone_also_when_one_of_its_goods_was_short(store: Store) -> None:
    first, second = split(store, A=3, B=4)
    assert store.confirm(first) == {}
    store.put(*packed(2, *lines(1, {"A": 3, "B": 6})))
    store.become("handed_over", second)
    assert shelves(store.org) == {"A": (7, 0), "B": (0, 0)}
    assert held(store.org, "taken") == {second: {"A": 3, "B": 4}}
    assert is_sound(store.org)


def test_of_an_order_that_is_short_none_of_its_packages_is_confirmed(store: Store) -> None:
    codes = split(store, A=11)
    assert [row.is_able for row in propose_many(store.org, Choice()).rows] == [False, False]
    assert store.confirm(*codes) == dict.fromkeys(codes, "Short of 11 × A (10 there)")
    assert {parcel.status for parcel in store.parcels()} == {"expected"}
    store.count(store.place, A=11)
    assert [row.is_able for row in propose_many(store.org, Choice()).rows] == [True, True]
    assert store.confirm(*codes) == {}
    assert shelves(store.org)["A"] == (11, 11)


def test_a_package_set_back_hands_its_goods_to_the_other_that_is_still_confirmed(store: Store) -> None:
    first, second = split(store, A=3)
    store.confirm(first, second)
    (holder,) = held(store.org)
    other = second if holder == first else first
    store.become("expected", holder)
    assert (shelves(store.org)["A"], held(store.org)) == ((10, 3), {other: {"A": 3}})
    assert is_sound(store.org)


def test_the_package_that_leaves_takes_what_the_other_had_reserved(store: Store) -> None:
    first, second = split(store, A=3)
    store.confirm(first)
    store.become("handed_over", second)
    assert (shelves(store.org)["A"], held(store.org)) == ((7, 0), {})
    with reading() as session:
        query = select(Reservation.parcel, Reservation.state).where(Reservation.org_id == store.org)
        assert dict(map(tuple, session.execute(query))) == {first: "released", second: "taken"}
    assert is_sound(store.org)


def test_an_order_that_left_alone_is_not_taken_again_with_the_package_it_was_merged_into(
    store: Store,
) -> None:
    store.put(*packed(2, *lines(2, {"A": 3})))
    alone = store.parcel().code
    store.become("handed_over", alone)
    store.put(*packed(3, *lines(1, {"A": 3}), *lines(2, {"A": 3})))
    merged = next(parcel.code for parcel in store.parcels() if parcel.code != alone)
    store.become("handed_over", merged)
    assert shelves(store.org)["A"] == (4, 0)
    assert held(store.org, "taken") == {alone: {"A": 3}, merged: {"A": 3}}
    assert is_sound(store.org)


def test_what_another_package_reserved_is_taken_from_where_it_had_it(
    app_on_both: Flask, tmp_path: Path
) -> None:
    store = Store(tmp_path, "North", "South", A=9)
    store.count(store.places["South"], A=3)
    first, second = split(store, A=3)
    store.confirm(second)  # from North, where most is
    store.become("expected", second)
    store.count(store.place, A=0)
    store.confirm(first)
    store.count(store.place, A=9)
    store.become("handed_over", second)
    with reading() as session:
        query = select(Reservation.place_id).where(
            Reservation.org_id == store.org, Reservation.parcel == second, Reservation.state == "taken"
        )
        assert session.execute(query).scalar_one() == store.places["South"]
    assert is_sound(store.org)


def test_an_order_split_into_packages_is_held_once_and_by_the_rest_when_one_is_called_off(
    store: Store,
) -> None:
    store.put(*lines(1, {"A": 4, "B": 2}))
    store.confirm(store.parcel().code)
    a, b = lines(1, {"A": 4, "B": 2}, rts_at="20/11/2026 11:00:00", substatus="Awaiting collection")
    store.put({**a, "package_id": "1150000000000000001"}, {**b, "package_id": "1150000000000000002"})
    assert len(store.parcels()) == 2
    assert shelves(store.org) == {"A": (10, 4), "B": (4, 2)}
    (holder,) = held(store.org)
    store.record("cancel", holder, reason="other")
    (rest,) = (p.code for p in store.parcels() if p.code != holder)
    assert held(store.org) == {rest: {"A": 4, "B": 2}}, "the order goes on in the other package"
    store.record("cancel", rest, reason="other")
    assert shelves(store.org) == {"A": (10, 0), "B": (4, 0)}
    assert is_sound(store.org)


def test_goods_that_leave_in_another_package_than_the_one_that_reserved_them_are_taken_once(
    store: Store,
) -> None:
    ready = {"rts_at": "20/11/2026 11:00:00", "substatus": "Awaiting collection"}
    (line,) = lines(1, {"A": 4}, **ready)
    store.put({**line, "package_id": "1150000000000000001"})
    first = store.parcel().code
    store.confirm(first)
    store.put({**line, "package_id": "1150000000000000002"})
    second = next(parcel.code for parcel in store.parcels() if parcel.code != first)
    store.become("handed_over", second)
    assert (shelves(store.org)["A"], held(store.org)) == ((6, 0), {})
    store.become("handed_over", first)
    assert shelves(store.org)["A"] == (6, 0), "one order's goods leave once"
    assert is_sound(store.org)


def test_of_a_split_order_either_package_may_be_confirmed_alone(store: Store) -> None:
    a, b = lines(1, {"A": 4, "B": 2}, rts_at="20/11/2026 11:00:00")
    store.put({**a, "package_id": "1150000000000000001"}, {**b, "package_id": "1150000000000000002"})
    codes = [parcel.code for parcel in store.parcels()]
    store.become("expected", *codes)
    for code in codes:
        assert store.confirm(code) == {}
        assert shelves(store.org) == {"A": (10, 4), "B": (4, 2)}, "whichever it is"
        store.become("expected", code)
        assert shelves(store.org) == {"A": (10, 0), "B": (4, 0)}
    assert is_sound(store.org)


def test_orders_merged_into_one_package_hand_their_goods_over_to_it(store: Store) -> None:
    store.put(*lines(1, {"A": 4}), *lines(2, {"B": 2}))
    store.confirm(*(p.code for p in store.parcels()))
    made = {
        "rts_at": "20/11/2026 11:00:00",
        "substatus": "Awaiting collection",
        "package_id": "1150000000000000001",
    }
    store.put(*lines(1, {"A": 4}, **made), *lines(2, {"B": 2}, **made))
    assert sorted(p.status for p in store.parcels()) == ["cancelled", "ready"]
    (one,) = (p.code for p in store.parcels() if p.status == "ready")
    assert held(store.org) == {one: {"A": 4, "B": 2}}
    assert shelves(store.org) == {"A": (10, 4), "B": (4, 2)}
    store.become("handed_over", one)
    assert shelves(store.org) == {"A": (6, 0), "B": (2, 0)}
    assert is_sound(store.org)
