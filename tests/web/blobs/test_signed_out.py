"""A phone that is signed out brings the photos its own events speak of, and no others."""

from __future__ import annotations

import pytest

from tests.support.shop import make_parcels
from tests.support.tus import BLOBS, TusPhone, code_of, digest, held, make_photo
from tests.unit.phones import blob
from webapp import clock
from webapp.services.enrol import revoke_device

REFUSED = (403, "device-revoked")


def attempt(phone: TusPhone, org_id: str, *photos: bytes) -> str:
    """An event of this phone that speaks of these photos."""
    (code,) = make_parcels(org_id, 1)
    refs = [blob(sha256=digest(photo)) for photo in photos]
    return phone.phone.seal("attempt", [code], reason="nobody_home", blobs=refs)


def test_what_none_of_its_events_speak_of_is_refused(
    phone: TusPhone, colleague: TusPhone, org_id: str
) -> None:
    photo, theirs = make_photo(), make_photo()
    url = phone.begin(photo)
    colleague.phone.send(attempt(colleague, org_id, theirs))
    revoke_device(org_id, phone.phone.device, clock.now())
    for answer in (phone.create(photo, photo), phone.patch(url, 0, photo), phone.delete(url)):
        assert (answer.status_code, code_of(answer)) == REFUSED
    for answer in (phone.create(theirs), phone.create(theirs, theirs)):
        assert (answer.status_code, code_of(answer)) == REFUSED
    assert phone.head(url).status_code == 403
    assert not held(org_id, photo)
    assert not held(org_id, theirs)
    colleague.begin(theirs, theirs)
    assert phone.head(f"{BLOBS}/{digest(theirs)}").status_code == 403
    assert phone.missing(digest(theirs)) == [digest(theirs)], "what others brought is not told to it"


@pytest.mark.parametrize("is_late", [False, True], ids=["accepted before", "held in quarantine since"])
def test_what_its_own_events_speak_of_comes_home(phone: TusPhone, org_id: str, is_late: bool) -> None:
    whole, pieces, begun = photos = make_photo(), make_photo(), make_photo()
    sealed = attempt(phone, org_id, *photos)
    url = phone.begin(begun, begun[:100])
    if not is_late:
        phone.phone.send(sealed)
    revoke_device(org_id, phone.phone.device, clock.now())
    if is_late:
        assert phone.phone.post(sealed).get_json()["results"][0]["status"] == "quarantined"
    assert phone.missing(*map(digest, photos)) == list(map(digest, photos))
    assert phone.create(whole, whole).status_code == 201
    assert phone.patch(url, 100, begun[100:]).status_code == 204
    second = phone.begin(pieces, pieces[:50])
    assert phone.offset(second) == 50
    assert phone.patch(second, 50, pieces[50:]).status_code == 204
    assert all(held(org_id, photo) for photo in photos)
    assert phone.missing(*map(digest, photos)) == []


def test_a_held_line_that_its_key_does_not_prove_opens_nothing(
    phone: TusPhone, colleague: TusPhone, org_id: str
) -> None:
    mine, theirs = make_photo(), make_photo()
    colleague.begin(theirs, theirs)
    told, _, _ = attempt(phone, org_id, mine, theirs).rpartition(".")
    _, _, of_another = phone.phone.seal("note", [], note="Something else").rpartition(".")
    revoke_device(org_id, phone.phone.device, clock.now())
    forged = f"{told}.{of_another}"
    assert phone.phone.post(forged).get_json()["results"][0]["status"] == "quarantined"
    assert phone.missing(digest(theirs)) == [digest(theirs)]
    answer = phone.create(mine, mine)
    assert (answer.status_code, code_of(answer)) == REFUSED
