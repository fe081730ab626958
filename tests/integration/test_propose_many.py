"""Proposals for a whole list on both databases: made with few questions, taken by one press, nothing promised twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from sync.protocol.problems import Problem
from tests.support.books import NOW
from tests.support.exports import order_id, row
from tests.support.shelves import held, is_sound, shelves
from tests.support.stock_life import Store, lines
from webapp.extensions import db
from webapp.services import rebuild
from webapp.services.confirm_parcels import confirm_parcels
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.propose import save_areas
from webapp.services.propose_many import propose_many, take_proposals
from webapp.store.models import Event, Parcel, Reservation
from webapp.store.queries import picking
from webapp.store.queries.picking import Choice
from webapp.store.unit import reading, transaction


@pytest.fixture
def store(app_on_both: Flask, tmp_path: Path) -> Store:
    made = Store(tmp_path, "North", "South", A=3)
    made.count(made.places["South"], A=2, B=1)
    areas = ({"area": "Penang", "price": "5", "days": 2},)
    save_carrier(made.org, "near", CarrierFacts("Near Express", areas=areas), is_new=True)
    return made


def bare(number: int, **how: int) -> list[dict[str, object]]:
    """An order that names no carrier yet, in Penang; the first is the newest."""
    placed = f"20/11/2026 {23 - number // 60:02}:{59 - number % 60:02}:00"
    return lines(number, how, provider="", city="Penang", created_at=placed)


def test_a_list_is_proposed_for_oldest_first_and_taken_as_it_was_shown(store: Store) -> None:
    store.put(*(line for number in range(1, 5) for line in bare(number, A=2)))
    told = propose_many(store.org, Choice())
    assert [plan.is_able for plan in told.rows] == [True, True, False, False]
    with reading() as session:
        sold = picking.sold(session, store.org, [row.parcel.code for row in told.rows])
    placed = [sold[row.parcel.code][0].order_id for row in told.rows]
    assert placed == [order_id(number) for number in (4, 3, 2, 1)]
    names = [row.plan.warehouse.name if row.plan.warehouse else None for row in told.rows]
    assert names[:2] == ["North", "South"]
    assert {row.plan.carrier.id for row in told.rows if row.plan.carrier} == {"near"}
    moved = take_proposals(store.org, store.user, Choice(), told.digest, NOW)
    assert dict(moved.by_status) == {"confirmed": 2}
    with reading() as session:
        query = select(Parcel.code, Parcel.place_id, Parcel.carrier).where(
            Parcel.org_id == store.org, Parcel.status == "confirmed"
        )
        planned = {code: (place, carrier) for code, place, carrier in session.execute(query)}
        said = session.execute(
            select(Event.data).where(Event.org_id == store.org, Event.kind == "confirm")
        ).scalars()
        assert sorted(str(data["proposed"]["warehouse"]) for data in said) == sorted(store.places.values())
    assert planned == {
        row.parcel.code: (store.places[name], "near") for row, name in zip(told.able, names, strict=False)
    }
    assert held(store.org).keys() == planned.keys()
    assert shelves(store.org)["A"] == (5, 4)
    assert is_sound(store.org)
    assert rebuild.check(NOW)[1] == []


def test_what_has_changed_since_it_was_shown_is_not_taken(store: Store) -> None:
    store.put(*bare(1, A=2))
    told = propose_many(store.org, Choice())
    store.count(store.place, A=0)
    with pytest.raises(Problem, check=lambda p: p.code == "conflict"):
        take_proposals(store.org, store.user, Choice(), told.digest, NOW)
    assert (held(store.org), store.parcel().place_id, store.parcel().status) == ({}, None, "expected")


def test_the_orders_own_carrier_and_a_place_of_collection_stay(store: Store) -> None:
    store.put(row(1, seller_sku="A", provider="J&T Express", city="Penang"))
    own = store.parcel().carrier
    stand = save_place(store.org, None, PlaceFacts("Stand", "pickup", "", None))
    with transaction() as session:
        session.execute(update(Parcel).where(Parcel.org_id == store.org).values(place_id=stand))
    told = propose_many(store.org, Choice())
    take_proposals(store.org, store.user, Choice(), told.digest, NOW)
    kept = store.parcel()
    assert (kept.carrier, kept.place_id, kept.status) == (own, stand, "confirmed")


def from_where(store: Store) -> dict[str, str]:
    """The warehouse that each parcel's goods are reserved in, by code."""
    names = {place: name for name, place in store.places.items()}
    with reading() as session:
        query = select(Reservation.parcel, Reservation.place_id).where(Reservation.org_id == store.org)
        return {code: names[place] for code, place in session.execute(query)}


def test_goods_are_reserved_where_it_was_shown_wherever_a_courier_collects(store: Store) -> None:
    store.put(*(line for number in range(1, 4) for line in bare(number, A=1)))
    stand = save_place(store.org, None, PlaceFacts("Stand", "pickup", "", None))
    for name, at in (("North", 9.0), ("South", 5.0)):
        save_place(store.org, store.places[name], PlaceFacts(name, "warehouse", "", (at, 100.0)))
    save_areas(store.org, "Penang; 5.4; 100.3")
    with transaction() as session:
        session.execute(update(Parcel).where(Parcel.org_id == store.org).values(place_id=stand))
    told = propose_many(store.org, Choice())
    shown = {row.parcel.code: row.plan.warehouse.name for row in told.able if row.plan.warehouse}
    # South is nearer and has two; North has more of it, and would be taken by one who was not told.
    assert list(shown.values()) == ["South", "South", "North"]
    take_proposals(store.org, store.user, Choice(), told.digest, NOW)
    assert from_where(store) == shown
    assert is_sound(store.org)


@pytest.mark.parametrize("is_ticked", [False, True], ids=["all", "ticked"])
def test_of_what_is_short_the_oldest_orders_get_it(store: Store, is_ticked: bool) -> None:
    store.put(*(line for number in range(1, 5) for line in bare(number, A=2)))
    told = propose_many(store.org, Choice())
    newest_first = tuple(row.parcel.code for row in reversed(told.rows))
    confirm_parcels(store.org, store.user, None, Choice().only(newest_first) if is_ticked else Choice(), NOW)
    assert held(store.org).keys() == {row.parcel.code for row in told.able}


def test_what_is_held_back_is_left_alone_and_takes_nothing_from_others(store: Store) -> None:
    store.put(*bare(2, A=5, B=1))
    store.record("hold", store.parcel().code, data={"on": True})
    store.put(*bare(1, A=3))
    told = propose_many(store.org, Choice())
    assert [(bool(row.left), row.is_able) for row in told.rows] == [(True, False), (False, True)]
    assert dict(take_proposals(store.org, store.user, Choice(), told.digest, NOW).by_status) == {
        "confirmed": 1
    }


def questions(org_id: str) -> int:
    """How many statements a proposal for the whole list takes."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        propose_many(org_id, Choice())
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_sixty_parcels_are_proposed_for_with_as_many_questions_as_one(store: Store) -> None:
    store.put(*bare(1, A=1))
    one = questions(store.org)
    store.put(*(line for number in range(2, 61) for line in bare(number, A=1)))
    assert questions(store.org) == one
