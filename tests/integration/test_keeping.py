"""Old photos go by the shop's own numbers; digests, events and whatever still needs a picture stay."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from sync.rules.keeping import BEGINS_AFTER, Keeping
from tests.support.desk import hand_over, keep, make_desk_user, picture, reference, scrawl
from tests.support.keeping import DAYS, LATER, deletion, go, is_held, pictures, seen, set_days, settled
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services.cases.open_case import Wanted as Complaint
from webapp.services.cases.open_case import open_case
from webapp.services.cases.steps import close_case
from webapp.services.keep_file import add_file, put_bytes
from webapp.services.keeping import delete_old
from webapp.services.keeping.delete_old import delete_old_photos
from webapp.services.keeping.policy import keeping_of, save_keeping
from webapp.services.rebuild import check
from webapp.services.record import Draft, record
from webapp.services.review_proof import review_proof
from webapp.store.models import Event, OfficeAct, Task
from webapp.store.unit import reading, transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop("Toko Sari")


@pytest.fixture
def clerk(org_id: str) -> str:
    return make_desk_user(org_id, "admin")


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


def test_nothing_goes_until_somebody_says_so(phone: ApiPhone, org_id: str, clerk: str) -> None:
    event = settled(phone, org_id, clerk)
    assert go(timedelta(days=4000)).deleted == 0
    assert all(is_held(org_id, sha256) for sha256 in pictures(org_id, event).values())


def test_a_photo_goes_when_its_days_are_over_and_its_digest_stays(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    event = settled(phone, org_id, clerk)
    set_days(org_id, clerk)
    assert go(timedelta(days=DAYS, minutes=-1)).deleted == 0
    done = go()
    assert (done.photos, done.signatures, done.kept) == (1, 1, {})
    for role, sha256 in pictures(org_id, event).items():
        assert not is_held(org_id, sha256), role
        row = deletion(org_id, sha256)
        assert row is not None
        assert (row.why, row.after_days) == ("policy", DAYS)
        assert row.cleared_at is not None
    assert go().deleted == 0
    assert check(clock.now())[1] == []


def test_photos_and_signatures_have_numbers_of_their_own(phone: ApiPhone, org_id: str, clerk: str) -> None:
    event = pictures(org_id, settled(phone, org_id, clerk))
    set_days(org_id, clerk, photos=None, signatures=DAYS)
    assert (go().photos, is_held(org_id, event["photo"]), is_held(org_id, event["signature"])) == (
        0,
        True,
        False,
    )
    set_days(org_id, clerk, photos=DAYS * 2, signatures=DAYS)
    assert go(LATER).deleted == 0
    assert go(2 * LATER).photos == 1


def test_nothing_goes_on_the_day_the_number_was_set(phone: ApiPhone, org_id: str, clerk: str) -> None:
    settled(phone, org_id, clerk)
    now = clock.now()
    save_keeping(org_id, clerk, Keeping(DAYS, DAYS), now + LATER)
    (early,) = delete_old_photos(now + LATER + BEGINS_AFTER - timedelta(seconds=1))
    (done,) = delete_old_photos(now + LATER + BEGINS_AFTER)
    assert (early.deleted, done.deleted) == (0, 2)


def test_the_same_numbers_again_do_not_put_it_off(org_id: str, clerk: str) -> None:
    set_days(org_id, clerk)
    with reading() as session:
        begins_at = keeping_of(session, org_id).begins_at
    set_days(org_id, clerk)
    with reading() as session:
        assert keeping_of(session, org_id).begins_at == begins_at
        assert len(list(session.execute(select(OfficeAct)).scalars())) == 1


def test_a_trial_says_what_would_go_and_changes_nothing(phone: ApiPhone, org_id: str, clerk: str) -> None:
    event = settled(phone, org_id, clerk)
    set_days(org_id, clerk)
    done = go(is_trial=True)
    assert (done.photos, done.signatures) == (1, 1)
    assert all(is_held(org_id, sha256) for sha256 in pictures(org_id, event).values())
    assert go().deleted == 2


def test_what_waits_for_review_or_was_not_looked_at_stays(phone: ApiPhone, org_id: str, clerk: str) -> None:
    event = hand_over(phone, org_id, make_parcels(org_id, 1, status="ready"))
    set_days(org_id, clerk)
    assert go().kept == {"review": 2, "unseen": 2}
    seen(org_id)
    assert go().kept == {"review": 2}
    review_proof(org_id, clerk, event, "accept", clock.now())
    assert go().deleted == 2


def test_what_a_retake_is_asked_of_stays_until_it_is_answered(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    event = hand_over(phone, org_id, make_parcels(org_id, 1, status="ready"))
    seen(org_id)
    review_proof(org_id, clerk, event, "retake", clock.now(), reason="photo_blurred")
    set_days(org_id, clerk)
    assert go().kept == {"retake": 2}
    with transaction() as session:
        session.execute(update(Task).where(Task.org_id == org_id).values(done_at=clock.now()))
    assert go().deleted == 2


def test_everything_of_a_handover_with_a_parcel_in_an_open_case_stays(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    mine, other = make_parcels(org_id, 2, status="ready")
    settled(phone, org_id, clerk, [mine, other])
    settled(phone, org_id, clerk)
    case = open_case(
        org_id, clerk, Complaint("complaint", "Empty box", "Nothing in it.", (other,)), clock.now()
    )
    set_days(org_id, clerk)
    done = go()
    assert (done.deleted, done.kept) == (2, {"case": 2})
    close_case(org_id, clerk, case, "settled", "Half each.", clock.now())
    assert go().deleted == 2


def test_a_parcel_on_hold_keeps_its_photos(phone: ApiPhone, org_id: str, clerk: str) -> None:
    (code,) = make_parcels(org_id, 1, status="ready")
    settled(phone, org_id, clerk, [code])
    hold(org_id, clerk, code, is_on=True)
    set_days(org_id, clerk)
    assert go().kept == {"hold": 2}
    hold(org_id, clerk, code, is_on=False)
    assert go().deleted == 2


def hold(org_id: str, clerk: str, code: str, *, is_on: bool) -> None:
    with transaction() as session:
        record(session, org_id, clerk, [Draft("hold", [code], data={"on": is_on})], clock.now())


def test_what_something_in_quarantine_names_stays(phone: ApiPhone, org_id: str, clerk: str) -> None:
    photo = picture("twice told")
    codes = make_parcels(org_id, 1, status="ready")
    settled(phone, org_id, clerk, codes, blobs=[reference(photo), reference(scrawl(9), "signature")])
    keep(org_id, phone.device, photo)
    held_back = phone.seal("dance", codes, blobs=[reference(photo)])
    (result,) = phone.send(held_back)["results"]
    assert result["status"] == "quarantined"
    set_days(org_id, clerk)
    assert go().kept == {"quarantine": 1}
    assert is_held(org_id, hashlib.sha256(photo).hexdigest())


def test_a_picture_of_two_handovers_goes_when_neither_needs_it(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    photo = picture("the same table")
    one, two = (
        settled(phone, org_id, clerk, blobs=[reference(photo), reference(scrawl(n), "signature")])
        for n in (1, 2)
    )
    keep(org_id, phone.device, photo, scrawl(1), scrawl(2))
    sha256 = hashlib.sha256(photo).hexdigest()
    with transaction() as session:
        session.execute(
            update(Event)
            .where(Event.org_id == org_id, Event.id == two)
            .values(received_at=clock.now() + timedelta(days=10))
        )
    set_days(org_id, clerk)
    assert (go().deleted, is_held(org_id, sha256)) == (1, True)
    assert go(LATER + timedelta(days=10)).deleted == 2
    assert {deletion(org_id, digest) is not None for digest in pictures(org_id, one).values()} == {True}


def test_a_file_of_the_office_keeps_its_bytes_and_brings_them_back(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    photo, signature = picture("for the case"), scrawl(5)
    settled(phone, org_id, clerk, blobs=[reference(photo), reference(signature, "signature")])
    keep(org_id, phone.device, photo, signature)
    add_to_case(org_id, clerk, photo)
    set_days(org_id, clerk)
    assert (go().deleted, go().kept) == (1, {"file": 1})
    add_to_case(org_id, clerk, signature)
    assert is_held(org_id, hashlib.sha256(signature).hexdigest())
    assert deletion(org_id, hashlib.sha256(signature).hexdigest()) is None


def test_one_shops_trouble_is_told_and_stops_no_other(
    phone: ApiPhone, org_id: str, clerk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(phone, org_id, clerk)
    set_days(org_id, clerk)
    broken = make_shop("Broken")
    real = delete_old._round

    def fails(of: str, *how: Any, **more: Any) -> Any:
        if of == broken:
            raise RuntimeError("its disk is gone")
        return real(of, *how, **more)

    monkeypatch.setattr(delete_old, "_round", fails)
    rounds = {done.org_id: done for done in delete_old.delete_old_photos(clock.now() + LATER)}
    assert (rounds[broken].is_failed, rounds[broken].deleted) == (True, 0)
    assert (rounds[org_id].is_failed, rounds[org_id].deleted) == (False, 2)


def add_to_case(org_id: str, clerk: str, data: bytes) -> None:
    put_bytes(org_id, data)
    with transaction() as session:
        add_file(
            session,
            org_id,
            clerk,
            data,
            clock.now(),
            name="Photo",
            media_type="image/jpeg",
            purpose="case",
            subject="1",
        )
