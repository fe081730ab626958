"""The review desk: one proof after another; verdicts in the ledger, retakes on the phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.desk import hand_over, keep, make_desk_user, picture, post, reference, signed_in
from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user
from tests.unit.phones import proof
from webapp import clock
from webapp.services import rebuild
from webapp.store.models import Event, Parcel, Task
from webapp.store.unit import reading


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


@pytest.fixture
def olga(app: Flask, org_id: str) -> FlaskClient:
    return signed_in(app, make_desk_user(org_id))


@pytest.fixture
def handed(phone: ApiPhone, org_id: str) -> Callable[..., str]:
    """Hands over fresh parcels and gives the event's id."""

    def make(count: int = 1, **members: Any) -> str:
        codes = make_parcels(org_id, count, seed=phone.seq + 100)
        return hand_over(phone, org_id, codes, **members)

    return make


def shown(client: FlaskClient, path: str = "/office/review") -> str:
    """Which proof a page shows, by the address its forms go to; "" for none."""
    found = re.search(r'action="/office/review/([^"]+)"', client.get(path).text)
    return found[1] if found else ""


def reviews(org_id: str) -> list[Event]:
    with reading() as session:
        query = select(Event).where(Event.org_id == org_id, Event.kind == "review").order_by(Event.seq)
        return list(session.execute(query).scalars())


def state(org_id: str, event_id: str) -> str | None:
    with reading() as session:
        return session.get_one(Event, (org_id, event_id)).review_state


def test_the_oldest_proof_is_shown_first_and_the_next_after_a_verdict(
    olga: FlaskClient, org_id: str, handed: Callable[..., str]
) -> None:
    first, second = handed(), handed()
    assert shown(olga) == first
    answer = post(olga, f"/office/review/{first}", verdict="accept", is_htmx=True)
    assert answer.status_code == 200
    assert f'action="/office/review/{second}"' in answer.text
    assert answer.headers["HX-Push-Url"] == f"/office/review/{second}"
    assert post(olga, f"/office/review/{second}", verdict="accept").location == "/office/review"
    assert shown(olga) == ""
    assert "Nothing waits here" in olga.get("/office/review").text


def test_a_verdict_is_an_event_of_the_ledger_by_the_person_who_gave_it(
    olga: FlaskClient, org_id: str, handed: Callable[..., str]
) -> None:
    event_id = handed(3)
    post(olga, f"/office/review/{event_id}", verdict="reject", reason="photo_blurred", note="  Too   dark  ")
    [review] = reviews(org_id)
    assert (review.ref, review.data, review.reason) == (event_id, {"verdict": "reject"}, "photo_blurred")
    assert state(org_id, event_id) == "reject"
    with reading() as session:
        [code, *_] = session.execute(select(Parcel.code).where(Parcel.org_id == org_id)).scalars()
    page = olga.get(f"/office/parcels/{code}").text
    assert "Reviewed: rejected" in page
    assert "Too dark" in page
    assert rebuild.check(clock.now()) == (3, [])


@pytest.mark.parametrize("form", [{}, {"reason": "other"}, {"reason": "nonsense"}, {"note": "only words"}])
def test_a_rejection_without_a_reason_is_refused_beside_the_form(
    olga: FlaskClient, org_id: str, handed: Callable[..., str], form: dict[str, str]
) -> None:
    event_id = handed()
    answer = post(olga, f"/office/review/{event_id}", verdict="reject", is_htmx=True, **form)
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert state(org_id, event_id) == "waiting"
    assert reviews(org_id) == []


