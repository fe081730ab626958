"""What people do and what clocks say in the middle of a shift: no work is lost or counted twice for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.times import format_time
from tests.support.desk import PASSWORD, make_desk_user, signed_in
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import TusPhone, digest, held, make_photo
from tests.unit.phones import blob, proof
from webapp import clock
from webapp.services import rebuild
from webapp.services.change_user import set_password
from webapp.services.enrol import revoke_device
from webapp.services.hello import MIN_CLIENT
from webapp.services.settle_quarantine import accept_held
from webapp.store.models import Device, Event, Parcel, Quarantined
from webapp.store.unit import reading


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id))


def kept(org_id: str, model: Any = Event) -> list[str]:
    """The digests of what is in the books, sorted."""
    with reading() as session:
        return sorted(session.execute(select(model.sha256).where(model.org_id == org_id)).scalars())


def status(org_id: str, code: str) -> str:
    with reading() as session:
        return session.get_one(Parcel, (org_id, code)).status


def statuses(told: dict[str, Any]) -> list[str]:
    return [result["status"] for result in told["results"]]


def is_sound() -> bool:
    return not rebuild.check(clock.now())[1]


def test_a_phone_revoked_in_mid_shift_keeps_its_morning_and_its_afternoon_waits_for_the_office(
    app: Flask, phone: ApiPhone, org_id: str
) -> None:
    first, second, third = make_parcels(org_id, 3)
    morning = phone.seal("collect", [first], 0, **proof())
    assert statuses(phone.send(morning)) == ["applied"]
    office = make_desk_user(org_id, "office", "Sari")
    revoke_device(org_id, phone.device, clock.now())
    afternoon = [
        phone.seal("collect", [second], 60, **proof()),
        phone.seal("collect", [third], 61, **proof()),
    ]
    for _ in range(3):  # the phone did not hear the answer
        answer = phone.post(morning, *afternoon)
        told = answer.get_json()
        assert (answer.status_code, told["code"]) == (403, "device-revoked")
        assert statuses(told) == ["duplicate", "quarantined", "quarantined"]
    assert status(org_id, first) == "handed_over"
    assert status(org_id, second) == status(org_id, third) == "expected"
    with reading() as session:
        waiting = {row.sha256: row for row in session.execute(select(Quarantined)).scalars()}
    assert {row.raw.decode() for row in waiting.values()} >= set(afternoon)
    for jws in afternoon:
        accept_held(org_id, office, digest(jws.encode()), "It was his shift.", clock.now())
    assert status(org_id, second) == status(org_id, third) == "handed_over"
    with reading() as session:
        events = session.execute(select(Event.jws).where(Event.org_id == org_id)).scalars().all()
    assert all(events.count(jws) == 1 for jws in (morning, *afternoon))
    assert is_sound()


def test_a_new_password_ends_the_desks_sessions_and_no_phones_work(app: Flask, org_id: str) -> None:
    user_id = make_desk_user(org_id, "admin", "Dewi")
    desk, phone = signed_in(app, user_id), ApiPhone(app.test_client(), org_id, user_id)
    first, second = make_parcels(org_id, 2)
    photo = make_photo((640, 480))
    assert statuses(phone.send(phone.seal("collect", [first], **proof()))) == ["applied"]
    where = TusPhone(phone).begin(photo, photo[:5000])
    assert desk.get("/office/").status_code == 200
    set_password(org_id, user_id, PASSWORD + " and more", by_role="admin")
    assert desk.get("/office/").status_code in {302, 401}
    sealed = phone.seal("collect", [second], 1, **proof())
    assert statuses(phone.send(sealed)) == ["applied"]
    assert TusPhone(phone).patch(where, 5000, photo[5000:]).status_code == 204
    assert held(org_id, photo)
    assert phone.worklist()["epoch"]
    assert is_sound()


def test_an_old_app_is_told_to_renew_itself_and_all_it_held_comes_home_after(
    phone: ApiPhone, org_id: str
) -> None:
    codes = make_parcels(org_id, 3)
    photo = make_photo()
    old = [
        phone.seal("collect", [code], n, **{**proof(), "blobs": [blob(sha256=digest(photo))]})
        for n, code in enumerate(codes)
    ]
    for _ in range(2):
        answer = phone.post(*old, client="baton/0.0.9", unsent=3)
        assert (answer.status_code, answer.get_json()["code"]) == (426, "client-too-old")
        assert "safe" in answer.get_json()["detail"]
    assert kept(org_id) == kept(org_id, Quarantined) == [], "a refusal keeps nothing and promises nothing"
    assert TusPhone(phone).create(photo, photo).status_code == 201, "photos have no version"
    told = phone.send(*old, client=f"baton/{MIN_CLIENT}", unsent=3)
    assert statuses(told) == ["applied"] * 3
    assert (told["high_seq"], told["want"]) == (3, [])
    assert kept(org_id) == sorted(digest(jws.encode()) for jws in old)


def test_a_server_whose_clock_jumps_back_goes_on_as_before(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, photo = make_parcels(org_id, 4), make_photo((640, 480))
    real, tus = clock.now, TusPhone(phone)
    assert statuses(phone.send(phone.seal("collect", [codes[0]], **proof()))) == ["applied"]
    where = tus.begin(photo, photo[:5000])
    seen = {parcel["code"]: parcel["status"] for parcel in phone.worklist()["parcels"]["upserts"]}
    cursor = phone.worklist()["cursor"]
    jumps = (timedelta(hours=-5), timedelta(days=-400), timedelta(days=1))
    for jump, code in zip(jumps, codes[1:], strict=True):
        monkeypatch.setattr(clock, "now", lambda jump=jump: real() + jump)
        sealed = phone.seal("collect", [code], 9, **proof())
        told = phone.send(sealed)
        assert statuses(told) == ["applied"]
        assert (told["high_seq"], told["missing_seqs"]) == (phone.seq, [])
        assert statuses(phone.send(sealed)) == ["duplicate"]
        page = phone.worklist(cursor)
        if page["reset"]:
            seen.clear()
        seen |= {parcel["code"]: parcel["status"] for parcel in page["parcels"]["upserts"]}
        for gone in page["parcels"]["removes"]:
            seen.pop(gone, None)
        cursor = page["cursor"]
        whole = phone.worklist()["parcels"]["upserts"]
        assert seen == {parcel["code"]: parcel["status"] for parcel in whole}
    assert tus.patch(where, 5000, photo[5000:]).status_code == 204
    assert held(org_id, photo)
    assert {status(org_id, code) for code in codes} == {"handed_over"}
    assert is_sound()


def test_a_phone_with_a_month_of_old_work_brings_all_of_it_home(phone: ApiPhone, org_id: str) -> None:
    codes = make_parcels(org_id, 500)
    began = clock.now() - timedelta(days=31)
    photos = [make_photo((64, 48)) for _ in range(3)]
    for number, code in enumerate(codes):
        at = format_time(began + timedelta(minutes=89 * number))
        named = [blob(sha256=digest(photos[number % 3])), blob("signature")]
        phone.seal("collect", [code], **{**proof(), "blobs": named}, at=at)
    queue = phone.sealed[:]
    while queue:
        left = len(queue)
        told = phone.send(*queue[:200], unsent=left, oldest_at=format_time(began), head_seq=500)
        assert statuses(told) == ["applied"] * min(left, 200)
        with reading() as session:
            device = session.get_one(Device, phone.device)
            assert (device.unsent, device.oldest_unsent_at) == (left, began)
        queue = queue[200:]
    assert (told["high_seq"], told["missing_seqs"]) == (500, [])
    assert set(map(digest, photos)) <= set(told["want"])
    for photo in photos:
        TusPhone(phone).create(photo, photo)
        assert held(org_id, photo)
    with reading() as session:
        rows = session.execute(select(Event).where(Event.org_id == org_id)).scalars().all()
    assert len(rows) == 500
    assert min(row.at for row in rows) == began, "when it was done, not when it came"
    assert all(status(org_id, code) == "handed_over" for code in codes[::50])
    assert is_sound()
