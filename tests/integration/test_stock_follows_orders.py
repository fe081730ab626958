"""Stock follows an order that a newer import changes, splits, merges or calls off, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.support.exports import order_id
from tests.support.shelves import held, is_sound, shelves
from tests.support.stock_life import STEP, Store, lines, live_through
from webapp.store.models import Notice, OrderLine
from webapp.store.queries import goods
from webapp.store.stock_needs import goods_of
from webapp.store.unit import reading


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


def test_an_order_that_a_newer_export_calls_off_lets_go_all_of_it(store: Store) -> None:
    store.put(*lines(1, {"A": 4, "B": 2}))
    store.confirm(store.parcel().code)
    gone = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    store.put(*lines(1, {"A": 6, "B": 2}, **gone))
    assert shelves(store.org) == {"A": (10, 0), "B": (4, 0)}
    assert is_sound(store.org)


CANCELLED = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}


def test_r1_a_line_that_is_cancelled_is_neither_kept_back_nor_taken_nor_packed(store: Store) -> None:
    """`R26`, `R29`: the rest of the order goes on without it."""
    store.put(*lines(1, {"A": 3, "B": 2}))
    code = store.parcel().code
    store.confirm(code)
    store.put(*lines(1, {"A": 3}), *lines(1, {"B": 2}, **CANCELLED))
    assert shelves(store.org) == {"A": (10, 3), "B": (4, 0)}
    assert store.parcel().items == 3
    with reading() as session:
        holds = goods.lines_of(session, store.org, [code])[code]
    assert [(line.seller_sku, line.quantity) for line in holds] == [("A", 3)]
    store.become("handed_over", code)
    assert shelves(store.org) == {"A": (7, 0), "B": (4, 0)}
    assert is_sound(store.org)


def test_r1_no_package_answers_for_what_was_cancelled_in_another(store: Store) -> None:
    (a, b) = ({"package_id": f"115000000000000000{n}", "tracking": f"MY{n}"} for n in (1, 2))
    store.put(*lines(1, {"A": 3}, **a), *lines(1, {"B": 2}, **b))
    store.confirm(*(parcel.code for parcel in store.parcels()))
    store.put(*lines(1, {"A": 3}, **a), *lines(1, {"B": 2}, **b, **CANCELLED))
    kept = next(parcel for parcel in store.parcels() if parcel.status != "cancelled")
    assert (shelves(store.org), held(store.org)) == ({"A": (10, 3), "B": (4, 0)}, {kept.code: {"A": 3}})
    assert is_sound(store.org)


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def alarms(store: Store) -> list[tuple[str, str]]:
    with reading() as session:
        query = select(Notice).where(Notice.org_id == store.org, Notice.kind == "alarm").order_by(Notice.key)
        return [(it.params["detail"], it.params["path"]) for it in session.execute(query).scalars()]


def test_an_order_that_outgrows_the_shelf_raises_one_alarm_an_export_and_says_what_it_lacks(
    store: Store,
) -> None:
    store.put(*lines(1, {"A": 1}), *lines(2, {"A": 1}))
    store.confirm(*(parcel.code for parcel in store.parcels()))
    assert alarms(store) == []
    store.put(*lines(1, {"A": 40}))
    code = next(code for code, its in held(store.org).items() if its["A"] > 1)
    with reading() as session:
        goods, lacks = goods_of(session.connection(), store.org, code)
    there = shelves(store.org)["A"][0]
    assert lacks == {"A": 40 - there + 1}
    assert [(it.quantity, it.place, it.state) for it in goods] == [(there - 1, "North", "reserved")]
    [(said, path)] = alarms(store)
    assert said.endswith(f": {lacks['A']} × A")
    assert path == f"/office/parcels/{code}"
    store.count(store.place, A=60)
    store.put(*lines(1, {"A": 41}))
    with reading() as session:
        assert goods_of(session.connection(), store.org, code)[1] == {}
    assert len(alarms(store)) == 1


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@given(steps=st.lists(STEP, min_size=2, max_size=8))
def test_sweeps_imports_confirms_and_corrections_in_any_order_keep_the_stock_sound(
    app: Flask, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    live_through(tmp_path, steps)