def test_a_retake_is_a_task_on_the_phone_and_its_answer_is_a_proof_of_its_own(
    olga: FlaskClient, phone: ApiPhone, org_id: str, handed: Callable[..., str]
) -> None:
    event_id = handed()
    cursor = phone.worklist()["cursor"]
    post(
        olga,
        f"/office/review/{event_id}",
        verdict="retake",
        reason="tag_unreadable",
        note="The left one, please.",
    )
    [task] = phone.worklist(cursor)["tasks"]["upserts"]
    assert (task["kind"], task["event"]) == ("retake", event_id)
    assert task["reason"].endswith("The left one, please.")
    assert task["picture"]
    assert "has not answered yet" in olga.get(f"/office/review/{event_id}").text

    again = picture("the left one")
    keep(org_id, phone.device, again)
    codes = task["parcels"]
    answer = phone.send(phone.seal("report", codes, reason="retake", ref=event_id, blobs=[reference(again)]))
    report = answer["results"][0]["id"]
    assert shown(olga) == report
    assert "that this one replaces" in olga.get(f"/office/review/{report}").text
    post(olga, f"/office/review/{report}", verdict="accept")
    assert state(org_id, report) == "accept"
    assert state(org_id, event_id) == "accept"
    with reading() as session:
        assert session.execute(select(Task.done_at)).scalar_one() is not None


def test_a_parcel_that_is_gone_is_an_answer_too_and_taken_back_it_leaves_the_task_open(
    olga: FlaskClient, phone: ApiPhone, org_id: str, handed: Callable[..., str]
) -> None:
    event_id = handed()
    cursor = phone.worklist()["cursor"]
    post(olga, f"/office/review/{event_id}", verdict="retake", reason="tag_unreadable")
    pulled = phone.worklist(cursor)
    [task] = pulled["tasks"]["upserts"]

    def tell_gone(about: str) -> str:
        data = {"task": about, "gone": True}
        answer = phone.send(phone.seal("report", task["parcels"], reason="retake", ref=event_id, data=data))
        assert answer["results"][0]["status"] == "recorded"
        return answer["results"][0]["id"]

    tell_gone("of an earlier request")
    assert phone.worklist(pulled["cursor"])["tasks"]["removes"] == []
    first = tell_gone(task["id"])
    pulled = phone.worklist(pulled["cursor"])
    assert pulled["tasks"]["removes"] == [task["id"]]
    phone.send(phone.seal("void", task["parcels"], ref=first, reason="mistake"))
    pulled = phone.worklist(pulled["cursor"])
    assert [each["id"] for each in pulled["tasks"]["upserts"]] == [task["id"]]

    told = tell_gone(task["id"])
    with reading() as session:
        marks = session.execute(select(Event.marks).where(Event.id == told)).scalar_one()
    assert "incomplete" not in str(marks)
    page = olga.get(f"/office/review/{told}").text
    assert "no new photo, the parcel is gone" in page
    assert "Accepted or rejected, this counts for the first record as well." in page
    assert "No photo was taken" not in page
    post(olga, f"/office/review/{told}", verdict="accept")
    assert [state(org_id, it) for it in (told, event_id)] == ["accept", "accept"]


def test_the_second_of_two_reviewers_is_told_who_was_quicker(
    app: Flask, olga: FlaskClient, org_id: str, handed: Callable[..., str]
) -> None:
    event_id = handed()
    mina = signed_in(app, make_desk_user(org_id, "admin", "Mina Admin"))
    post(olga, f"/office/review/{event_id}", verdict="accept")
    answer = post(mina, f"/office/review/{event_id}", verdict="reject", reason="count_wrong", is_htmx=True)
    assert answer.status_code == 409
    assert "Olga Office accepted it meanwhile. Your verdict was not kept." in answer.text
    assert state(org_id, event_id) == "accept"
    assert len(reviews(org_id)) == 1


def test_a_verdict_can_be_changed_by_somebody_who_has_seen_it(
    olga: FlaskClient, org_id: str, handed: Callable[..., str]
) -> None:
    event_id = handed()
    post(olga, f"/office/review/{event_id}", verdict="retake", reason="photo_blurred")
    assert 'name="seen" value="retake"' in olga.get(f"/office/review/{event_id}").text
    post(olga, f"/office/review/{event_id}", verdict="accept", seen="retake")
    assert state(org_id, event_id) == "accept"
    assert [event.data["verdict"] for event in reviews(org_id) if event.data] == ["retake", "accept"]
    with reading() as session:
        assert session.execute(select(Task.done_at)).scalar_one() is not None


