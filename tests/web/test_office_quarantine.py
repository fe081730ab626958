"""The quarantine desk: what is held, shown without believing it, taken in or set aside by those who may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol import envelope
from sync.protocol.keys import generate_key
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.sitting import Desk
from tests.support.sitting import words as marked_words
from tests.unit.phones import proof
from webapp import clock
from webapp.store.models import Device, Parcel, Quarantined
from webapp.store.unit import reading, transaction

LIST = "/office/quarantine"


def words(markup: str) -> str:
    return unescape(marked_words(markup))


@dataclass
class Scene:
    """A shop, its phone, and somebody at the desk."""

    app: Flask
    org_id: str
    phone: ApiPhone
    desk: Desk
    codes: list[str]

    def forge(self, number: int = 0, **members: object) -> str:
        """Have a record held whose signature does not fit; gives its digest."""
        payload = self.phone.payload("collect", [self.codes[number]], **proof()) | members
        (result,) = self.phone.send(envelope.sign(payload, generate_key()))["results"]
        assert result["status"] == "quarantined"
        return str(result["sha256"])


@pytest.fixture
def scene(app: Flask) -> Scene:
    org_id = make_shop()
    phone = ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))
    return Scene(app, org_id, phone, Desk(app, org_id), make_parcels(org_id, 3))


def test_an_empty_quarantine_says_so(scene: Scene) -> None:
    assert "Nothing is held" in scene.desk.page(LIST)


def test_what_is_held_is_listed_with_its_reason_and_counted(scene: Scene) -> None:
    sha256 = scene.forge()
    scene.phone.send("no record at all")
    page = words(scene.desk.page(LIST))
    assert "Collected 1 parcel" in page
    assert "Signature does not fit" in page
    assert "Unreadable" in page
    assert "Budi Santoso" in page
    assert "Quarantine 2 waiting" in page
    only = scene.desk.page(LIST, reason="bad_signature")
    assert sha256 in only
    assert "Unreadable" not in only
    assert "Nothing like this" in scene.desk.page(LIST, state="settled")
    assert "Nothing like this" in scene.desk.page(LIST, phone="another")


def test_an_item_tells_what_it_says_and_that_nothing_proves_it(scene: Scene) -> None:
    sha256 = scene.forge(note="Di pos satpam", counterpart={"name": "Ibu Sari", "role": "seller"})
    page = scene.desk.page(f"{LIST}/{sha256}")
    told = words(page)
    assert "Nothing of this is proved." in told
    assert "Ibu Sari (seller)" in told
    assert "Di pos satpam" in told
    assert f"/office/parcels/{scene.codes[0]}" in page
    assert "Take it in on my word" in told
    assert "an urgent warning about the signature stays on them for good" in told


def test_what_a_phone_sent_after_it_was_signed_out_is_told_in_the_same_words(scene: Scene) -> None:
    with transaction() as session:
        device = session.execute(select(Device).where(Device.id == scene.phone.device)).scalar_one()
        device.revoked_at = clock.now()
    answer = scene.phone.post(scene.phone.seal("collect", scene.codes[:1], **proof()))
    (result,) = answer.get_json()["results"]
    told = words(scene.desk.page(f"{LIST}/{result['sha256']}"))
    assert "· signed out" in told
    assert "The server said the phone had been signed out" in told


def test_taken_in_it_moves_the_parcel_and_says_who_and_why_for_good(scene: Scene) -> None:
    sha256 = scene.forge()
    told = scene.desk.press(f"{LIST}/{sha256}/accept", reason="Rang Ibu Sari, she has given it", seen="")
    assert "Taken in on the office's word" in unescape(told)
    assert "Rang Ibu Sari, she has given it" in told
    assert "Office of the tests" in told
    assert "Take it in on my word" not in told
    assert "Nothing is held" in scene.desk.page(LIST)
    assert sha256 in scene.desk.page(LIST, state="settled")
    parcel = words(scene.desk.page(f"/office/parcels/{scene.codes[0]}"))
    assert "Handed over" in parcel
    assert "The signature does not fit the phone's key." in parcel
    assert "Taken in from quarantine" in parcel
    assert "Rang Ibu Sari, she has given it" in parcel


def test_set_aside_it_stays_and_can_still_be_taken_in(scene: Scene) -> None:
    sha256 = scene.forge()
    told = scene.desk.press(f"{LIST}/{sha256}/aside", reason="Nobody knows of it", seen="")
    assert "Set aside" in told
    assert "Nobody knows of it" in told
    assert "Take it in on my word" in told
    with reading() as session:
        assert session.get_one(Parcel, (scene.org_id, scene.codes[0])).status == "expected"
    told = scene.desk.press(f"{LIST}/{sha256}/accept", reason="The courier brought the receipt", seen="aside")
    assert "The courier brought the receipt" in told


def test_a_decision_without_a_reason_comes_back_beside_its_form(scene: Scene) -> None:
    sha256 = scene.forge()
    for press, field in (("accept", "f-accept"), ("aside", "f-aside")):
        answer = scene.desk.post(f"{LIST}/{sha256}/{press}", reason="  ", seen="")
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert "Say why" in answer.text
    with reading() as session:
        assert session.get_one(Quarantined, (scene.org_id, sha256)).settled_at is None


def test_who_comes_second_is_told(scene: Scene) -> None:
    sha256 = scene.forge()
    scene.desk.press(f"{LIST}/{sha256}/aside", reason="Mine", seen="")
    answer = scene.desk.post(f"{LIST}/{sha256}/accept", reason="Yours", seen="")
    assert answer.status_code == 409
    assert "Somebody settled it meanwhile" in answer.text


def test_what_cannot_be_read_is_only_set_aside(scene: Scene) -> None:
    (result,) = scene.phone.send("<script>alert(1)</script>\x00")["results"]
    page = scene.desk.page(f"{LIST}/{result['sha256']}")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "It cannot be taken in" in page
    answer = scene.desk.post(f"{LIST}/{result['sha256']}/accept", reason="Please", seen="")
    assert answer.status_code == 422
    assert "cannot be taken in" in answer.text
    scene.desk.press(f"{LIST}/{result['sha256']}/aside", reason="Noise", seen="")


@pytest.mark.parametrize(
    "members",
    [
        {"parcels": "all"},
        {"parcels": [1, None, {}, "<b>x</b>"]},
        {"counterpart": "Ibu", "blobs": [1, {"sha256": 5}, {"sha256": "x" * 64}], "at": 17, "kind": 5},
        {"note": {"deep": [1]}, "reason": ["x"], "expected": "many", "at": "yesterday", "seq": "no"},
        {"kind": "k" * 5000, "note": "n" * 50_000},
        {"at": "0001-01-01T00:00:00.000Z", "offset_ms": -4_000_000_000_000},
        {"at": "9999-12-31T23:59:59.999Z"},
    ],
)
def test_whatever_a_payload_holds_its_page_is_there(scene: Scene, members: dict[str, object]) -> None:
    sha256 = scene.forge(**members)
    assert scene.desk.get(LIST).status_code == 200
    page = scene.desk.page(f"{LIST}/{sha256}")
    assert "<b>x</b>" not in page
    answer = scene.desk.post(f"{LIST}/{sha256}/accept", reason="Try it", seen="")
    assert answer.status_code in {303, 422}
    assert scene.desk.get(LIST, state="all").status_code == 200


def test_a_long_list_has_pages_in_both_directions(scene: Scene) -> None:
    now = clock.now()
    with transaction() as session:
        for number in range(120):
            session.add(
                Quarantined(
                    org_id=scene.org_id,
                    sha256=f"{number:064x}",
                    device_id=scene.phone.device,
                    signature_good=False,
                    code="event_malformed",
                    detail="no",
                    received_at=now - timedelta(minutes=number // 3),
                    raw=b"x",
                )
            )
    seen: list[list[str]] = []
    path = LIST
    while True:
        page = scene.desk.page(path)
        found = [part[:64] for part in page.split('href="/office/quarantine/')[1:]]
        seen.append(found)
        _, mark, rest = page.partition('rel="next" href="')
        if not mark:
            break
        path = rest.partition('"')[0].replace("&amp;", "&")
    assert [len(found) for found in seen] == [50, 50, 20]
    assert len({sha256 for found in seen for sha256 in found}) == 120
    back = page.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert [part[:64] for part in scene.desk.page(back).split('href="/office/quarantine/')[1:]] == seen[1]


@pytest.mark.parametrize(
    "query", [{"after": "x~y"}, {"before": "2026-01-01~z"}, {"state": "x", "phone": "'"}]
)
def test_an_address_that_nobody_made_is_no_error(scene: Scene, query: dict[str, str]) -> None:
    scene.forge()
    assert scene.desk.get(LIST, **query).status_code == 200


def test_only_the_office_and_administrators_come_in(scene: Scene) -> None:
    sha256 = scene.forge()
    seller = Desk(scene.app, scene.org_id, "seller", seller="Toko Sari")
    for path in (LIST, f"{LIST}/{sha256}", "/office/rescue", "/office/phones/unsent"):
        assert seller.get(path).status_code == 403
    assert seller.post(f"{LIST}/{sha256}/accept", reason="Mine", seen="").status_code == 403
    assert Desk(scene.app, scene.org_id, "admin").get(f"{LIST}/{sha256}").status_code == 200
    other = Desk(scene.app, make_shop("Another shop"))
    assert other.get(f"{LIST}/{sha256}").status_code == 404
    assert other.post(f"{LIST}/{sha256}/accept", reason="Mine", seen="").status_code == 404


# --- phones with unsent work ---------------------------------------------------------------------


def test_phones_are_listed_by_their_oldest_work_with_what_to_do(scene: Scene) -> None:
    other = ApiPhone(scene.phone.client, scene.org_id, make_user(scene.org_id, name="Sari Dewi", active=True))
    safe = ApiPhone(scene.phone.client, scene.org_id, make_user(scene.org_id, name="Joko Home", active=True))
    scene.phone.send(
        unsent=2,
        unsent_blobs=1,
        oldest_at="2026-11-22T06:00:00.000Z",
        head_seq=2,
        storage={"usage": 950_000_000, "quota": 1_000_000_000, "persisted": False},
    )
    first, second = other.seal("collect", [scene.codes[0]], **proof()), None
    for _ in range(3):
        second = other.seal("attempt", [scene.codes[0]], reason="nobody_home")
    assert second
    other.send(first, second, unsent=0, unsent_blobs=4, oldest_at="2026-11-20T06:00:00.000Z", head_seq=4)
    safe.send(unsent=0, unsent_blobs=0, head_seq=0)
    page = words(scene.desk.page("/office/phones/unsent"))
    assert "Joko Home" not in page
    assert page.index("Sari Dewi") < page.index("Budi Santoso")
    assert "no. 2–3" in page
    assert "its storage may have been cleared. Ask Sari Dewi" in page
    assert "2 records" in page
    assert "50 MB left, may be cleared by the phone" in page
    assert "hardly any room left" in page
    assert "What to do" in scene.desk.page("/office/")
    assert "/office/phones/unsent" in scene.desk.page("/office/phones")


def test_a_store_that_would_not_open_is_told_until_it_is_home(scene: Scene) -> None:
    lost = [{"name": "baton", "at": "2026-11-22T06:00:00.000Z", "why": "UnknownError"}]
    home = {"unsent": 0, "unsent_blobs": 0, "head_seq": 0, "storage": {"persisted": True}}
    scene.phone.send(**home, storage_lost=lost)
    unsent = words(scene.desk.page("/office/phones/unsent"))
    assert "A store does not open" in unsent
    assert "since 22 Nov" in unsent
    assert "(UnknownError)" in unsent
    assert "Ask Budi Santoso not to clear the browser’s data" in unsent
    assert "A store does not open" in words(scene.desk.page("/office/phones"))
    assert "a store does not open" in words(scene.desk.page("/office/"))
    scene.phone.send(**home)
    assert "Nothing unsent" in scene.desk.page("/office/phones/unsent")
    assert "does not open" not in words(scene.desk.page("/office/phones") + scene.desk.page("/office/"))


def test_advice_fits_the_phone(scene: Scene) -> None:
    scene.phone.send(unsent=2, head_seq=2)
    told = words(scene.desk.page("/office/phones/unsent"))
    assert "probably sending" in told
    with transaction() as session:
        device = session.execute(select(Device).where(Device.id == scene.phone.device)).scalar_one()
        device.last_seen_at = clock.now() - timedelta(days=3)
        device.clock_ms = 3_600_000
    told = words(scene.desk.page("/office/phones/unsent"))
    assert "Ask Budi Santoso to open Baton where there is a network" in told
    assert "Set date and time to automatic" in told
    with transaction() as session:
        session.execute(
            select(Device).where(Device.id == scene.phone.device)
        ).scalar_one().revoked_at = clock.now()
    assert "Ask Budi Santoso for its rescue file" in words(scene.desk.page("/office/phones/unsent"))
    with transaction() as session:
        device = session.execute(select(Device).where(Device.id == scene.phone.device)).scalar_one()
        device.unsent, device.head_seq = 0, 0
    assert "Nothing unsent" in scene.desk.page("/office/phones/unsent")


def test_what_came_by_another_hand_is_said_to_be_the_phones_own_count(scene: Scene) -> None:
    line = scene.phone.seal("attempt", [scene.codes[0]], reason="nobody_home")
    scene.phone.send(line, unsent=1, unsent_blobs=0, head_seq=1)
    page = scene.desk.page("/office/phones/unsent")
    assert "1 record by the phone's own count" in words(page)
    assert "Every record that it had sealed when it was last heard is here" in page
    assert 'data-tone="attention"' not in page.partition('class="card stack" id="p-')[2]
    scene.phone.send(unsent=1, unsent_blobs=2, head_seq=1)
    page = scene.desk.page("/office/phones/unsent").partition('class="card stack" id="p-')[2]
    assert 'data-tone="attention"' in page, "nobody has said that the photos came"
    assert "do not clear it before its parcels show them" in page
    scene.phone.send(unsent=1, unsent_blobs=0, head_seq=2)
    assert "own count" not in scene.desk.page("/office/phones/unsent")
