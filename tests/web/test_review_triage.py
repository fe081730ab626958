"""Triage at the desk: worst first, what holds in one press or by rule, boxes on the photo, a retake that says why."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from sync.evidence.limits import check
from sync.protocol import codes as parcel_codes
from tests.support.desk import make_desk_user, picture, post, reference, scrawl, signed_in
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.office.times import iso_text
from webapp.services import rebuild
from webapp.services.checking.conclude import conclude
from webapp.services.checking.desk_rules import DeskRules, keep_desk_rules
from webapp.services.keep_blob import keep_blob
from webapp.store.models import Event, Task
from webapp.store.queries import evidence as ask
from webapp.store.unit import lock_org, reading, transaction


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


@pytest.fixture
def olga(app: Flask, org_id: str) -> FlaskClient:
    return signed_in(app, make_desk_user(org_id))


def looked_at(
    phone: ApiPhone,
    org_id: str,
    code: str,
    shown: str | None = None,
    *faults: tuple[str, float],
    ago: timedelta = timedelta(0),
) -> str:
    """A handover whose pictures were looked at: the photo shows this parcel's tag, with these faults."""
    photo, signature = picture(f"{code} no. {phone.seq}"), scrawl(phone.seq)
    blobs = [reference(photo), reference(signature, "signature")]
    sealed = phone.seal(
        "collect",
        [code],
        at=(clock.now() - ago).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        intact=True,
        counterpart={"name": "Ibu Sari", "role": "seller"},
        blobs=blobs,
    )
    event_id: str = phone.send(sealed)["results"][0]["id"]
    for data in (photo, signature):
        keep_blob(org_id, phone.device, hashlib.sha256(data).hexdigest(), data, clock.now())
    key = shown or code
    box = [[10, 10], [90, 10], [90, 90], [10, 90]]
    seen = {"text": key, "key": key, "format": "qr", "corners": box, "way": "whole"}
    checks = [check(name, value).as_dict() for name, value in faults]
    result = {"v": 1, "verdict": "seen", "width": 900, "height": 1200, "readings": [seen], "checks": checks}
    with reading() as session:
        waiting = [it for it in ask.waiting(session, clock.now(), 50) if it.event_id == event_id]
    assert len(waiting) == 2
    for it in waiting:
        with transaction() as session:
            lock_org(session, org_id, 0)
            now = clock.now()
            ask.take(session, it, "hands", now, now)
            assert ask.finish(session, it, "hands", result if it.role == "photo" else _signed(), now)
            conclude(session, org_id, event_id, now)
    return event_id


def _signed() -> dict[str, Any]:
    return {"v": 1, "verdict": "seen", "width": 600, "height": 240, "checks": [check("ink", 0.05).as_dict()]}


def state(org_id: str, event_id: str) -> str | None:
    with reading() as session:
        return session.get_one(Event, (org_id, event_id)).review_state


def test_the_worst_proof_comes_first_with_its_reason(olga: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    good, blurred, wrong, other = make_parcels(org_id, 4)
    holds = looked_at(phone, org_id, good)
    poor = looked_at(phone, org_id, blurred, None, ("sharpness", 12))
    mismatch = looked_at(phone, org_id, wrong, other)
    text = olga.get("/office/review").text
    assert f'action="/office/review/{mismatch}"' in text
    assert f"Shows another parcel: {parcel_codes.pretty(other)}" in text
    assert 'data-whose="other"' in text
    assert f'action="/office/review/{poor}"' in olga.get(f"/office/review/{poor}").text
    assert f'href="/office/review/{poor}' in text, "the next in line"
    text = olga.get(f"/office/review/{poor}").text
    assert "The photo is blurred. Hold the phone still and take it again." in text
    assert "Every check holds" in olga.get(f"/office/review/{holds}").text


def seen_at(page: str) -> str:
    return re.findall(r'name="seen_at" value="([^"]+)"', page)[0]


def test_what_holds_is_accepted_in_one_press_and_nothing_else(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    codes = make_parcels(org_id, 5)
    holding = [looked_at(phone, org_id, code) for code in codes[:2]]
    wrong = looked_at(phone, org_id, codes[2], codes[3])
    page = olga.get("/office/review").text
    assert "Accept all 2" in page
    later = looked_at(phone, org_id, codes[4])
    answer = post(olga, "/office/accept-ready", seen_at=seen_at(page))
    assert state(org_id, later) == "waiting", "nobody had seen it counted"
    assert answer.status_code == 303
    assert "2 proofs accepted: every check of them held." in olga.get("/office/review").text
    assert [state(org_id, event_id) for event_id in holding] == ["accept", "accept"]
    assert state(org_id, wrong) == "waiting"
    with reading() as session:
        reviews = session.execute(select(Event.data).where(Event.kind == "review")).scalars().all()
    assert reviews == [{"verdict": "accept", "by": "all that held"}] * 2
    assert rebuild.check(clock.now()) == (5, [])


def test_by_rule_what_holds_is_accepted_at_once_and_a_share_is_kept_for_a_person(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    first, second, third = make_parcels(org_id, 3)
    keep_desk_rules(org_id, DeskRules(by_itself=True, share=0))
    assert state(org_id, looked_at(phone, org_id, first)) == "accept"
    keep_desk_rules(org_id, DeskRules(by_itself=True, share=100))
    drawn = looked_at(phone, org_id, second)
    assert state(org_id, drawn) == "waiting"
    assert "drawn by lot" in olga.get(f"/office/review/{drawn}").text
    post(olga, "/office/accept-ready", seen_at=iso_text(clock.now(), exact=True))
    assert state(org_id, drawn) == "waiting", "one press is no look"
    poor = looked_at(phone, org_id, third, None, ("light", 3))
    assert state(org_id, poor) == "waiting"


def test_only_an_admin_sets_the_rules(app: Flask, olga: FlaskClient, org_id: str) -> None:
    assert post(olga, "/office/review-rules", share="5").status_code == 403
    mina = signed_in(app, make_desk_user(org_id, "admin", "Mina Admin"))
    assert post(mina, "/office/review-rules", by_itself="on", share="5").status_code == 303
    assert 'value="5"' in mina.get("/office/review").text
    assert post(mina, "/office/review-rules", share="101").status_code == 422


def test_a_retake_starts_with_the_reason_found_and_the_picture_in_doubt(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    code, other = make_parcels(org_id, 2)
    event_id = looked_at(phone, org_id, code, other)
    assert '<option value="wrong_parcel" selected>' in olga.get(f"/office/review/{event_id}").text
    post(olga, f"/office/review/{event_id}", verdict="retake", reason="wrong_parcel")
    [task] = phone.worklist()["tasks"]["upserts"]
    with reading() as session:
        judged = ask.judged(session, org_id, event_id)
        assert judged is not None
        assert session.execute(select(Task.picture)).scalar_one() == judged.findings[0]["sha256"]
    assert task["reason"] == "The photo shows another parcel. Take one of the right parcel."


def test_a_proof_whose_parcel_is_in_trouble_is_not_among_those_that_hold(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1)
    event_id = looked_at(phone, org_id, code, ago=timedelta(minutes=1))
    colleague = ApiPhone(olga.application.test_client(), org_id, make_user(org_id, name="Cahya"))
    second = looked_at(colleague, org_id, code)
    page = olga.get("/office/review").text
    assert "Accept it" in page
    post(olga, "/office/accept-ready", seen_at=seen_at(page))
    assert (state(org_id, event_id), state(org_id, second)) == ("accept", "waiting")