def test_another_shops_proof_is_not_found(app: Flask, org_id: str, handed: Callable[..., str]) -> None:
    event_id = handed()
    stranger = signed_in(app, make_desk_user(make_shop("Another shop"), "admin", "Stranger"))
    assert shown(stranger) == ""
    for path in (f"/office/review/{event_id}", f"/office/review/{event_id}/proof"):
        assert stranger.get(path).status_code == 404
    assert post(stranger, f"/office/review/{event_id}", verdict="accept").status_code == 404
    assert state(org_id, event_id) == "waiting"


def test_a_seller_does_not_judge(app: Flask, org_id: str, handed: Callable[..., str]) -> None:
    event_id = handed()
    seller = signed_in(app, make_desk_user(org_id, "seller", "Sari Seller", seller="Toko A"))
    assert seller.get("/office/review").status_code == 403
    assert post(seller, f"/office/review/{event_id}", verdict="accept").status_code == 403
    assert "/office/review" not in seller.get("/office/").text


def test_a_verdict_without_the_pages_token_is_refused(
    olga: FlaskClient, org_id: str, handed: Callable[..., str]
) -> None:
    event_id = handed()
    assert olga.post(f"/office/review/{event_id}", data={"verdict": "accept"}).status_code == 400
    assert state(org_id, event_id) == "waiting"


def test_the_desk_shows_what_was_expected_against_what_was_scanned(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    codes = make_parcels(org_id, 4, carrier="jt")
    run = make_run(org_id, phone.actor, codes[:3])
    place = {"id": None, "lat": -6.1577, "lon": 106.9086, "accuracy_m": 9}
    hand_over(phone, org_id, [codes[0], codes[3]], run=run, expected=3, place=place, note="Toko tutup")
    text = olga.get("/office/review").text
    assert "2 of 3" in text
    assert "(short 1)" in text
    assert "1 short" not in text
    assert text.count("not scanned") == 2
    [head] = re.findall(r'<header class="desk-head">.*?</header>', text, re.DOTALL)
    assert head.count("<time") == 1
    assert f'href="/office/runs/{run}"' in head
    assert text.count("not on the run's list") == 1
    for words in ("-6.15770, 106.90860", "Toko tutup", "Ibu Sari", "Budi Santoso"):
        assert words in text, words


def test_a_photo_that_is_not_home_is_said_to_be_so(olga: FlaskClient, handed: Callable[..., str]) -> None:
    handed(is_home=False)
    text = olga.get("/office/review").text
    assert "Not yet home" in text
    assert "Signature not yet home" in text


def test_a_heap_holds_its_kinds_only(
    olga: FlaskClient, phone: ApiPhone, org_id: str, handed: Callable[..., str]
) -> None:
    handover = handed()
    [code] = make_parcels(org_id, 1, seed=900)
    packed = phone.send(phone.seal("pack", [code], **proof()))["results"][0]["id"]
    assert shown(olga, "/office/review?heap=packing") == packed
    assert shown(olga, "/office/review?heap=handovers") == handover
    assert shown(olga, "/office/review?heap=problems") == ""
    assert shown(olga, "/office/review?heap=nonsense") == handover


def test_the_next_proofs_pictures_are_named_before_it_is_asked_for(
    olga: FlaskClient, handed: Callable[..., str]
) -> None:
    handed()
    second = handed()
    waiting = olga.get("/office/review").text.split("<template data-prefetch>")[1].split("</template>")[0]
    pictures = re.findall(r"/office/photos/(\w{64})", olga.get(f"/office/review/{second}").text)
    assert pictures[0] in waiting


def test_a_withdrawn_proof_says_so(olga: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    codes = make_parcels(org_id, 1)
    event_id = hand_over(phone, org_id, codes)
    phone.send(phone.seal("void", codes, minute=1, ref=event_id, reason="mistake"))
    assert "Withdrawn" in olga.get(f"/office/review/{event_id}").text
