"""The office's frame: the door, refusals, the navigation by role, the board."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.desk import PASSWORD, hand_over, make_desk_user, post, signed_in, token
from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.services import passwords
from webapp.store.models import User
from webapp.store.unit import reading

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> int:
    found = TOKEN.search(client.get("/office/sign-in").text)
    assert found
    form = {"email": email, "password": password, "csrf_token": found[1]}
    return client.post("/office/sign-in", data=form).status_code


def test_the_door_opens_to_the_office_and_closes_again(app: Flask, org_id: str) -> None:
    make_desk_user(org_id, name="Olga Office", email="olga@example.com")
    client = app.test_client()
    assert client.get("/office/").status_code == 302
    assert sign_in(client, "olga@example.com") == 302
    assert "Olga Office" in client.get("/office/").text
    assert post(client, "/office/sign-out").status_code == 302
    assert client.get("/office/").status_code == 302


def test_when_somebody_last_signed_in_is_kept(app: Flask, org_id: str) -> None:
    olga = make_desk_user(org_id, email="olga@example.com")
    before = clock.now()
    assert sign_in(app.test_client(), "olga@example.com", "not the password") == 200
    with reading() as session:
        assert session.get_one(User, olga).last_signed_in_at is None
    assert sign_in(app.test_client(), "olga@example.com") == 302
    with reading() as session:
        at = session.get_one(User, olga).last_signed_in_at
    assert at is not None
    assert before <= at <= clock.now()


def test_a_page_asked_for_before_signing_in_says_so_and_opens_after(app: Flask, org_id: str) -> None:
    make_desk_user(org_id, email="olga@example.com")
    client = app.test_client()
    sent_to = client.get("/office/parcels?status=lost").location
    text = client.get(sent_to).text
    assert "the page you asked for opens" in text
    found = TOKEN.search(text)
    assert found
    asked = re.search(r'name="next" value="([^"]*)"', text)
    assert asked
    form = {"email": "olga@example.com", "password": PASSWORD, "csrf_token": found[1], "next": asked[1]}
    assert client.post("/office/sign-in", data=form).location.endswith("/office/parcels?status=lost")
    form["next"] = "https://elsewhere.example/"
    answer = app.test_client().post("/office/sign-in", data=form)
    assert "elsewhere" not in (answer.location or "")


def test_a_form_that_meets_the_door_leads_back_to_its_page(app: Flask, org_id: str) -> None:
    make_desk_user(org_id, email="olga@example.com")
    client = app.test_client()
    for referrer, back in (
        ("http://localhost/office/parcels?status=lost", "/office/parcels?status=lost"),
        ("http://localhost/office/cases/1", "/office/cases/1"),
        ("https://elsewhere.example/office/cases/1", "/office/"),
        ("", "/office/"),
    ):
        client.get("/office/sign-in")
        held = TOKEN.search(client.get("/office/sign-in").text)
        assert held
        sent = {"csrf_token": held[1], "words": "Long and well thought"}
        came_from = {"Referer": referrer} if referrer else {}
        answer = client.post("/office/cases/1/notes", data=sent, headers=came_from)
        assert answer.status_code == 303
        page = client.get(answer.location).text
        assert "You are not signed in any more, so nothing was changed" in page
        asked = re.search(r'name="next" value="([^"]*)"', page)
        assert asked
        assert asked[1] == back


def test_a_form_of_somebody_who_signed_out_elsewhere_meets_the_door_too(app: Flask, org_id: str) -> None:
    client = signed_in(app, make_desk_user(org_id))
    sent = {"csrf_token": token(client), "words": "Long and well thought"}
    client.delete_cookie("session")
    answer = client.post(
        "/office/cases/1/notes", data=sent, headers={"Referer": "http://localhost/office/cases/1"}
    )
    assert (answer.status_code, "next=" in answer.location, "cases" in answer.location) == (303, True, True)
    olga = signed_in(app, make_desk_user(org_id, email="olga@example.com"))
    refused = olga.post("/office/cases/1/notes", data={"csrf_token": "old"})
    assert (refused.status_code, "Nothing was changed: go back, then send it again." in refused.text) == (
        400,
        True,
    )


def test_an_error_page_leads_back_to_the_form(app: Flask, org_id: str) -> None:
    olga = signed_in(app, make_desk_user(org_id))
    page = "http://localhost/office/stock?q=A"
    sent = {"csrf_token": token(olga), "words": "Long and well thought"}
    answer = olga.post("/office/cases/1/notes", data=sent, headers={"Referer": page})
    assert (answer.status_code, 'href="/office/stock?q=A"' in answer.text) == (404, True)


def test_a_refusal_has_no_place_inside_another_page(app: Flask, org_id: str) -> None:
    olga = signed_in(app, make_desk_user(org_id))
    many = {"codes": "\n".join(str(n) for n in range(5001)), "by": "codes"}
    answer = olga.get("/office/runs/fit", query_string=many, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Reswap"]) == (422, "none")
    assert "Paste up to 5000 codes" in answer.headers["HX-Trigger"]


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "0026-11-26"])
def test_a_day_that_cannot_be_meant_is_refused(app: Flask, org_id: str, day: str) -> None:
    olga = signed_in(app, make_desk_user(org_id))
    answer = olga.get("/office/runs", query_string={"day": day})
    assert (answer.status_code, "cannot be" in answer.text) == (422, True)


def test_a_wrong_password_is_refused_without_saying_which_was_wrong(app: Flask, org_id: str) -> None:
    make_desk_user(org_id, email="olga@example.com")
    client = app.test_client()
    pages = []
    for email in ("olga@example.com", "nobody@example.com"):
        found = TOKEN.search(client.get("/office/sign-in").text)
        assert found
        form = {"email": email, "password": "wrong", "csrf_token": found[1]}
        pages.append(client.post("/office/sign-in", data=form).text)
        assert "do not fit together" in pages[-1]
        assert client.get("/office/").status_code == 302


def test_a_courier_does_not_get_into_the_office(app: Flask, org_id: str) -> None:
    make_user(
        org_id, "courier", "Budi", email="budi@example.com", password=passwords.kept(PASSWORD), active=True
    )
    client = app.test_client()
    sign_in(client, "budi@example.com")
    assert client.get("/office/").status_code in {302, 403}
    assert client.get("/office/parcels").status_code in {302, 403}


def test_a_sign_out_by_another_sites_link_does_nothing(app: Flask, org_id: str) -> None:
    client = signed_in(app, make_desk_user(org_id))
    assert client.get("/office/sign-out").status_code == 405
    assert client.post("/office/sign-out").status_code == 400
    assert client.get("/office/").status_code == 200


def test_a_page_that_is_not_there_says_so_in_words_signed_in_or_not(app: Flask, org_id: str) -> None:
    for client in (app.test_client(), signed_in(app, make_desk_user(org_id))):
        answer = client.get("/office/nothing-here")
        assert answer.status_code == 404
        assert "it belongs to another shop" in answer.text


def test_the_navigation_shows_what_a_role_may_open(app: Flask, org_id: str) -> None:
    for role in ("office", "admin", "seller"):
        client = signed_in(app, make_desk_user(org_id, role, f"{role.title()} Person", seller="Toko A"))
        nav = client.get("/office/").text.split('<ul class="nav">')[1].split("</nav>")[0]
        paths = re.findall(r'href="(/office/[^"]*)"', nav)
        assert "/office/parcels" in paths
        assert ("/office/review" in paths) == (role != "seller")
        for path in paths:
            assert client.get(path).status_code == 200, (role, path)


def test_where_a_page_stands_is_marked_in_the_navigation(app: Flask, org_id: str) -> None:
    client = signed_in(app, make_desk_user(org_id))
    assert re.search(r'href="/office/parcels" aria-current="page"', client.get("/office/parcels").text)
    [code] = make_parcels(org_id, 1)
    for page, line in (
        (f"/office/parcels/{code}", "/office/parcels"),
        ("/office/rescue", "/office/quarantine"),
    ):
        assert re.search(rf'href="{line}" aria-current="true"', client.get(page).text), page


def test_the_navigation_counts_what_does_not_fit_but_no_notes(app: Flask, org_id: str) -> None:
    phone = ApiPhone(app.test_client(), org_id, make_user(org_id))
    early, short = make_parcels(org_id, 2)
    hand_over(phone, org_id, [early])  # nobody had confirmed it: notes
    client = signed_in(app, make_desk_user(org_id))
    line = re.compile(r'href="/office/exceptions".*?</a>', re.DOTALL)
    [before] = line.findall(client.get("/office/").text)
    assert "nav-count" not in before
    hand_over(phone, org_id, [short], expected=2)
    [after] = line.findall(client.get("/office/").text)
    assert 'nav-count num">1<' in after


def test_the_board_counts_what_needs_a_person(app: Flask, org_id: str) -> None:
    courier = make_user(org_id, name="Budi Santoso")
    phone = ApiPhone(app.test_client(), org_id, courier)
    codes = make_parcels(org_id, 5)
    run = make_run(org_id, courier, codes[:3])
    hand_over(phone, org_id, codes[:2], run=run, expected=3)
    phone.send(unsent=3, unsent_blobs=7, oldest_at="2026-11-22T06:00:00.000Z", head_seq=4)
    text = signed_in(app, make_desk_user(org_id)).get("/office/").text
    figures = dict(re.findall(r'href="/office/(?:parcels\?status=)?(\w+)"[^>]*><b>(\d+)</b>', text))
    assert (figures["review"], figures["handed_over"], figures["expected"]) == ("1", "2", "3")
    assert "2 of 3" in text
    assert "3 unsent, 7 photos" in text
    assert re.search(r'<progress[^>]* max="3" value="2"', text)


def test_every_page_forbids_htmx_to_evaluate_text(app: Flask, org_id: str) -> None:
    client = signed_in(app, make_desk_user(org_id))
    for path in ("/office/", "/office/review", "/office/parcels", "/office/sign-in"):
        page = client.get(path).text if path != "/office/sign-in" else app.test_client().get(path).text
        assert '"allowEval":false' in page
        assert '"includeIndicatorStyles":false' in page
        assert '"historyCacheSize":0' in page
        assert "X-CSRFToken" in page
