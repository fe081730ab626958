"""Judging a proof on both databases: of two who press at once, one is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.desk import hand_over
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import rebuild
from webapp.services.close_anomaly import close_anomaly
from webapp.services.review_proof import review_proof
from webapp.store.models import Anomaly, Event, Task
from webapp.store.queries import review
from webapp.store.unit import reading


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


def at_once(app: Flask, *calls: object) -> list[str]:
    """Press all of these at the same moment; gives "done" or the problem's code for each."""
    start = Barrier(len(calls))

    def press(call: object) -> str:
        with app.app_context():
            start.wait()
            try:
                call()  # type: ignore[operator]
            except Problem as problem:
                return problem.code
            return "done"

    with ThreadPoolExecutor(len(calls)) as people:
        return sorted(people.map(press, calls))


def test_of_four_verdicts_at_once_one_counts_and_three_are_told(
    app_on_both: Flask, phone: ApiPhone, org_id: str
) -> None:
    event_id = hand_over(phone, org_id, make_parcels(org_id, 3), is_home=False)
    olga = make_user(org_id, "office", "Olga Office")
    verdicts = [("accept", None), ("reject", "count_wrong"), ("retake", "photo_blurred"), ("accept", None)]

    def judge(verdict: str, reason: str | None) -> object:
        return lambda: review_proof(org_id, olga, event_id, verdict, clock.now(), reason=reason)

    told = at_once(app_on_both, *(judge(*each) for each in verdicts))
    assert told == ["conflict", "conflict", "conflict", "done"]
    with reading() as session:
        kept = session.execute(
            select(Event.data).where(Event.kind == "review", Event.org_id == org_id)
        ).scalars()
        [data] = kept
        assert data is not None
        state = session.get_one(Event, (org_id, event_id)).review_state
        tasks = session.execute(select(Task.id).where(Task.org_id == org_id)).all()
    assert state == data["verdict"]
    assert len(tasks) == (state == "retake")


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_the_last_answer_of_two_retakes_is_the_last_word_on_all_of_them(
    phone: ApiPhone, org_id: str, verdict: str
) -> None:
    codes = make_parcels(org_id, 2)
    first = hand_over(phone, org_id, codes, is_home=False)
    olga = make_user(org_id, "office", "Olga Office")

    def answer(ref: str) -> str:
        told = phone.send(phone.seal("report", codes, reason="retake", ref=ref, data={"gone": True}))
        return str(told["results"][0]["id"])

    asked = [first]
    for _ in range(2):
        review_proof(org_id, olga, asked[-1], "retake", clock.now(), reason="photo_blurred")
        asked.append(answer(asked[-1]))
    review_proof(org_id, olga, asked[-1], verdict, clock.now(), reason="photo_blurred")
    with reading() as session:
        states = [session.get_one(Event, (org_id, it)).review_state for it in asked]
        assert session.execute(select(Task.id).where(Task.done_at.is_(None))).all() == []
    assert states == [verdict] * 3
    assert rebuild.check(clock.now()) == (2, [])


def test_a_rejected_answer_leaves_what_was_accepted_meanwhile(phone: ApiPhone, org_id: str) -> None:
    codes = make_parcels(org_id, 1)
    first = hand_over(phone, org_id, codes, is_home=False)
    olga = make_user(org_id, "office", "Olga Office")
    review_proof(org_id, olga, first, "retake", clock.now(), reason="photo_blurred")
    told = phone.send(phone.seal("report", codes, reason="retake", ref=first))
    review_proof(org_id, olga, first, "accept", clock.now(), seen="retake")
    review_proof(
        org_id, olga, told["results"][0]["id"], "reject", clock.now(), reason="other", note="It shows a wall."
    )
    with reading() as session:
        assert session.get_one(Event, (org_id, first)).review_state == "accept"


def test_an_anomaly_is_closed_once_however_many_press(
    app_on_both: Flask, phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1)
    event_id = hand_over(phone, org_id, [code], is_home=False, expected=2)
    olga = make_user(org_id, "office", "Olga Office")

    def close() -> None:
        close_anomaly(org_id, olga, code, "count_mismatch", event_id, "Counted again", clock.now())

    assert at_once(app_on_both, close, close, close) == ["conflict", "conflict", "done"]
    with reading() as session:
        closed = session.get_one(Anomaly, (org_id, code, event_id, "count_mismatch"))
        assert not closed.is_open
    assert rebuild.check(clock.now()) == (1, [])


def test_the_line_is_walked_oldest_first_in_both_directions(phone: ApiPhone, org_id: str) -> None:
    ids = [
        hand_over(phone, org_id, make_parcels(org_id, 1, seed=n), minute=n, is_home=False) for n in range(5)
    ]
    with reading() as session:
        at, seen = review.next_waiting(session, org_id, ""), []
        while at:
            seen.append(at)
            assert review.place_in_line(session, org_id, "", at) == len(seen) - 1
            at = review.next_waiting(session, org_id, "", at)
        assert seen == ids
        assert review.next_waiting(session, org_id, "", ids[2], is_back=True) == ids[1]
        assert review.waiting_counts(session, org_id) == {"": 5, "handovers": 5, "packing": 0, "problems": 0}
        assert review.next_waiting(session, org_id, "", "no such event") is None


def test_a_proof_of_five_hundred_parcels_is_judged_in_one_event(phone: ApiPhone, org_id: str) -> None:
    event_id = hand_over(phone, org_id, make_parcels(org_id, 500), is_home=False)
    olga = make_user(org_id, "office", "Olga Office")
    review_proof(org_id, olga, event_id, "reject", clock.now(), reason="other", note="The wrong van")
    with reading() as session:
        [verdict] = review.verdicts(session, org_id, event_id)
        found = review.proof(session, org_id, event_id)
    assert (verdict.by, verdict.verdict, verdict.note) == ("Olga Office", "reject", "The wrong van")
    assert found is not None
    assert len(found.scanned) == 500
