"""Runs: making them by filter and by one press, changing them, and what a phone hears of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user, today
from tests.unit.phones import proof
from webapp import clock
from webapp.services import change_run, moving, rebuild
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.make_run import make_run
from webapp.services.make_todays_runs import make_todays_runs
from webapp.services.record import Draft, record
from webapp.services.run_members import Wanted
from webapp.store.models import Event, Parcel, RunParcel
from webapp.store.queries import run_members, runs
from webapp.store.queries.picking import Choice
from webapp.store.unit import Session, lock_org, reading, transaction

READY = Choice(statuses=("ready",))


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def office(org_id: str) -> str:
    return make_user(org_id, "office", "Otto")


@pytest.fixture
def courier(org_id: str) -> str:
    return make_user(org_id, "courier", "Cora")


@pytest.fixture
def driver(org_id: str) -> str:
    return make_user(org_id, "driver", "Dan")


def make(org_id: str, actor: str, user_id: str | None, choice: Choice = READY, **wanted: Any) -> Any:
    return make_run(
        org_id,
        actor,
        Wanted(**{"kind": "collect", "day": today(), "user_id": user_id, **wanted}),
        choice,
        clock.now(),
    )


def row(org_id: str, run_id: str) -> runs.RunRow:
    with reading() as session:
        found = runs.find_run(session, org_id, None, run_id)
    assert found is not None
    return found


def status_of(org_id: str, code: str) -> str:
    with reading() as session:
        return session.get_one(Parcel, (org_id, code)).status


def test_one_press_makes_a_run_for_each_carrier_and_place(org_id: str, office: str, courier: str) -> None:
    depot = save_place(org_id, None, PlaceFacts("Depot"))
    for seed, (carrier, place) in enumerate([("jt", depot), ("ninja", depot), ("jt", None), (None, None)]):
        make_parcels(org_id, 3, seed=seed + 20, status="ready", carrier=carrier, place_id=place)
    make_parcels(org_id, 2, seed=90, status="confirmed", carrier="jt")
    made = make_todays_runs(org_id, office, "collect", today(), courier, clock.now())
    assert [(each.added, each.is_new) for each in made] == [(3, True)] * 4
    with reading() as session:
        listed = runs.list_runs(session, org_id, None, day=today())
    assert {(run.carrier, run.place_id) for run in listed} == {
        ("jt", depot),
        ("ninja", depot),
        ("jt", None),
        (None, None),
    }
    assert {run.person for run in listed} == {"Cora"}


def test_the_press_again_only_adds_what_came_since(org_id: str, office: str, courier: str) -> None:
    make_parcels(org_id, 3, status="ready", carrier="jt")
    [first] = make_todays_runs(org_id, office, "collect", today(), courier, clock.now())
    assert make_todays_runs(org_id, office, "collect", today(), courier, clock.now()) == []
    make_parcels(org_id, 2, seed=9, status="ready", carrier="jt")
    [second] = make_todays_runs(org_id, office, "collect", today(), courier, clock.now())
    assert (second.run_id, second.added, second.is_new) == (first.run_id, 2, False)
    assert row(org_id, first.run_id).total == 5


def test_two_presses_at_once_put_no_parcel_on_two_runs(
    org_id: str, office: str, courier: str, app_on_both: Flask
) -> None:
    codes = make_parcels(org_id, 40, status="ready", carrier="jt")
    couriers = (courier, make_user(org_id, "courier", "Carl"))

    def press(user_id: str) -> int:
        with app_on_both.app_context():
            made = make_todays_runs(org_id, office, "collect", today(), user_id, clock.now())
            return sum(each.added for each in made)

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(press, couriers)) == [0, 40]
    with reading() as session:
        held = run_members.open_runs_of(session, org_id, codes, ("collect",))
        rows = session.execute(select(RunParcel.code).where(RunParcel.org_id == org_id)).scalars().all()
    assert len(held) == len(rows) == 40


def test_thousands_go_on_one_run_in_parts_that_let_the_phones_through(
    org_id: str, office: str, courier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PART", 3)
    first = make_parcels(org_id, 7, status="ready", carrier="jt")
    make_parcels(org_id, 4, seed=9, status="cancelled", carrier="jt")
    locks: list[int] = []

    def lock(session: Session, org: str) -> int:
        locks.append(lock_org(session, org))
        return locks[-1]

    monkeypatch.setattr("webapp.services.make_run.lock_org", lock)
    made = make(org_id, office, courier, Choice(carrier="jt"))
    assert (made.added, made.is_new, len(made.left), len(locks)) == (7, True, 4, 4)
    make_parcels(org_id, 5, seed=30, status="ready", carrier="jt")
    [more] = make_todays_runs(org_id, office, "collect", today(), courier, clock.now())
    assert (more.added, more.is_new, len(locks)) == (5, True, 8)
    with reading() as session:
        assert run_members.codes_on(session, org_id, made.run_id) == sorted(first)
        assert len(run_members.codes_on(session, org_id, more.run_id)) == 5


def test_a_parcel_is_on_one_open_run_for_its_handover(org_id: str, office: str, courier: str) -> None:
    codes = make_parcels(org_id, 3, status="ready")
    make(org_id, office, courier, Choice().only(codes[:1]), title="The first")
    second = make(org_id, office, courier, Choice().only(codes), kind="drop_off")
    assert second.added == 2
    assert [(left.code, left.why) for left in second.left] == [(codes[0], "On the run “The first” already")]


def test_a_run_out_of_nothing_is_not_made(org_id: str, office: str, courier: str) -> None:
    with pytest.raises(Problem) as refused:
        make(org_id, office, courier)
    assert refused.value.code == "nothing-to-do"
    with reading() as session:
        assert runs.list_runs(session, org_id, None) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kind": "fly"}, "kind"),
        ({"user_id": "nobody"}, "user_id"),
        ({"kind": "deliver"}, "user_id"),
        ({"place_id": "nowhere"}, "place_id"),
    ],
)
def test_a_run_that_cannot_be_is_refused_by_its_field(
    org_id: str, office: str, courier: str, wanted: dict[str, Any], field: str
) -> None:
    make_parcels(org_id, 1, status="ready")
    with pytest.raises(Problem) as refused:
        make_run(
            org_id,
            office,
            Wanted(**{"kind": "collect", "day": today(), "user_id": courier, **wanted}),
            READY,
            clock.now(),
        )
    assert refused.value.members["field"] == field


def test_another_carriers_parcel_stays_off(org_id: str, office: str, courier: str) -> None:
    ours, other = (
        make_parcels(org_id, 1, status="ready", carrier="jt"),
        make_parcels(org_id, 1, seed=9, status="ready", carrier="ninja"),
    )
    made = make(org_id, office, courier, Choice().only([*ours, *other]), carrier="jt")
    assert (made.added, [left.why for left in made.left]) == (1, ["It is another carrier's"])


def test_a_seller_gets_no_run_with_another_sellers_parcels(org_id: str, office: str) -> None:
    seller = make_user(org_id, "seller", "Sari", seller="Mine")
    make_parcels(org_id, 2, status="ready", seller="Mine")
    make_parcels(org_id, 1, seed=9, status="ready", seller="Theirs")
    made = make(org_id, office, seller, kind="drop_off")
    assert (made.added, len(made.left)) == (2, 1)


def test_the_phone_hears_of_a_new_run_of_more_and_of_fewer_parcels(
    org_id: str, office: str, courier: str, app_on_both: Flask
) -> None:
    phone = ApiPhone(app_on_both.test_client(), org_id, courier)
    codes = make_parcels(org_id, 4, status="ready")
    cursor = phone.worklist()["cursor"]
    made = make(org_id, office, courier, Choice().only(codes[:3]))
    page = phone.worklist(cursor)
    assert [(run["id"], run["parcels"]) for run in page["runs"]["upserts"]] == [
        (made.run_id, sorted(codes[:3]))
    ]
    assert {parcel["code"] for parcel in page["parcels"]["upserts"]} == set(codes[:3])
    change_run.add_to_run(org_id, office, made.run_id, [codes[3]], clock.now())
    change_run.take_off_run(org_id, made.run_id, [codes[0]], clock.now())
    page = phone.worklist(page["cursor"])
    assert page["runs"]["upserts"][0]["parcels"] == sorted(codes[1:])
    assert {parcel["code"] for parcel in page["parcels"]["upserts"]} >= {codes[0], codes[3]}


def test_a_run_given_to_somebody_else_leaves_the_first_phone(
    org_id: str, office: str, courier: str, app_on_both: Flask
) -> None:
    phone = ApiPhone(app_on_both.test_client(), org_id, courier)
    other = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, "courier", "Carl"))
    make_parcels(org_id, 2, status="ready")
    made = make(org_id, office, courier)
    first, second = phone.worklist()["cursor"], other.worklist()["cursor"]
    change_run.edit_run(
        org_id, office, made.run_id, clock.now(), title="Carl's", day=today(), user_id=other.actor
    )
    assert phone.worklist(first)["runs"]["removes"] == [made.run_id]
    assert [run["title"] for run in other.worklist(second)["runs"]["upserts"]] == ["Carl's"]


def test_a_closed_run_leaves_the_phone_and_an_open_one_comes_back(
    org_id: str, office: str, courier: str, app_on_both: Flask
) -> None:
    phone = ApiPhone(app_on_both.test_client(), org_id, courier)
    make_parcels(org_id, 2, status="ready")
    made = make(org_id, office, courier)
    cursor = phone.worklist()["cursor"]
    change_run.close_run(org_id, made.run_id)
    page = phone.worklist(cursor)
    assert page["runs"]["removes"] == [made.run_id]
    with pytest.raises(Problem, match="run-closed"):
        change_run.take_off_run(org_id, made.run_id, ["x"], clock.now())
    change_run.reopen_run(org_id, made.run_id)
    assert [run["id"] for run in phone.worklist(page["cursor"])["runs"]["upserts"]] == [made.run_id]


def test_a_run_is_not_opened_again_over_one_that_took_its_parcels(
    org_id: str, office: str, courier: str
) -> None:
    make_parcels(org_id, 2, status="ready")
    first = make(org_id, office, courier)
    change_run.close_run(org_id, first.run_id)
    make(org_id, office, courier, title="The second")
    with pytest.raises(Problem, match="2 of its parcels are on “The second”"):
        change_run.reopen_run(org_id, first.run_id)


def test_taken_off_and_put_back_it_is_one_row(org_id: str, office: str, courier: str) -> None:
    codes = make_parcels(org_id, 2, status="ready")
    made = make(org_id, office, courier)
    assert change_run.take_off_run(org_id, made.run_id, [codes[0], "nowhere"], clock.now()) == 1
    assert row(org_id, made.run_id).total == 1
    back = change_run.add_to_run(org_id, office, made.run_id, [codes[0].lower(), "nowhere"], clock.now())
    assert (back.added, [(left.code, left.why) for left in back.left]) == (
        1,
        [("nowhere", "No such parcel here")],
    )
    with reading() as session:
        rows = session.execute(select(RunParcel).where(RunParcel.org_id == org_id)).scalars().all()
    assert len(rows) == 2
    assert all(each.removed_at is None for each in rows)


def test_parcels_are_put_on_by_tracking_number_and_order_too(org_id: str, office: str, courier: str) -> None:
    [first] = make_parcels(org_id, 1, status="ready")
    [second] = make_parcels(org_id, 1, seed=9, status="packed", tracking_number="JT880000000007")
    made = make(org_id, office, courier, Choice().only([first]))
    assert change_run.add_to_run(org_id, office, made.run_id, ["jt 8800 0000 0007"], clock.now()).added == 1
    with reading() as session:
        assert run_members.codes_on(session, org_id, made.run_id) == sorted([first, second])


def test_a_parcel_put_on_the_run_it_was_scanned_in_fits_from_then_on(
    org_id: str, office: str, courier: str, app_on_both: Flask
) -> None:
    listed, missed = make_parcels(org_id, 2)
    made = make(org_id, office, courier, Choice().only([listed]))
    phone = ApiPhone(app_on_both.test_client(), org_id, courier)
    phone.send(phone.seal("pack", [listed, missed], run=made.run_id, blobs=proof()["blobs"][:1]))
    with reading() as session:
        assert run_members.missed_on(session, org_id, made.run_id, [listed, missed]) == [missed]
    change_run.add_to_run(org_id, office, made.run_id, [missed], clock.now())
    with reading() as session:
        assert run_members.missed_on(session, org_id, made.run_id, [missed]) == []
    assert rebuild.check(clock.now())[1] == []


def test_progress_follows_the_scans(org_id: str, office: str, courier: str, app_on_both: Flask) -> None:
    codes = make_parcels(org_id, 3, status="ready")
    made = make(org_id, office, courier)
    before = row(org_id, made.run_id)
    assert (before.total, before.done, before.left) == (3, 0, 3)
    phone = ApiPhone(app_on_both.test_client(), org_id, courier)
    phone.send(phone.seal("collect", codes[:2], run=made.run_id, **proof("collect")))
    after = row(org_id, made.run_id)
    assert (after.done, after.left) == (2, 1)
    assert after.changed > before.changed
    with reading() as session:
        items = runs.run_items(session, after, org_id, None)
    assert [(item.code, item.done_by, item.is_elsewhere) for item in items if item.done_at] == [
        (code, "Cora", False) for code in sorted(codes[:2])
    ]
    assert items[0].done_at is None


def test_a_driver_with_a_delivery_run_has_the_parcels_out_for_delivery(
    org_id: str, office: str, driver: str
) -> None:
    codes = make_parcels(org_id, 3)
    hand_over(org_id, office, codes)
    made = make(org_id, office, None, Choice(statuses=("handed_over", "in_transit")), kind="deliver")
    assert {status_of(org_id, code) for code in codes} == {"in_transit"}
    change_run.edit_run(org_id, office, made.run_id, clock.now(), title="", day=today(), user_id=driver)
    assert {status_of(org_id, code) for code in codes} == {"out_for_delivery"}
    with reading() as session:
        query = select(Event).where(Event.org_id == org_id, Event.kind == "out_for_delivery")
        [event] = session.execute(query).scalars()
    assert (event.run_id, event.actor_id) == (made.run_id, office)


def test_a_delivery_run_given_at_once_sends_its_parcels_out(org_id: str, office: str, driver: str) -> None:
    codes = make_parcels(org_id, 2)
    hand_over(org_id, office, codes)
    make_todays_runs(org_id, office, "deliver", today(), driver, clock.now())
    assert {status_of(org_id, code) for code in codes} == {"out_for_delivery"}


def test_an_open_run_of_an_earlier_day_is_not_forgotten(org_id: str, office: str, courier: str) -> None:
    make_parcels(org_id, 1, status="ready")
    yesterday = today() - timedelta(days=1)
    make(org_id, office, courier, day=yesterday)
    with reading() as session:
        assert runs.open_days(session, org_id, None, today()) == [(yesterday, 1)]
        assert runs.list_runs(session, org_id, None, day=today()) == []


def test_a_seller_sees_of_a_run_only_their_own(org_id: str, office: str, courier: str) -> None:
    make_parcels(org_id, 2, status="ready", seller="Mine")
    make_parcels(org_id, 3, seed=9, status="ready", seller="Theirs")
    made = make(org_id, office, courier)
    with reading() as session:
        [seen] = runs.list_runs(session, org_id, "Mine")
        assert (seen.id, seen.total) == (made.run_id, 2)
        assert len(runs.run_items(session, seen, org_id, "Mine")) == 2
        assert runs.list_runs(session, org_id, "Nobody") == []
        assert runs.find_run(session, make_shop("Another"), None, made.run_id) is None


def hand_over(org_id: str, actor: str, codes: list[str]) -> None:
    with transaction() as session:
        record(session, org_id, actor, [Draft("carrier_scan", codes)], clock.now())
