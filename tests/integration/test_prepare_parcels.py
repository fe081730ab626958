"""Confirm and label, one or thousands: what moves, what stays and why."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import moving
from webapp.services.confirm_parcels import confirm_parcels
from webapp.services.label_parcels import label_parcels
from webapp.services.moving import CANCEL_ASKED, UNKNOWN
from webapp.store.models import Anomaly, Event, EventParcel, Parcel
from webapp.store.queries.picking import Choice
from webapp.store.unit import reading, transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def office(org_id: str) -> str:
    return make_user(org_id, "office", "Otto")


def statuses(org_id: str) -> dict[str, int]:
    query = select(Parcel.status, func.count()).where(Parcel.org_id == org_id).group_by(Parcel.status)
    with reading() as session:
        return {row[0]: row[1] for row in session.execute(query)}


def put(org_id: str, code: str, **columns: object) -> None:
    with transaction() as session:
        session.execute(update(Parcel).where(Parcel.org_id == org_id, Parcel.code == code).values(**columns))


def anomalies(org_id: str) -> list[str]:
    with reading() as session:
        return list(session.execute(select(Anomaly.code).where(Anomaly.org_id == org_id)).scalars())


def test_everything_on_a_list_of_3000_moves_in_one_press(org_id: str, office: str) -> None:
    make_parcels(org_id, 3000)
    everything = Choice(statuses=("expected", "confirmed", "packed"))
    confirmed = confirm_parcels(org_id, office, None, everything, clock.now())
    assert (confirmed.by_status, confirmed.left) == ({"confirmed": 3000}, ())
    labelled = label_parcels(org_id, office, None, everything, clock.now(), without_packing=True)
    assert (labelled.by_status, labelled.left, labelled.skipped) == ({"ready": 3000}, (), 3000)
    with reading() as session:
        made = session.execute(select(func.count()).select_from(Event)).scalar_one()
    assert made == 2 * 6


def test_many_move_in_parts_that_let_the_phones_through(
    org_id: str, office: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PART", 3)
    codes = make_parcels(org_id, 7)
    done = confirm_parcels(org_id, office, None, Choice().only([*codes, "nowhere"]), clock.now())
    assert (done.by_status, dict(done.reasons)) == ({"confirmed": 7}, {UNKNOWN: 1})
    with reading() as session:
        heads = set(session.execute(select(Parcel.changed).where(Parcel.org_id == org_id)).scalars())
    assert len(heads) == 3, "one unit for each part"


def test_only_the_chosen_ones_move(org_id: str, office: str) -> None:
    codes = make_parcels(org_id, 5)
    done = confirm_parcels(org_id, office, None, Choice().only(codes[:2]), clock.now())
    assert done.count == 2
    assert statuses(org_id) == {"expected": 3, "confirmed": 2}


def test_what_nobody_packed_stays_unless_that_is_asked_for(org_id: str, office: str) -> None:
    codes = make_parcels(org_id, 2)
    confirm_parcels(org_id, office, None, Choice().only(codes[:1]), clock.now())
    stayed = label_parcels(org_id, office, None, Choice().only(codes), clock.now())
    assert stayed.count == 0
    assert dict(stayed.reasons) == {"Not packed on a phone": 1, "Not confirmed and not packed on a phone": 1}
    assert anomalies(org_id) == []
    moved = label_parcels(org_id, office, None, Choice().only(codes), clock.now(), without_packing=True)
    assert (moved.by_status, moved.skipped) == ({"ready": 2}, 2)
    assert anomalies(org_id) == ["skipped_pack", "skipped_pack"]


def test_what_a_phone_packed_is_labelled_without_a_mark(org_id: str, office: str, app_on_both: Flask) -> None:
    [code] = make_parcels(org_id, 1)
    confirm_parcels(org_id, office, None, Choice().only([code]), clock.now())
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, "seller", "Sari", seller="A"))
    blob = {"sha256": "a" * 64, "type": "image/jpeg", "size": 9, "role": "photo", "parcel": None}
    phone.send(phone.seal("pack", [code], blobs=[blob]))
    moved = label_parcels(org_id, office, None, Choice().only([code]), clock.now())
    assert (moved.by_status, moved.skipped) == ({"ready": 1}, 0)


def test_what_is_cancelled_held_back_or_past_it_stays_and_says_why(org_id: str, office: str) -> None:
    gone, asked, held, past, fits = make_parcels(org_id, 5)
    put(org_id, gone, status="cancelled")
    put(org_id, asked, flags={"cancel_requested": True})
    put(org_id, held, flags={"on_hold": True})
    put(org_id, past, status="ready")
    done = confirm_parcels(
        org_id, office, None, Choice().only([gone, asked, held, past, fits, "0" * 12]), clock.now()
    )
    assert done.by_status == {"confirmed": 1}
    why = {left.code: left.why for left in done.left}
    assert why[gone] == "It is cancelled"
    assert why[asked] == CANCEL_ASKED
    assert why[held].startswith("On hold")
    assert why[past] == "It was confirmed before"
    assert why["0" * 12] == UNKNOWN


def test_pressing_twice_moves_nothing_twice(org_id: str, office: str) -> None:
    codes = make_parcels(org_id, 3)
    choice = Choice().only(codes)
    confirm_parcels(org_id, office, None, choice, clock.now())
    again = confirm_parcels(org_id, office, None, choice, clock.now())
    assert (again.count, again.reasons) == (0, [("It was confirmed before", 3)])


def test_a_seller_moves_only_their_own(org_id: str) -> None:
    mine, theirs = make_parcels(org_id, 2, seller="Mine"), make_parcels(org_id, 2, seed=9, seller="Theirs")
    seller = make_user(org_id, "seller", "Sari", seller="Mine")
    done = confirm_parcels(org_id, seller, "Mine", Choice().only([*mine, *theirs]), clock.now())
    assert done.by_status == {"confirmed": 2}
    assert done.reasons == [(UNKNOWN, 2)]
    assert statuses(org_id) == {"confirmed": 2, "expected": 2}


def test_another_shops_parcels_do_not_exist_here(org_id: str, office: str) -> None:
    theirs = make_parcels(make_shop("Another"), 2)
    done = confirm_parcels(org_id, office, None, Choice().only(theirs), clock.now())
    assert (done.count, done.reasons) == (0, [(UNKNOWN, 2)])


def test_no_event_names_two_sellers_parcels(org_id: str, office: str) -> None:
    mine, theirs = make_parcels(org_id, 3, seller="Mine"), make_parcels(org_id, 2, seed=9, seller="Theirs")
    confirm_parcels(org_id, office, None, Choice().only([*mine, *theirs]), clock.now())
    by_event: dict[str, set[str]] = {}
    with reading() as session:
        for link in session.execute(select(EventParcel).where(EventParcel.org_id == org_id)).scalars():
            by_event.setdefault(link.event_id, set()).add(link.code)
    assert sorted(by_event.values(), key=len) == [set(theirs), set(mine)]
