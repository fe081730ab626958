"""Stock follows an order that a newer import changes, splits, merges or calls off, on both databases."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.exports import order_id, row, sku_id
from tests.support.shelves import held, is_sound, shelves
from webapp.services import rebuild
from webapp.services.confirm_parcels import confirm_parcels
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.keep_stock import Count, adjust, count_in
from webapp.services.sweep import sweep
from webapp.store.models import Event, OrderLine, Parcel, ParcelOrder, Place
from webapp.store.queries.picking import Choice
from webapp.store.unit import lock_org, reading, transaction

SKUS = ("A", "B")


class Store(Books):
    """A shop with warehouses, whose orders come in by exports."""

    def __init__(self, folder: Path, *warehouses: str, **stock: int) -> None:
        super().__init__(folder)
        for name in warehouses or ("North",):
            save_place(self.org, None, PlaceFacts(name, "warehouse", "", None))
        with reading() as session:
            query = select(Place.name, Place.id).where(Place.org_id == self.org, Place.kind == "warehouse")
            self.places = dict(map(tuple, session.execute(query)))
        self.place = self.places[next(iter(warehouses), "North")]
        self.count(self.place, **stock)

    def count(self, place: str, **stock: int) -> None:
        with transaction() as session:
            lock_org(session, self.org)
            count_in(session, self.org, self.user, [Count(sku, place, n) for sku, n in stock.items()], NOW)

    def confirm(self, *codes: str) -> dict[str, str]:
        """What stayed, and why."""
        done = confirm_parcels(self.org, self.user, None, Choice().only(codes), NOW)
        return {left.code: left.why for left in done.left}

    def become(self, status: str, *codes: str) -> None:
        self.record("resolve", *codes, data={"status": status})


def lines(number: int, how: dict[str, int], **fields: Any) -> list[dict[str, Any]]:
    """An order of these SKUs, a row each."""
    return [
        row(number, sku_id=sku_id(SKUS.index(sku)), seller_sku=sku, quantity=str(n), **fields)
        for sku, n in how.items()
        if n
    ]


@pytest.fixture
def store(app_on_both: Flask, tmp_path: Path) -> Store:
    return Store(tmp_path, A=10, B=4)


def test_more_and_fewer_of_a_confirmed_order_are_reserved_and_released_by_difference(store: Store) -> None:
    store.put(*lines(1, {"A": 3, "B": 2}))
    code = store.parcel().code
    assert store.confirm(code) == {}
    for how, meant in (
        (
            {"A": 2, "B": 3},
            {"A": (10, 2), "B": (4, 3)},
        ),  # as many pieces as before: the parcel looks the same
        ({"A": 5, "B": 1}, {"A": (10, 5), "B": (4, 1)}),
        ({"A": 1, "B": 4}, {"A": (10, 1), "B": (4, 4)}),
        ({"A": 1}, {"A": (10, 1), "B": (4, 0)}),
        ({"B": 2}, {"A": (10, 0), "B": (4, 2)}),
    ):
        store.put(*lines(1, how))
        assert shelves(store.org) == meant, how
        assert is_sound(store.org)
    store.become("handed_over", code)
    assert shelves(store.org) == {"A": (10, 0), "B": (2, 0)}
    store.put(*lines(1, {"A": 9, "B": 1}))
    assert shelves(store.org) == {"A": (10, 0), "B": (2, 0)}, "what has left is not touched any more"
    assert is_sound(store.org)


def test_a_line_that_the_newest_export_no_longer_names_is_gone_from_the_order(store: Store) -> None:
    store.put(*lines(1, {"A": 3, "B": 2}), *lines(2, {"B": 1}))
    store.put(*lines(1, {"B": 2}))
    with reading() as session:
        query = select(OrderLine.order_id, OrderLine.seller_sku, OrderLine.quantity)
        kept = session.execute(query.where(OrderLine.org_id == store.org).order_by(OrderLine.order_id)).all()
    assert [tuple(line) for line in kept] == [(order_id(1), "B", 2), (order_id(2), "B", 1)]


def test_an_order_that_grows_beyond_the_shelf_holds_what_there_is_and_gets_the_rest_when_it_comes(
    store: Store,
) -> None:
    store.put(*lines(1, {"B": 2}), *lines(2, {"B": 1}))
    first, second = (next(p.code for p in store.parcels() if p.items == n) for n in (2, 1))
    store.confirm(first, second)
    store.put(*lines(1, {"B": 7}))
    assert shelves(store.org)["B"] == (4, 4)
    assert held(store.org) == {first: {"B": 3}, second: {"B": 1}}
    store.count(store.place, B=20)
    store.record("label", first)
    assert held(store.org)[first] == {"B": 7}
    assert is_sound(store.org)


def test_more_comes_from_another_warehouse_when_its_own_has_no_more(
    app_on_both: Flask, tmp_path: Path
) -> None:
    store = Store(tmp_path, "North", "South", A=3)
    store.count(store.places["South"], A=5)
    store.put(*lines(1, {"A": 5}))
    code = store.parcel().code
    store.confirm(code)
    store.put(*lines(1, {"A": 7}))
    assert (shelves(store.org)["A"], held(store.org)) == ((8, 7), {code: {"A": 7}})
    store.put(*lines(1, {"A": 4}))
    assert (shelves(store.org)["A"], held(store.org)) == ((8, 4), {code: {"A": 4}})
    assert is_sound(store.org)


def test_what_changed_while_it_was_called_off_is_confirmed_again_by_what_it_is_now(store: Store) -> None:
    store.put(*lines(1, {"A": 3}))
    code = store.parcel().code
    store.confirm(code)
    store.become("expected", code)
    store.put(*lines(1, {"A": 9, "B": 1}))
    assert shelves(store.org) == {"A": (10, 0), "B": (4, 0)}
    assert store.confirm(code) == {}
    assert shelves(store.org) == {"A": (10, 9), "B": (4, 1)}
    store.become("expected", code)
    store.put(*lines(1, {"A": 11}))
    assert store.confirm(code) == {code: "Short of 11 × A (10 there)"}


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


def test_an_order_that_a_newer_export_calls_off_lets_go_all_of_it(store: Store) -> None:
    store.put(*lines(1, {"A": 4, "B": 2}))
    store.confirm(store.parcel().code)
    gone = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    store.put(*lines(1, {"A": 6, "B": 2}, **gone))
    assert shelves(store.org) == {"A": (10, 0), "B": (4, 0)}
    assert is_sound(store.org)


ORDERS = (1, 2)
STEP = st.one_of(
    st.tuples(
        st.just("import"),
        st.sampled_from(ORDERS),
        st.tuples(st.integers(0, 4), st.integers(0, 3)).filter(any),
        st.sampled_from(["plain", "split", "merged", "shipped", "cancelled"]),
    ),
    st.tuples(st.just("confirm"), st.integers(0, 2)),
    st.tuples(st.just("cancel"), st.integers(0, 2)),
    st.tuples(
        st.just("become"), st.integers(0, 2), st.sampled_from(["expected", "ready", "handed_over", "lost"])
    ),
    st.tuples(st.just("adjust"), st.sampled_from(SKUS), st.sampled_from([-3, -1, 2])),
    st.tuples(st.just("sweep"), st.integers(0, 5)),
)


def exported(number: int, how: dict[str, int], way: str) -> list[dict[str, Any]]:
    ready = {"rts_at": "20/11/2026 11:00:00", "substatus": "Awaiting collection"}
    if way == "merged":
        return lines(number, how, package_id="1150000000000000099", **ready)
    if way == "split":
        package = 1_150_000_000_000_000_000 + 10 * number
        its = lines(number, how, **ready)
        return [{**line, "package_id": str(package + n)} for n, line in enumerate(its)]
    if way == "shipped":
        return lines(number, how, status="Shipped", substatus="In transit", shipped_at="20/11/2026 18:00:00")
    if way == "cancelled":
        return lines(number, how, status="Canceled", substatus="Canceled", cancelled_at="21/11/2026 09:00:00")
    return lines(number, how)


class Conflict(Exception):
    """The shelf said no."""


def correct(store: Store, sku: str, by: int, now: datetime) -> None:
    try:
        adjust(store.org, store.user, sku, store.place, by, "counted", now)
    except Problem as problem:
        if problem.code != "conflict":
            raise
        raise Conflict from problem


def take(store: Store, step: tuple[Any, ...], day: int) -> int:
    """One step; gives the day it is then."""
    what, *given_ = step
    codes = [p.code for p in store.parcels()]
    at = codes[given_[0] % len(codes)] if codes and what in {"confirm", "cancel", "become"} else None
    now = NOW + timedelta(days=day, hours=1)
    if what == "import":
        number, (a, b), way = given_
        store.put(*exported(number, {"A": a, "B": b}, way), now=now)
    elif what == "confirm" and at:
        store.confirm(at)
    elif what == "cancel" and at:
        store.record("cancel", at, reason="other")
    elif what == "become" and at:
        store.become(given_[1], at)
    elif what == "adjust":
        with suppress(Conflict):  # fewer than are promised: refused, and nothing changes
            correct(store, given_[0], given_[1], now)
    elif what == "sweep":
        day += given_[0]
        sweep(NOW + timedelta(days=day))
        sweep(NOW + timedelta(days=day))
    return day


def is_asked_for(store: Store) -> bool:
    """No more is promised of anything than the orders of parcels that hold something ask for."""
    promised = held(store.org)
    with reading() as session:
        query = (
            select(OrderLine.seller_sku, OrderLine.quantity)
            .join(
                ParcelOrder,
                (ParcelOrder.org_id == OrderLine.org_id) & (ParcelOrder.order_id == OrderLine.order_id),
            )
            .where(OrderLine.org_id == store.org, ParcelOrder.code.in_(promised))
            .distinct()
            .add_columns(OrderLine.order_id)
        )
        asked = Counter[str]()
        for sku, quantity, _ in session.execute(query):
            asked[sku] += quantity
    return all(sum(its.get(sku, 0) for its in promised.values()) <= asked[sku] for sku in SKUS)


def reminders(store: Store) -> list[tuple[str, str]]:
    with reading() as session:
        query = select(Event.data).where(Event.org_id == store.org, Event.kind == "remind")
        told = [data for data in session.execute(query).scalars() if "day" in data]
    return [(data["order"], data["day"]) for data in told]


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@given(steps=st.lists(STEP, min_size=2, max_size=8))
def test_sweeps_imports_confirms_and_corrections_in_any_order_keep_the_stock_sound(
    app: Flask, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    live_through(tmp_path, steps)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(steps=st.lists(STEP, min_size=2, max_size=16))
def test_many_long_ways_of_mixing_them_keep_the_stock_sound(
    app: Flask, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    live_through(tmp_path, steps)


def live_through(tmp_path: Path, steps: list[tuple[Any, ...]]) -> None:
    store, day = Store(tmp_path, A=8, B=4), 0
    store.put(*(line for number in ORDERS for line in exported(number, {"A": 3, "B": 1}, "plain")))
    store.confirm(*(p.code for p in store.parcels()))
    for step in steps:
        day = take(store, step, day)
        assert is_sound(store.org), step
        assert is_asked_for(store), step
    told = reminders(store)
    assert len(told) == len(set(told)), "one reminder an order and day"
    before = shelves(store.org)
    assert rebuild.check(NOW + timedelta(days=day, hours=2))[1] == []
    assert shelves(store.org) == before
    with reading() as session:
        query = select(Parcel.code).where(
            Parcel.org_id == store.org, Parcel.status.in_(["confirmed", "ready"])
        )
        holding = list(session.execute(query).scalars())
    if holding:
        store.become("cancelled", *holding)
    assert all(reserved == 0 for _, reserved in shelves(store.org).values()), "nothing leaks"
    assert is_sound(store.org)
