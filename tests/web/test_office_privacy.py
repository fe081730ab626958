"""The privacy page: numbers are set by an administrator who is told what goes, and what is gone is said everywhere."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.keeping import DAYS, LATER, pictures, set_days, settled
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.services.keeping.delete_old import delete_old_photos

PATH = "/office/privacy"


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id, "admin")


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id))


def test_nothing_is_deleted_by_default(desk: Desk) -> None:
    page = words(desk.page(PATH))
    assert "Every picture is kept" in page
    assert "Nothing was set or deleted yet" in page


def test_too_short_a_time_comes_back_as_it_was_typed_with_the_reason(desk: Desk) -> None:
    answer = desk.post(PATH, photos="39", signatures="")
    assert answer.status_code == 422
    assert 'value="39"' in answer.text
    assert "A complaint has 40 days" in words(answer.text)


def test_who_deletes_more_is_asked_once_more_and_told_from_when(desk: Desk) -> None:
    asked = words(desk.post(PATH, photos="60", signatures="").text)
    assert "Nothing is that old yet" in asked
    assert "cannot be brought back" in asked
    assert "Every picture is kept" in words(desk.page(PATH))
    seen = {"seen_photos": "60", "seen_signatures": ""}
    again = words(desk.post(PATH, photos="90", signatures="", sure="1", **seen).text)
    assert "Nothing is that old yet" in again, "sure of other numbers than were foreseen"
    assert "Every picture is kept" in words(desk.page(PATH))
    assert "Nothing goes before" in desk.press(PATH, photos="60", signatures="", sure="1", **seen)
    page = words(desk.page(PATH))
    assert "Delete photos after 60 days; keep signatures" in page
    assert "Admin of the tests" in page


def test_who_keeps_more_is_not_asked(desk: Desk) -> None:
    desk.press(PATH, photos="60", signatures="60", sure="1", seen_photos="60", seen_signatures="60")
    assert "Kept. Every photo and signature stays." in desk.press(PATH, photos="", signatures="")


def test_the_office_sees_the_numbers_and_cannot_set_them(app: Flask, org_id: str, desk: Desk) -> None:
    desk.press(PATH, photos="60", signatures="", sure="1", seen_photos="60", seen_signatures="")
    clerk = Desk(app, org_id)
    page = clerk.page(PATH)
    assert "Photos 60 days Signatures Kept" in words(page)
    assert 'name="photos"' not in page
    assert clerk.post(PATH, photos="", signatures="").status_code == 403


def test_where_a_picture_was_the_pages_say_since_when_it_is_gone(
    desk: Desk, phone: ApiPhone, org_id: str
) -> None:
    (code,) = make_parcels(org_id, 1, status="ready")
    event = settled(phone, org_id, desk.user_id, [code])
    set_days(org_id, desk.user_id)
    delete_old_photos(clock.now() + LATER)
    for path in (f"/office/parcels/{code}", f"/office/review/{event}"):
        page = words(desk.page(path))
        assert page.count(f"after {DAYS} days") == 2, path
        assert "Not yet home" not in page
        assert "not yet home" not in page
    gone = desk.get(f"/office/photos/{pictures(org_id, event)['photo']}")
    assert gone.status_code == 410
    assert "after 60 days" in gone.text
    assert "1 photo and 1 signature deleted" in words(desk.page(PATH))


def test_a_seller_sees_why_a_picture_is_gone_and_is_not_told_of_others(
    app: Flask, desk: Desk, phone: ApiPhone, org_id: str
) -> None:
    (code,) = make_parcels(org_id, 1, status="ready", seller="Toko Sari")
    event = settled(phone, org_id, desk.user_id, [code])
    set_days(org_id, desk.user_id)
    delete_old_photos(clock.now() + LATER)
    seller = Desk(app, org_id, "seller", "Toko Sari")
    assert "Deleted by policy" in words(seller.page(f"/office/parcels/{code}"))
    assert seller.get(f"/office/photos/{pictures(org_id, event)['photo']}").status_code == 404
    assert seller.get(PATH).status_code == 403
