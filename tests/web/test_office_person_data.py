"""One person's data in the office: only an administrator finds, hands out and erases, and types the id to do so."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from flask import Flask

from tests.support.books import Books
from tests.support.desk import hand_over
from tests.support.exports import order_id, ready
from tests.support.shop import ApiPhone, make_user
from tests.support.sitting import Desk, words

PATH = "/office/privacy/person"
BUYER = {"recipient": "Siti Aminah", "phone": "+60123456789", "address": "12 Jalan Melur"}


@pytest.fixture
def books(app: Flask, tmp_path: Path) -> Books:
    made = Books(tmp_path)
    made.put(ready(1, **BUYER))
    return made


@pytest.fixture
def desk(app: Flask, books: Books) -> Desk:
    return Desk(app, books.org, "admin")


def deliver(app: Flask, books: Books) -> None:
    phone = ApiPhone(app.test_client(), books.org, make_user(books.org))
    hand_over(phone, books.org, [books.parcel().code], "deliver")


def test_the_privacy_page_leads_to_a_person_and_their_file(desk: Desk) -> None:
    assert PATH in desk.page("/office/privacy")
    assert "Everything Baton knows about Siti Aminah" in words(desk.page(PATH, q="siti aminah"))
    answer = desk.post(f"{PATH}/export", q=order_id(1))
    assert answer.headers["Content-Disposition"].endswith(f"baton-person-{order_id(1)}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        assert json.loads(pack.read("orders.json"))[0]["address"] == "12 Jalan Melur"
    assert "The data of a buyer was handed out" in words(desk.page("/office/privacy"))


def test_who_is_not_known_is_asked_for_again(desk: Desk) -> None:
    answer = desk.get(PATH, q="Nobody")
    assert answer.status_code == 404
    assert 'value="Nobody"' in answer.text


def test_erasing_takes_the_id_typed_and_says_what_stays(app: Flask, books: Books, desk: Desk) -> None:
    deliver(app, books)
    wrong = desk.post(f"{PATH}/erase", q=order_id(1), confirm="yes")
    assert wrong.status_code == 422
    assert books.order().recipient == "Siti Aminah"
    told = desk.press(f"{PATH}/erase", q=order_id(1), confirm=order_id(1))
    assert "evidence and cannot be changed" in told
    assert "Backups made before" in told
    assert "erased" in told
    assert books.order().recipient is None
    assert f"A buyer was erased: {order_id(1)}" in words(desk.page("/office/privacy"))
    assert "Siti" not in desk.page(f"/office/orders/{order_id(1)}")


def test_what_is_under_way_comes_back_with_the_reason(desk: Desk, books: Books) -> None:
    answer = desk.post(f"{PATH}/erase", q=order_id(1), confirm=order_id(1))
    assert answer.status_code == 409
    assert "under way" in words(answer.text)
    assert books.order().recipient == "Siti Aminah"


def test_only_an_administrator_may(app: Flask, books: Books) -> None:
    clerk = Desk(app, books.org)
    assert PATH not in clerk.page("/office/privacy")
    assert clerk.get(PATH, q=order_id(1)).status_code == 403
    assert clerk.post(f"{PATH}/export", q=order_id(1)).status_code == 403
    assert clerk.post(f"{PATH}/erase", q=order_id(1), confirm=order_id(1)).status_code == 403


def test_somebody_who_works_here_is_ended_first(desk: Desk, books: Books) -> None:
    user_id = make_user(books.org, name="Budi Santoso", active=True)
    page = words(desk.page(PATH, q=user_id))
    assert "Budi Santoso still works here" in page
    assert desk.post(f"{PATH}/erase", q=user_id, confirm=user_id).status_code == 409
    desk.press(f"/office/people/{user_id}/active", active="0")
    assert "Everything Baton knows" in words(desk.page(f"/office/people/{user_id}"))
    desk.press(f"{PATH}/erase", q=user_id, confirm=user_id)
    people = words(desk.page("/office/people"))
    assert ("Budi Santoso" in people, "Erased person" in people) == (False, True)
    page = words(desk.page(f"/office/people/{user_id}"))
    assert ("Their data was erased" in page, "Let them in again" in page) == (True, False)
    answer = desk.post(f"/office/people/{user_id}/active", active="1")
    assert (answer.status_code, "is added anew" in words(answer.text)) == (409, True)
