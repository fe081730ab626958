"""The office reads a phone's rescue file in, and sees item by item what became of it."""

from __future__ import annotations

import io
from html import unescape

import pytest
from flask import Flask

from tests.support.desk import picture, reference, token
from tests.support.rescue import digest, flipped, header_of, rescue_file, without_directory
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.sitting import Desk, words
from tests.unit.phones import proof
from webapp import clock
from webapp.services.enrol import revoke_device


class Scene:
    """A desk, and a phone with one handover and its photo that it never sent."""

    def __init__(self, app: Flask) -> None:
        self.org_id = make_shop()
        user = make_user(self.org_id, name="Budi Santoso", active=True)
        self.phone = ApiPhone(app.test_client(), self.org_id, user)
        self.desk = Desk(app, self.org_id)
        [self.code] = make_parcels(self.org_id, 1)
        self.photo = picture("of the rescue", (300, 400))
        blobs = [reference(self.photo), {**reference(b"never here", "signature"), "type": "image/png"}]
        self.line = self.phone.seal("collect", [self.code], **{**proof(), "blobs": blobs})
        self.file = rescue_file(self.phone.device, [self.line], [self.photo])

    def upload(self, data: bytes, name: str = "baton-20261122.baton") -> str:
        """The words of the page that follows."""
        form = {"csrf_token": token(self.desk.client), "file": (io.BytesIO(data), name)}
        answer = self.desk.client.post(
            "/office/rescue", data=form, content_type="multipart/form-data", follow_redirects=True
        )
        self.status, self.page = answer.status_code, answer.text
        return unescape(words(answer.text))


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene(app)


def test_a_file_is_read_in_and_told_item_by_item(scene: Scene) -> None:
    told = scene.upload(scene.file)
    assert "1 came in, of the events" in told
    assert "1 came in, of the photos" in told
    assert "1 photo named by these records is neither in the file nor here." in told
    assert "Collected, " in told
    assert f"/office/parcels/{scene.code}#e-" in scene.page
    assert "Photo 1" in told
    assert "Read in by Office of the tests" in told
    listed = words(scene.desk.page("/office/rescue"))
    assert "baton-20261122.baton" in listed
    parcel = scene.desk.page(f"/office/parcels/{scene.code}")
    assert "Handed over" in words(parcel)
    assert "by rescue file" in words(parcel)


def test_the_same_file_again_says_that_all_was_here(scene: Scene) -> None:
    scene.upload(scene.file)
    told = scene.upload(scene.file)
    assert "0 came in, of the events 1 here already, of the events" in told
    assert "0 came in, of the photos 1 here already, of the photos" in told
    assert "by rescue file" in words(scene.desk.page(f"/office/parcels/{scene.code}"))


def test_what_the_phone_sent_itself_did_not_come_by_file(scene: Scene) -> None:
    scene.phone.send(scene.line)
    scene.upload(scene.file)
    assert "by rescue file" not in words(scene.desk.page(f"/office/parcels/{scene.code}"))


def test_a_damaged_file_names_what_it_lost(scene: Scene) -> None:
    name = f"blobs/{digest(scene.photo)}.jpg"
    at = header_of(scene.file, name) + 30 + len(name) + 100
    told = scene.upload(without_directory(flipped(scene.file, at)))
    assert "1 came in, of the events" in told
    assert "Its bytes were changed: the checksum does not fit." in told
    assert "The file ends before its directory" in told


def test_what_is_held_leads_to_the_desk_and_back(scene: Scene) -> None:
    revoke_device(scene.org_id, scene.phone.device, clock.now())
    told = scene.upload(scene.file)
    assert "1 held in quarantine" in told
    assert "Record held" in told
    assert "The phone, or its person, had been signed out when this came." in told
    sha256 = digest(scene.line.encode())
    assert f"/office/quarantine/{sha256}" in scene.page
    item = scene.desk.page(f"/office/quarantine/{sha256}")
    assert "baton-20261122.baton" in item
    assert f"/office/photos/{digest(scene.photo)}" in item
    assert scene.desk.get(f"/office/photos/{digest(scene.photo)}").status_code == 200
    scene.desk.press(f"/office/quarantine/{sha256}/accept", reason="His last day, all true", seen="")
    parcel = words(scene.desk.page(f"/office/parcels/{scene.code}"))
    assert "Taken in from quarantine" in parcel
    assert "its phone was signed out" in parcel


@pytest.mark.parametrize(("data", "said"), [(b"", "The file is empty"), (b"no zip", "Nothing in the file")])
def test_a_file_that_is_none_comes_back_with_a_reason(scene: Scene, data: bytes, said: str) -> None:
    assert said in scene.upload(data)
    assert scene.status == 422
    assert "No rescue file yet" in scene.page


def test_no_file_chosen_is_said(scene: Scene) -> None:
    assert "Choose the file" in scene.desk.post("/office/rescue").text


def test_a_long_file_has_pages(scene: Scene) -> None:
    lines = [scene.phone.seal("attempt", [scene.code], reason="nobody_home") for _ in range(130)]
    scene.upload(rescue_file(scene.phone.device, lines))
    assert scene.page.count("Came in") >= 100
    following = scene.page.partition('rel="next" href="')[2].partition('"')[0]
    second = scene.desk.page(following.replace("&amp;", "&"))
    assert second.count('data-label="Event"') == 30


def test_what_was_brought_and_held_is_not_missed_any_more(scene: Scene) -> None:
    scene.phone.send(unsent=1, unsent_blobs=1, head_seq=1)
    revoke_device(scene.org_id, scene.phone.device, clock.now())
    unsent = "/office/phones/unsent"
    assert "Ask Budi Santoso for its rescue file" in words(scene.desk.page(unsent))
    scene.upload(scene.file)
    told = words(scene.desk.page(unsent))
    assert "somebody brought it" in told
    assert "Ask Budi Santoso for its rescue file" not in told
