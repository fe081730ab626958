"""Stock follows its parcels on both databases: never below nothing, nothing lost on the way, and every step written."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.shop import ApiPhone, make_order, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import rebuild
from webapp.services.cancel_parcels import cancel_parcels
from webapp.services.confirm_parcels import confirm_parcels
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.keep_stock import Count, adjust, count_in, demand_all, read_stock
from webapp.services.label_parcels import label_parcels
from webapp.services.record import Draft, record
from webapp.store.models import OrderLine, Place, Reservation, Stock, StockMove
from webapp.store.queries.picking import Choice
from webapp.store.unit import lock_org, reading, transaction


class Shop:
    """A shop with one warehouse, and orders of it."""

    def __init__(self, **stock: int) -> None:
        self.org_id = make_shop()
        self.office = make_user(self.org_id, "office", "Otto")
        save_place(self.org_id, None, PlaceFacts("North", "warehouse", "", None))
        with reading() as session:
            self.place = session.execute(select(Place.id).where(Place.org_id == self.org_id)).scalar_one()
        self.orders = 0
        self.count(**stock)

    def count(self, **stock: int) -> list[str]:
        counts = [Count(sku, self.place, number) for sku, number in stock.items()]
        with transaction() as session:
            lock_org(session, self.org_id)
            return count_in(session, self.org_id, self.office, counts, clock.now())

    def sell(self, parcels: int = 1, **lines: int) -> list[str]:
        """An order of these; gives its parcels."""
        self.orders += 1
        order_id = str(576_460_000_000_000_000 + self.orders)
        codes = make_parcels(self.org_id, parcels, seed=self.orders)
        make_order(self.org_id, order_id, codes)
        with transaction() as session:
            for sku, quantity in lines.items():
                keys = {"org_id": self.org_id, "order_id": order_id, "sku_id": f"id-{sku}"}
                session.add(OrderLine(**keys, seller_sku=sku, product=sku, quantity=quantity))
        return codes

    def confirm(self, *codes: str) -> dict[str, str]:
        """What stayed, and why."""
        choice = Choice().only(codes)
        done = confirm_parcels(self.org_id, self.office, None, choice, clock.now())
        return {left.code: left.why for left in done.left}

    def say(self, kind: str, *codes: str, **members: Any) -> str:
        with transaction() as session:
            lock_org(session, self.org_id)
            made = [Draft(kind, codes, **members)]
            return record(session, self.org_id, self.office, made, clock.now())[0].id

    def become(self, status: str, *codes: str) -> None:
        self.say("resolve", *codes, data={"status": status})

    @property
    def shelves(self) -> dict[str, tuple[int, int]]:
        """(on hand, reserved) by SKU."""
        with reading() as session:
            rows = session.execute(select(Stock).where(Stock.org_id == self.org_id)).scalars()
            return {row.sku: (row.on_hand, row.reserved) for row in rows}

    @property
    def moves(self) -> list[StockMove]:
        with reading() as session:
            query = select(StockMove).where(StockMove.org_id == self.org_id).order_by(StockMove.id)
            return list(session.execute(query).scalars())

    def is_sound(self) -> bool:
        """The shelves are what the movements and what the parcels hold say they are."""
        on_hand, reserved, promised = Counter[str](), Counter[str](), Counter[str]()
        for move in self.moves:
            on_hand[move.sku] += move.on_hand
            reserved[move.sku] += move.reserved
            assert (on_hand[move.sku], reserved[move.sku]) == (move.on_hand_after, move.reserved_after)
            assert 0 <= reserved[move.sku] <= on_hand[move.sku]
        with reading() as session:
            query = select(Reservation).where(Reservation.org_id == self.org_id)
            for row in session.execute(query).scalars():
                promised[row.sku] += row.quantity if row.state == "reserved" else 0
        return all(
            (on_hand[sku], reserved[sku]) == shelf and promised[sku] == shelf[1]
            for sku, shelf in self.shelves.items()
        )


@pytest.fixture
def shop(app_on_both: Flask) -> Shop:
    return Shop(A=5, B=1)


def test_what_the_office_cancels_gives_back_what_was_kept_for_it(app_on_both: Flask) -> None:
    shop = Shop(SHIRT=5)
    kept, gone = shop.sell(SHIRT=2), shop.sell(SHIRT=3)
    shop.confirm(*kept, *gone)
    assert shop.shelves == {"SHIRT": (5, 5)}
    told = {"reason": "price_error", "note": ""}
    done = cancel_parcels(shop.org_id, shop.office, None, Choice().only(gone), clock.now(), **told)
    assert (dict(done.by_status), done.left) == ({"cancelled": 1}, ())
    assert shop.shelves == {"SHIRT": (5, 2)}


def test_a_confirm_reserves_and_a_handover_takes(shop: Shop) -> None:
    [code] = shop.sell(A=2, B=1, Z=9)
    assert shop.confirm(code) == {}
    assert shop.shelves == {"A": (5, 2), "B": (1, 1)}
    shop.become("handed_over", code)
    assert shop.shelves == {"A": (3, 0), "B": (0, 0)}
    assert [(m.kind, m.sku) for m in shop.moves] == [
        *(("import", "A"), ("import", "B")),
        *(("reserve", "A"), ("reserve", "B")),
        *(("take", "A"), ("take", "B")),
    ]
    assert shop.moves[2].actor_id == shop.office
    shop.become("delivered", code)
    assert shop.shelves["A"] == (3, 0)
    assert shop.is_sound()


def test_of_forty_those_that_can_be_are_confirmed_and_the_rest_is_told_what_is_short(shop: Shop) -> None:
    shop.count(A=37)
    codes = [shop.sell(A=1)[0] for _ in range(40)]
    left = shop.confirm(*codes)
    assert len(left) == 3
    assert set(left.values()) == {"Short of 1 × A (0 there)"}
    assert shop.shelves["A"] == (37, 37)
    assert shop.is_sound()
    shop.count(A=40)
    assert shop.confirm(*codes) != {}, "those before are told that they were"
    assert shop.shelves["A"] == (40, 40)


def test_what_is_called_off_is_released_by_whatever_way(shop: Shop) -> None:
    ways = {
        "cancel": lambda code: shop.say("cancel", code, reason="other"),
        "deem_cancelled": lambda code: shop.say("deem_cancelled", code),
        "resolve": lambda code: shop.become("cancelled", code),
        "back": lambda code: shop.become("expected", code),
    }
    for name, call_off in ways.items():
        [code] = shop.sell(A=5)
        assert shop.confirm(code) == {}, name
        assert shop.shelves["A"] == (5, 5)
        call_off(code)
        assert shop.shelves["A"] == (5, 0), name
    assert shop.is_sound()


def test_a_confirm_that_is_short_of_one_thing_holds_back_nothing_of_another(shop: Shop) -> None:
    [code] = shop.sell(A=5, B=1)
    assert shop.confirm(code) == {}
    shop.become("expected", code)
    shop.count(B=0)
    assert shop.confirm(code) != {}
    assert shop.shelves["A"] == (5, 0)
    assert shop.is_sound()


def test_what_left_before_the_shelf_was_counted_is_not_taken_from_it(shop: Shop) -> None:
    [code] = shop.sell(N=3)
    shop.say("collect", code)
    shop.count(N=10)
    shop.say("carrier_scan", code)
    shop.say("deliver", code)
    rebuild.rebuild(clock.now())
    assert shop.shelves["N"] == (10, 0)


def test_a_handover_taken_back_gives_the_goods_back(shop: Shop, app_on_both: Flask) -> None:
    [code] = shop.sell(A=2)
    shop.confirm(code)
    phone = ApiPhone(app_on_both.test_client(), shop.org_id, make_user(shop.org_id))
    made = phone.send(phone.seal("collect", [code]))["results"][0]["id"]
    assert shop.shelves["A"] == (3, 0)
    phone.send(phone.seal("void", [], ref=made, reason="mistake"))
    assert shop.shelves["A"] == (5, 2)
    shop.become("cancelled", code)
    assert shop.shelves["A"] == (5, 0)
    assert shop.is_sound()


def test_what_is_called_off_on_its_way_is_not_on_the_shelf(shop: Shop) -> None:
    [code] = shop.sell(A=2)
    shop.confirm(code)
    shop.become("in_transit", code)
    assert shop.shelves["A"] == (3, 0)
    shop.say("deem_cancelled", code)
    assert shop.shelves["A"] == (3, 0)
    assert shop.is_sound()


def test_what_leaves_without_a_confirm_is_taken_too(shop: Shop) -> None:
    [label], [gone], [short] = shop.sell(A=1), shop.sell(A=2), shop.sell(B=3)
    shop.say("label", label, data={"source": "import"})
    shop.become("handed_over", gone, short)
    assert shop.shelves == {"A": (3, 1), "B": (0, 0)}
    assert shop.is_sound()


def test_labelling_what_nobody_confirmed_asks_the_stock_as_well(shop: Shop) -> None:
    [code] = shop.sell(B=2)
    choice = Choice().only([code])
    done = label_parcels(shop.org_id, shop.office, None, choice, clock.now(), without_packing=True)
    assert dict(done.reasons) == {"Short of 2 × B (1 there)": 1}


def test_an_order_in_two_parcels_is_reserved_once(shop: Shop) -> None:
    first, second = sorted(shop.sell(2, A=3))
    for code in (second, first):
        shop.confirm(code)
        assert shop.shelves["A"] == (5, 3)


def test_a_shop_may_demand_stock_of_everything(shop: Shop) -> None:
    [code] = shop.sell(Z=1)
    demand_all(shop.org_id, True)
    assert shop.confirm(code) == {code: "Short of 1 × Z (none kept)"}
    demand_all(shop.org_id, False)
    assert shop.confirm(code) == {}
    bare = Shop()
    [free] = bare.sell(A=1)
    assert bare.confirm(free) == {}, "a shop that keeps no stock is held up by none"


def test_a_correction_needs_a_reason_and_never_reaches_below_what_is_promised(shop: Shop) -> None:
    [code] = shop.sell(A=4)
    shop.confirm(code)
    assert adjust(shop.org_id, shop.office, "A", shop.place, -1, "broken", clock.now()) == 4
    for by, why, problem in (
        (-1, "broken too", "conflict"),
        (-9, "broken", "conflict"),
        (1, " ", "field-invalid"),
        (0, "nothing", "field-invalid"),
    ):
        with pytest.raises(Problem) as refused:
            adjust(shop.org_id, shop.office, "A", shop.place, by, why, clock.now())
        assert refused.value.code == problem
    with pytest.raises(Problem) as refused:
        adjust(make_shop("Another"), shop.office, "A", shop.place, 1, "found", clock.now())
    assert refused.value.code == "not-found"
    assert (shop.shelves["A"], shop.moves[-1].reason) == ((4, 4), "broken")
    once = len(shop.moves)
    now = clock.now()
    for at, on_hand in ((now, 7), (now + timedelta(seconds=9), 7), (now + timedelta(seconds=20), 10)):
        assert adjust(shop.org_id, shop.office, "A", shop.place, 3, "found", at) == on_hand
    assert len(shop.moves) == once + 2, "a form sent twice counts once"
    adjust(shop.org_id, shop.office, "A", shop.place, -6, "lost", now)
    assert shop.count(A=3) == ["short"]
    assert shop.is_sound()


def test_a_count_from_a_file_names_its_bad_rows_and_twice_is_once(shop: Shop, tmp_path: Path) -> None:
    [code] = shop.sell(A=4)
    shop.confirm(code)
    file = tmp_path / "count.csv"
    file.write_text(
        "SKU,On hand,Warehouse,Product,Low at\nA,3,North,,\nB,7,north,Bag,2\nC,4,,Cup,\nC,5,North,,\n"
        ",1,North,,\nD,few,North,,\nE,1,South,,\n",
        encoding="utf-8",
    )
    now = clock.now()
    ahead = read_stock(shop.org_id, shop.office, file, {}, now, False)
    done = read_stock(shop.org_id, shop.office, file, {}, now, True)
    assert [bad.row for bad in done.rejected] == [bad.row for bad in ahead.rejected] == [2, 5, 6, 7, 8]
    assert ahead.counts == done.counts
    assert shop.shelves == {"A": (5, 4), "B": (7, 0), "C": (4, 0)}
    again = read_stock(shop.org_id, shop.office, file, {}, now, True)
    assert (again.counts["changed"], again.counts["same"]) == (0, 2)
    assert shop.is_sound()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(
                ["confirm", "ready", "handed_over", "expected", "cancelled", "delivered", "lost"]
            ),
        ),
        max_size=10,
    )
)
def test_any_way_of_moving_parcels_keeps_the_stock_sound(
    app_on_both: Flask, steps: list[tuple[int, str]]
) -> None:
    shop = Shop(A=4)
    codes = [shop.sell(A=quantity)[0] for quantity in (1, 2, 2, 3)]
    for at, what in steps:
        if what == "confirm":
            shop.confirm(codes[at])
        else:
            shop.become(what, codes[at])
        on_hand, reserved = shop.shelves["A"]
        assert 0 <= reserved <= on_hand <= 4
    assert shop.is_sound()
    # All called off before they left: whatever was taken or promised is back.
    if not any(what in {"handed_over", "delivered", "lost"} for _, what in steps):
        shop.become("cancelled", *codes)
        assert shop.shelves["A"] == (4, 0)
    before = (shop.shelves, len(shop.moves))
    assert not rebuild.check(clock.now())[1]
    assert (shop.shelves, len(shop.moves)) == before
