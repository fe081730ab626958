"""The office's work pages without JavaScript: runs, phones, people, places; and who may not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user, today
from tests.support.sitting import Desk, words
from tests.unit.phones import proof
from webapp import clock
from webapp.services.enrol import make_enrolment
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.store.models import Device, Enrolment
from webapp.store.unit import transaction


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id)


@pytest.fixture
def courier(org_id: str) -> str:
    return make_user(org_id, "courier", "Cora")


def links(markup: str, start: str) -> list[str]:
    return list(dict.fromkeys(re.findall(rf'href="({start}[^"]*)"', markup)))


def test_a_form_without_its_token_changes_nothing(desk: Desk, org_id: str) -> None:
    codes = make_parcels(org_id, 1)
    answer = desk.client.post("/office/prepare", data={"step": "confirm", "scope": "chosen", "code": codes})
    assert answer.status_code == 400
    assert "Expected 1" in words(desk.page("/office/prepare"))


def test_the_days_runs_are_made_in_one_press(desk: Desk, org_id: str, courier: str) -> None:
    make_parcels(org_id, 4, status="ready", carrier="jt")
    make_parcels(org_id, 3, seed=9, status="ready", carrier="ninja")
    assert "7 on no run" in words(desk.page("/office/runs"))
    made = desk.press("/office/runs/today", kind="collect", user_id=courier)
    assert "2 runs made, with 7 parcels put on." in made
    assert "0 of 4" in made
    again = desk.press("/office/runs/today", kind="collect", user_id=courier)
    assert "Nothing waits for a run" in again


def test_a_runs_progress_comes_by_itself_and_only_when_it_changed(
    desk: Desk, org_id: str, courier: str, app: Flask
) -> None:
    codes = make_parcels(org_id, 3, status="ready")
    run_id = make_run(org_id, courier, codes)
    for path, address in (
        ("/office/runs", "/office/runs/live"),
        (f"/office/runs/{run_id}", f"/office/runs/{run_id}/live"),
    ):
        [found] = re.findall(rf'hx-get="({address}\?[^"]+)"', desk.page(path))
        asked = found.replace("&amp;", "&")
        assert desk.part(asked).status_code == 204
        phone = ApiPhone(app.test_client(), org_id, courier)
        phone.send(phone.seal("collect", [codes.pop()], run=run_id, **proof("collect")))
        fresh = desk.part(asked)
        assert fresh.status_code == 200
        assert f"{3 - len(codes)} of 3" in words(fresh.text)
        assert "<html" not in fresh.text


def test_a_run_says_once_that_a_parcel_is_handed_over_and_offers_a_tick_only_where_one_may_go(
    desk: Desk, org_id: str, courier: str, app: Flask
) -> None:
    codes = make_parcels(org_id, 2, status="ready")
    path = f"/office/runs/{make_run(org_id, courier, codes, title='Collect · Carrier · Place')}"
    phone = ApiPhone(app.test_client(), org_id, courier)

    def take(code: str) -> str:
        phone.send(phone.seal("collect", [code], **proof("collect")))
        return desk.page(path)

    page = take(codes[0])
    assert "<h1>Collect\u00a0· Carrier\u00a0· Place</h1>" in page
    assert words(page).count("Handed over") == 1
    assert "Ready" in words(page)
    assert "Take the ticked ones off" in page
    page = take(codes[1])
    assert words(page).count("Handed over") == 2
    assert "Take the ticked ones off" not in page


def test_a_run_by_filter_says_what_stayed_off(desk: Desk, org_id: str, courier: str) -> None:
    fits, held = make_parcels(org_id, 2, status="ready")
    make_run(org_id, courier, [held])
    assert "2 parcels fit." in words(desk.part("/office/runs/fit", kind="collect").text)
    form = {"kind": "collect", "day": today().isoformat(), "user_id": courier, "title": "Mine"}
    made = desk.press("/office/runs/new", **form)
    assert "1 run made, with 1 parcel put on." in made
    assert "1 parcel stayed off: On the run “A run of the tests” already." in made
    assert fits[:4] in made


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "deliver"}, "only drivers deliver"),
        ({"day": "soon"}, "Write the day as"),
        ({"codes": "nowhere"}, "No such parcel here"),
        ({"kind": ""}, "Choose what the run is for"),
    ],
)
def test_a_run_that_cannot_be_is_said_beside_the_form(
    desk: Desk, org_id: str, courier: str, form: dict[str, str], said: str
) -> None:
    make_parcels(org_id, 1, status="ready")
    whole = {"kind": "collect", "day": today().isoformat(), "user_id": courier, **form}
    answer = desk.post("/office/runs/new", **whole)
    assert answer.status_code == 422
    assert said in words(answer.text)


def test_a_run_is_changed_closed_and_opened_again(desk: Desk, org_id: str, courier: str) -> None:
    codes = make_parcels(org_id, 3, status="ready")
    run_id = make_run(org_id, courier, codes[:2])
    path = f"/office/runs/{run_id}"
    added = desk.press(f"{path}/add", codes=f"{codes[2]}\nnowhere")
    assert "1 put on, 1 not" in added
    assert "nowhere No such parcel here" in added
    assert "2 parcels taken off" in desk.press(f"{path}/remove", code=codes[:2])
    tomorrow = (today() + timedelta(days=1)).isoformat()
    assert "Saved." in desk.press(f"{path}/edit", title="For Carl", day=tomorrow, user_id="")
    assert "Nobody yet" in words(desk.page(path))
    assert "Close with 1 not scanned" in words(desk.page(path))
    assert "The run is closed" in desk.press(f"{path}/state", state="closed")
    refused = desk.post(f"{path}/add", codes=codes[0])
    assert (refused.status_code, "Open the run again" in refused.text) == (409, True)
    assert "The run is open again" in desk.press(f"{path}/state", state="open")


def test_a_phone_is_let_in_and_the_screen_says_so_by_itself(
    desk: Desk, org_id: str, courier: str, app: Flask
) -> None:
    at = desk.post("/office/phones/enrol", user_id=courier).headers["Location"]
    page = desk.page(at)
    [code] = re.findall(r"\b([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\b", words(page))
    assert code.replace("-", "") not in at
    assert desk.get(f"{at}/qr.svg").content_type == "image/svg+xml"
    waiting = desk.part(f"{at}/state")
    assert re.search(r"holds for 14:\d\d", words(waiting.text))
    assert "hx-trigger" in waiting.text
    phone = app.test_client().post(
        "/sync/v1/devices", json={"code": code, "jwk": None, "label": "Redmi", "client": "tests/1.0"}
    )
    assert phone.status_code == 201
    let_in = desk.part(f"{at}/state")
    assert "Phone enrolled. Redmi works for Cora now." in words(let_in.text)
    assert "hx-trigger" not in let_in.text
    assert "Redmi" in desk.page("/office/phones")
    assert code not in words(desk.page(at))


def test_a_code_that_is_over_asks_for_a_new_one(desk: Desk, org_id: str, courier: str) -> None:
    at = desk.post("/office/phones/enrol", user_id=courier).headers["Location"]
    with transaction() as session:
        session.execute(update(Enrolment).values(expires_at=clock.now() - timedelta(seconds=1)))
    said = desk.part(f"{at}/state").text
    assert "The code has expired" in words(said)
    assert "hx-trigger" not in said


def test_the_code_is_shown_in_the_browser_that_made_it_only(
    desk: Desk, org_id: str, courier: str, app: Flask
) -> None:
    at = desk.post("/office/phones/enrol", user_id=courier).headers["Location"]
    other = Desk(app, org_id, "admin")
    assert other.get(f"{at}/qr.svg").status_code == 404
    assert "only in the browser that made it" in words(other.page(at))
    stranger = Desk(app, make_shop("Another"), "admin")
    assert stranger.get(at).status_code == 404
    later = desk.post("/office/phones/enrol", user_id=courier).headers["Location"]
    assert (desk.get(f"{at}/qr.svg").status_code, desk.get(f"{later}/qr.svg").status_code) == (404, 200)


def test_a_phone_tells_what_is_not_home_and_is_signed_out_after_one_more_question(
    desk: Desk, org_id: str, courier: str, app: Flask
) -> None:
    phone = ApiPhone(app.test_client(), org_id, courier)
    phone.send(
        unsent=4,
        unsent_blobs=7,
        oldest_at="2026-11-22T06:15:30.123Z",
        head_seq=9,
        storage={"usage": 1_000_000, "quota": 901_000_000, "persisted": True},
    )
    listed = words(desk.page("/office/phones"))
    for said in ("4 records", "7 photos", "oldest", "900 MB", "9 sealed after no. 0"):
        assert said in listed
    asked = words(desk.page(f"/office/phones/{phone.device}/revoke"))
    assert "Not all of its work is here" in asked
    assert "kept, unread, in quarantine" in asked
    done = desk.press(f"/office/phones/{phone.device}/revoke")
    assert "Phone of Cora is signed out" in done
    phone.post(phone.seal("report", []))
    assert "1 kept" in words(desk.page("/office/phones"))


def test_a_gap_in_what_came_is_shown(desk: Desk, org_id: str, courier: str, app: Flask) -> None:
    phone = ApiPhone(app.test_client(), org_id, courier)
    codes = make_parcels(org_id, 3, status="ready")
    sealed = [phone.seal("collect", [code], **proof("collect")) for code in codes]
    phone.send(sealed[0], sealed[2], unsent=0, unsent_blobs=0, oldest_at=None, head_seq=3)
    assert "1 missing before no. 3" in words(desk.page("/office/phones"))


def test_people_are_added_changed_and_sent_home(app: Flask, org_id: str) -> None:
    desk = Desk(app, org_id, "admin")
    added = desk.press("/office/people/new", name="Olga", role="office", email="olga@example.com")
    [password] = re.findall(r"Password ((?:[0-9a-z]{4}-){3}[0-9a-z]{4})", added)
    client = app.test_client()
    [token] = re.findall(r'csrf_token" value="([^"]+)"', client.get("/office/sign-in").text)
    signed_in = client.post(
        "/office/sign-in", data={"csrf_token": token, "email": "olga@example.com", "password": password}
    )
    assert signed_in.status_code == 302
    assert client.get("/office/prepare").status_code == 200
    [path] = [p for p in links(desk.page("/office/people"), "/office/people/0") if desk.user_id not in p]
    assert "Only an administrator" not in words(desk.page(path))
    taken = desk.post("/office/people/new", name="O", role="office", email="olga@example.com")
    assert (taken.status_code, "signs in with this e-mail already" in taken.text) == (409, True)
    assert "Olga no longer works here" in desk.press(f"{path}/active", active="0")
    assert client.get("/office/prepare").status_code == 302


def test_places_and_carriers_are_kept(desk: Desk, org_id: str) -> None:
    assert "Saved." in desk.press("/office/places/new", name="Depot", kind="hub", lat="14.6", lon="121.03")
    [place] = links(desk.page("/office/places"), "/office/places/0")
    assert "Removed." in desk.press(f"{place}/remove", sure="1")
    wrong = desk.post("/office/places/new", name="Depot", kind="hub", lat="north", lon="")
    assert (wrong.status_code, "Write latitude and longitude" in wrong.text) == (422, True)
    carrier = {"code": "jt", "name": "J&T", "names": "J&T Express\nJNT", "tracking_pattern": r"^JT\d{12}$"}
    assert "Saved." in desk.press("/office/carriers/new", **carrier)
    assert "J&amp;T" in desk.page("/office/carriers")
    assert "Removed." in desk.press("/office/carriers/jt/remove", sure="1")


SELLER_SHUT = [
    "/office/phones",
    "/office/phones/enrol",
    "/office/people",
    "/office/people/new",
    "/office/places",
    "/office/runs/new",
    "/office/carriers/new",
]


@pytest.mark.parametrize("path", SELLER_SHUT)
def test_a_seller_finds_those_doors_shut(app: Flask, org_id: str, path: str) -> None:
    assert Desk(app, org_id, "seller", "Mine").get(path).status_code == 403


def test_a_seller_sees_and_moves_only_their_own(app: Flask, org_id: str, courier: str) -> None:
    mine, theirs = make_parcels(org_id, 2, seller="Mine"), make_parcels(org_id, 3, seed=9, seller="Theirs")
    run_id = make_run(org_id, courier, [*mine, *theirs])
    other = make_run(org_id, courier, theirs)
    desk = Desk(app, org_id, "seller", "Mine")
    assert desk.page("/office/prepare").count('name="code"') == 2
    done = desk.press("/office/prepare", step="confirm", scope="chosen", code=[mine[0], theirs[0]])
    assert "1 parcel is now confirmed" in done
    assert "No such parcel here" in done
    assert "0 of 2" in words(desk.page(f"/office/runs/{run_id}"))
    for path in (f"/office/runs/{other}", f"/office/runs/{other}/sheet", f"/office/tags/{theirs[0]}.png"):
        assert desk.get(path).status_code == 404
    assert desk.get("/office/tags/print", run=other).status_code == 404
    assert desk.page("/office/tags/print", run=run_id).count('class="tag"') == 2
    assert desk.post(f"/office/runs/{run_id}/state", state="closed").status_code == 403


def test_another_shops_things_are_not_there(app: Flask, org_id: str, courier: str) -> None:
    run_id = make_run(org_id, courier, make_parcels(org_id, 1, status="ready"))
    place = save_place(org_id, None, PlaceFacts("Depot"))
    phone = ApiPhone(app.test_client(), org_id, courier)
    stranger = Desk(app, make_shop("Another"), "admin")
    reads = (
        f"/office/runs/{run_id}",
        f"/office/runs/{run_id}/live",
        f"/office/runs/{run_id}/sheet",
        f"/office/phones/{phone.device}/revoke",
        f"/office/people/{courier}",
        f"/office/places/{place}",
    )
    for path in reads:
        assert stranger.get(path).status_code == 404, path
    presses: dict[str, dict[str, Any]] = {
        f"/office/runs/{run_id}/add": {"codes": "x"},
        f"/office/runs/{run_id}/remove": {"code": "x"},
        f"/office/runs/{run_id}/edit": {"title": "x", "day": today().isoformat()},
        f"/office/runs/{run_id}/state": {"state": "closed"},
        f"/office/phones/{phone.device}/revoke": {},
        f"/office/people/{courier}": {"name": "x", "role": "courier"},
        f"/office/people/{courier}/password": {},
        f"/office/people/{courier}/active": {"active": "0"},
        f"/office/places/{place}": {"name": "x", "kind": "hub"},
        f"/office/places/{place}/remove": {},
    }
    for path, form in presses.items():
        assert stranger.post(path, **form).status_code == 404, path
    with transaction() as session:
        assert session.get_one(Device, phone.device).revoked_at is None
    assert stranger.post("/office/phones/enrol", user_id=courier).status_code == 422
    made = make_enrolment(org_id, courier, None, clock.now(), "http://x")
    assert made.code not in stranger.page("/office/phones")
