"""A retake and its answers on both databases: in whatever order they come, what stands is what nobody took back."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol import envelope
from tests.support.desk import hand_over
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services.review_proof import review_proof
from webapp.store.models import Event, Task
from webapp.store.unit import reading


class Asked:
    """One handover of two parcels, of which the office wants a better photo."""

    def __init__(self, app: Flask) -> None:
        self.org = make_shop()
        self.phone = ApiPhone(
            app.test_client(), self.org, make_user(self.org, name="Budi Santoso", active=True)
        )
        self.codes = make_parcels(self.org, 2)
        self.olga = make_user(self.org, "office", "Olga Office")
        self.first = hand_over(self.phone, self.org, self.codes, is_home=False)
        self.judge(self.first, "retake")

    def judge(self, event: str, verdict: str, seen: str = "waiting") -> None:
        reason = None if verdict == "accept" else "photo_blurred"
        review_proof(self.org, self.olga, event, verdict, clock.now(), reason=reason, seen=seen)

    def answer(self, **data: object) -> str:
        return self.phone.seal(
            "report", self.codes, reason="retake", ref=self.first, data={"gone": True, **data}
        )

    def void(self, event: str) -> str:
        return self.phone.seal("void", self.codes, ref=event, reason="mistake")

    def send(self, *events: str) -> list[str]:
        return [result["id"] for result in self.phone.send(*events)["results"]]

    def open_tasks(self) -> list[str]:
        with reading() as session:
            query = select(Task.id).where(Task.org_id == self.org, Task.done_at.is_(None))
            return list(session.execute(query.order_by(Task.created_at)).scalars())

    def state(self, event: str) -> str | None:
        with reading() as session:
            return session.get_one(Event, (self.org, event)).review_state


@pytest.fixture
def asked(app_on_both: Flask) -> Asked:
    return Asked(app_on_both)


def id_of(jws: str) -> str:
    return str(envelope.open_(jws).payload["id"])


def test_an_answer_and_its_withdrawal_in_one_batch_leave_the_task_open(asked: Asked) -> None:
    answer = asked.answer()
    asked.send(answer, asked.void(id_of(answer)))
    assert len(asked.open_tasks()) == 1


def test_a_withdrawal_that_comes_before_its_answer_leaves_the_task_open(asked: Asked) -> None:
    answer = asked.answer()
    asked.send(asked.void(id_of(answer)))
    asked.send(answer)
    assert len(asked.open_tasks()) == 1


@pytest.mark.parametrize("together", [True, False])
def test_of_two_answers_one_may_be_withdrawn(asked: Asked, together: bool) -> None:
    one, other = asked.answer(), asked.answer()
    asked.send(one)
    void = asked.void(id_of(one))
    if together:
        asked.send(void, other)
    else:
        asked.send(other)
        asked.send(void)
    assert asked.open_tasks() == []
    asked.send(asked.void(id_of(other)))
    assert len(asked.open_tasks()) == 1


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_a_verdict_on_an_answer_taken_back_is_none_on_what_it_answered(asked: Asked, verdict: str) -> None:
    [answer] = asked.send(asked.answer())
    asked.send(asked.void(answer))
    asked.judge(answer, verdict)
    assert asked.state(asked.first) == "retake"
    assert len(asked.open_tasks()) == 1


def test_rejecting_an_old_answer_leaves_what_was_asked_anew(asked: Asked) -> None:
    [answer] = asked.send(asked.answer())
    asked.judge(asked.first, "retake", seen="retake")
    [newer] = asked.open_tasks()
    asked.judge(answer, "reject")
    assert asked.open_tasks() == [newer]
    assert asked.state(asked.first) == "retake"
    asked.send(asked.void(answer))
    assert asked.open_tasks() == [newer], "the first request is not opened beside it"
    asked.judge(asked.first, "accept", seen="retake")
    assert asked.open_tasks() == []


def test_what_was_wrong_with_an_answer_is_not_said_of_what_it_answers(asked: Asked) -> None:
    [answer] = asked.send(asked.answer())
    asked.judge(answer, "reject")
    with reading() as session:
        query = select(Event.reason, Event.ref).where(Event.kind == "review").order_by(Event.seq)
        said = {ref: reason for reason, ref in session.execute(query)}
    assert said == {asked.first: None, answer: "photo_blurred"}
