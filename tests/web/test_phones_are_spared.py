"""Phones and the desk share an address and a browser, and nothing else: a phone's request has a token, no session."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from flask import Flask

from tests.support.desk import PASSWORD, make_desk_user
from tests.support.shop import ApiPhone, make_shop, make_user
from webapp.store.models import User
from webapp.store.unit import reading

PATHS = ("/sync/v1/hello", "/sync/v1/rules", "/sync/v1/worklist", "/sync/v1/nowhere")


@pytest.fixture
def phone(app: Flask) -> ApiPhone:
    """A phone whose browser is also signed in at the desk, and is to be remembered there."""
    shop = make_shop()
    phone = ApiPhone(app.test_client(), shop, make_user(shop))
    with reading() as session:
        email = session.get_one(User, make_desk_user(shop)).email
    page = phone.client.get("/office/sign-in").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"csrf_token": token, "email": email, "password": PASSWORD, "remember": "y"}
    assert phone.client.post("/office/sign-in", data=form).status_code == 302
    assert phone.client.get_cookie("remember_token")
    return phone


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("forgets", [False, True])
def test_a_phone_neither_reads_nor_sets_the_cookies_of_the_desk(
    phone: ApiPhone, path: str, forgets: bool
) -> None:
    if forgets:
        phone.client.delete_cookie("session")  # only the one that is to remember is left
    answer = phone.client.get(path, headers=phone.headers)
    assert answer.status_code == (404 if path.endswith("nowhere") else 200)
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert SimpleCookie(answer.headers.get("Set-Cookie", "")) == {}
    assert phone.client.get("/office/parcels").status_code == 200, "and the desk is still open"


def test_who_is_signed_in_at_the_desk_is_no_phone(phone: ApiPhone) -> None:
    assert phone.client.get("/sync/v1/worklist").get_json()["code"] == "token-unknown"


def test_a_form_of_the_desk_still_needs_its_token(phone: ApiPhone) -> None:
    assert phone.client.post("/office/sign-out").status_code == 400
    assert phone.client.get("/office/parcels").status_code == 200
