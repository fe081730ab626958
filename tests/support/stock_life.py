"""A shop whose orders come in by exports while stock is counted, and any mix of what can befall both."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.exports import row, sku_id
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


ORDERS = (1, 2)
STEP = st.one_of(
    st.tuples(
        st.just("import"),
        st.sampled_from(ORDERS),
        st.tuples(st.integers(0, 4), st.integers(0, 3)).filter(any),
        st.sampled_from(["plain", "split", "merged", "repacked", "shipped", "cancelled"]),
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
    if way == "repacked":
        return lines(number, how, package_id=str(1_160_000_000_000_000_000 + number), **ready)
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


def is_held_once(store: Store, most: Counter[tuple[int, str]]) -> bool:
    """No more is reserved and gone together than the orders ever asked for, in however many packages they were."""
    found = Counter[str]()
    for state in ("reserved", "taken"):
        for its in held(store.org, state).values():
            found.update(its)
    return all(found[sku] <= sum(n for (_, of), n in most.items() if of == sku) for sku in SKUS)


def reminders(store: Store) -> list[tuple[str, str]]:
    with reading() as session:
        query = select(Event.data).where(Event.org_id == store.org, Event.kind == "remind")
        told = [data for data in session.execute(query).scalars() if "day" in data]
    return [(data["order"], data["day"]) for data in told]


def live_through(tmp_path: Path, steps: list[tuple[Any, ...]]) -> None:
    """Live through these steps; after each the stock is sound, and at the end the tables are what a fold makes."""
    store, day = Store(tmp_path, A=8, B=4), 0
    most = Counter({(number, sku): n for number in ORDERS for sku, n in (("A", 3), ("B", 1))})
    store.put(*(line for number in ORDERS for line in exported(number, {"A": 3, "B": 1}, "plain")))
    store.confirm(*(p.code for p in store.parcels()))
    for step in steps:
        day = take(store, step, day)
        assert is_sound(store.org), step
        assert is_asked_for(store), step
        if step[0] == "import":
            most |= Counter({(step[1], sku): n for sku, n in zip(SKUS, step[2], strict=True)})
        assert is_held_once(store, most), step
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
