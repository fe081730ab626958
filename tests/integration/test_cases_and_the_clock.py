"""The clock and the cases, on both databases: a deadline passes, a period ends, a buyer is told to ask for money."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.books import NOW, Books
from tests.support.exports import order_id, ready, row
from webapp.services import rebuild
from webapp.services.cases import steps
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.deadlines import judgement_of
from webapp.services.sweep import sweep
from webapp.store.models import CaseEntry, Deadline, Delivery, Event, Notice
from webapp.store.queries import cases as ask
from webapp.store.unit import reading, transaction

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def opened(books: Books, kind: str, now: datetime = NOW, **members: Any) -> str:
    told = {"kind": kind, "title": "It never came", "words": "", "named": (order_id(1),), **members}
    return open_case(books.org, books.user, Wanted(**told), now)


def notices(books: Books, kind: str) -> list[Notice]:
    with reading() as session:
        query = select(Notice).where(Notice.org_id == books.org, Notice.kind == kind).order_by(Notice.key)
        return list(session.execute(query).scalars())


def kinds(books: Books, case: str) -> list[str]:
    with reading() as session:
        query = select(CaseEntry.kind).where(CaseEntry.org_id == books.org, CaseEntry.case_id == case)
        return list(session.execute(query.order_by(CaseEntry.position)).scalars())


def state(books: Books, rule: str, code: str) -> str:
    with reading() as session:
        return session.get_one(Deadline, (books.org, code, rule)).state


def test_r31_a_period_ends_at_its_second_by_itself_and_the_deadlines_go_on(books: Books) -> None:
    books.put(row(1, created_at="22/11/2026 17:00:00"), row(2, created_at="22/11/2026 17:00:00"))
    until = NOW + 3 * DAY
    case = opened(books, "force_majeure", starts_at=NOW, ends_at=until)
    code = next(p.code for p in books.parcels() if p.flags.get("force_majeure"))
    sweep(until - SECOND)
    assert (state(books, "status_update", code), kinds(books, case)) == ("paused", ["opened"])
    assert any(p.flags.get("force_majeure") for p in books.parcels())
    assert sweep(until).cases == 1
    assert not any(p.flags.get("force_majeure") for p in books.parcels())
    assert (state(books, "status_update", code), kinds(books, case)) == ("open", ["opened", "resumed"])
    with reading() as session:
        judged = {d.rule: d for d in judgement_of(session, books.org, code, until).deadlines}
        off = session.execute(
            select(Event).where(Event.org_id == books.org, Event.kind == "hold").order_by(Event.seq.desc())
        ).scalars()
        assert next(off).effective_at == until
    assert judged["deemed_cancelled"].due_at == NOW + 18 * DAY
    assert (sweep(until + HOUR).cases, kinds(books, case)) == (0, ["opened", "resumed"])
    deemed = {step["parcel"] for step in sweep(NOW + 18 * DAY - SECOND).applied}
    assert code not in deemed
    assert code in {step["parcel"] for step in sweep(NOW + 18 * DAY).applied}
    assert rebuild.check(NOW + 18 * DAY)[1] == []


def test_r31_a_server_that_was_away_ends_the_period_when_it_ended_and_not_when_it_looked(
    books: Books,
) -> None:
    books.put(row(1, created_at="22/11/2026 17:00:00"))
    opened(books, "force_majeure", starts_at=NOW, ends_at=NOW + 3 * DAY)
    swept = sweep(NOW + 30 * DAY)
    assert [(step["kind"], step["at"]) for step in swept.applied if step["kind"] == "deem_cancelled"] == [
        ("deem_cancelled", "2026-12-10T09:00:00.000Z")
    ]
    assert not books.parcel().flags["force_majeure"]
    with reading() as session:
        holds = select(Event.effective_at).where(Event.org_id == books.org, Event.kind == "hold")
        assert list(session.execute(holds.order_by(Event.seq)).scalars()) == [NOW, NOW + 3 * DAY]


def test_r31_another_deadline_given_before_the_clock_looked_does_not_keep_a_period_alive(
    books: Books,
) -> None:
    books.put(row(1))
    case = opened(books, "force_majeure", starts_at=NOW, ends_at=NOW + DAY)
    steps.set_due(
        books.org, books.user, case, NOW + 9 * DAY, "They gave us more time", NOW + DAY + 30 * SECOND
    )
    sweep(NOW + DAY + 60 * SECOND)
    assert not any(p.flags.get("force_majeure") for p in books.parcels())
    assert kinds(books, case) == ["opened", "due", "resumed"]
    sweep(NOW + 9 * DAY)
    assert kinds(books, case) == ["opened", "due", "resumed", "overdue"]


def test_r31_a_period_that_is_over_is_corrected_to_a_shorter_one(books: Books) -> None:
    books.put(row(1, created_at="22/11/2026 17:00:00"))
    case = opened(books, "force_majeure", starts_at=NOW, ends_at=NOW + 3 * DAY)
    sweep(NOW + 3 * DAY)
    steps.set_period(books.org, books.user, case, NOW, NOW + DAY, "It was over sooner", NOW + 4 * DAY)
    sweep(NOW + 4 * DAY)
    with reading() as session:
        due = session.get_one(Deadline, (books.org, books.parcel().code, "deemed_cancelled")).due_at
    assert due == NOW + 16 * DAY


def test_r31_a_longer_period_begins_again_and_one_told_when_it_was_over_marks_nothing(books: Books) -> None:
    books.put(row(1), row(2))
    case = opened(books, "force_majeure", starts_at=NOW, ends_at=NOW + DAY)
    sweep(NOW + DAY)
    steps.set_period(books.org, books.user, case, NOW, NOW + 5 * DAY, "The water is back", NOW + DAY + SECOND)
    assert any(p.flags.get("force_majeure") for p in books.parcels())
    sweep(NOW + 5 * DAY)
    assert not any(p.flags.get("force_majeure") for p in books.parcels())
    late = opened(
        books, "force_majeure", NOW + 6 * DAY, named=(order_id(2),), starts_at=NOW, ends_at=NOW + DAY
    )
    assert not any(p.flags.get("force_majeure") for p in books.parcels())
    assert (sweep(NOW + 7 * DAY).cases, kinds(books, late)) == (0, ["opened"])


def test_r30_a_case_past_its_deadline_raises_one_alarm_and_says_so_in_its_history(books: Books) -> None:
    books.put(ready(1))
    case = opened(books, "complaint")
    sweep(NOW + 40 * DAY - SECOND)
    assert notices(books, "alarm") == []
    for after in (40 * DAY, 40 * DAY + SECOND, 50 * DAY):
        sweep(NOW + after)
        (told,) = notices(books, "alarm")
    assert (told.to_kind, told.to, told.params["what"]) == ("role", "office", "case_due")
    assert "#1 It never came" in told.params["detail"]
    assert told.params["path"] == f"/office/cases/{case}"
    assert kinds(books, case) == ["opened", "overdue"]


def test_r30_another_deadline_is_another_alarm_and_a_closed_case_raises_none(books: Books) -> None:
    books.put(ready(1))
    case = opened(books, "complaint")
    who = (books.org, books.user, case)
    steps.set_due(*who, NOW + DAY, "The marketplace says so", NOW)
    sweep(NOW + DAY)
    steps.set_due(*who, NOW + 2 * DAY, "One day more", NOW + DAY)
    steps.close_case(*who, "settled", "They agreed", NOW + DAY)
    sweep(NOW + 3 * DAY)
    assert len(notices(books, "alarm")) == 1
    steps.reopen_case(*who, "They did not", NOW + 3 * DAY)
    assert sweep(NOW + 3 * DAY).cases == 1
    assert len(notices(books, "alarm")) == 2
    steps.set_due(*who, NOW + 3 * DAY, "It was due yesterday", NOW + 4 * DAY)
    sweep(NOW + 4 * DAY)
    assert len(notices(books, "alarm")) == 3


def test_r30_what_fell_due_long_ago_is_written_down_and_wakes_nobody(books: Books) -> None:
    books.put(ready(1))
    case = opened(books, "complaint")
    for after in (43 * DAY, 44 * DAY):
        sweep(NOW + after)
    assert notices(books, "alarm") == []
    assert kinds(books, case) == ["opened", "overdue"]
    steps.set_due(books.org, books.user, case, NOW + 44 * DAY, "So they say", NOW + 44 * DAY)
    for after in (45 * DAY, 46 * DAY):
        sweep(NOW + after)
    assert len(notices(books, "alarm")) == 1
    assert kinds(books, case) == ["opened", "overdue", "due", "overdue"]


def test_r23_buyers_who_paid_are_told_to_request_a_refund_once_for_each_case_and_order(books: Books) -> None:
    books.put(
        row(1, payment_method="Online banking"),
        row(2, payment_method="Cash on delivery"),
        row(3, payment_method="Credit card"),
    )
    case = opened(books, "loss", named=(order_id(1), order_id(2), order_id(3)))
    told = notices(books, "refund_request")
    assert [notice.params["order"] for notice in told] == [order_id(1), order_id(3)]
    assert {(n.to_kind, n.to, n.params["cause"], n.state) for n in told} == {("address", "", "lost", "new")}
    assert kinds(books, case) == ["opened", "asked"]
    steps.set_money(books.org, books.user, case, "done", "", "Payout", NOW)
    steps.set_money(books.org, books.user, case, "expected", "", "It bounced", NOW)
    assert len(notices(books, "refund_request")) == 2
    assert kinds(books, case) == ["opened", "asked", "money", "money"]


def test_r26_with_no_money_after_all_no_buyer_asks_for_it_unless_it_is_expected_again(books: Books) -> None:
    books.put(*(row(n, payment_method="Online banking") for n in range(1, 6)))
    orders = [order_id(n) for n in range(1, 6)]
    case = opened(books, "loss", named=tuple(orders))
    other = opened(books, "damage", named=(order_id(1),))
    states = dict(zip(orders, ("new", "unsent", "failed", "waiting", "by_hand"), strict=True))
    with transaction() as session:
        for notice in session.execute(
            select(Notice).where(Notice.key.startswith(f"refund:{case}"))
        ).scalars():
            notice.state = states[notice.params["order"]]
            if notice.state in ("failed", "waiting"):
                told = {"state": "given_up" if notice.state == "failed" else "waiting", "channel": "webhook"}
                ids = {"org_id": books.org, "id": f"d{notice.params['order']}", "notice_id": notice.id}
                session.add(Delivery(**ids, **told, target="", next_try_at=NOW, created_at=NOW))
    steps.set_money(books.org, books.user, case, "none", "", "They keep it after all", NOW)
    left = [notice for notice in notices(books, "refund_request") if case in notice.key]
    assert [notice.params["order"] for notice in left] == orders[3:]
    assert len(notices(books, "refund_request")) == 3, "the other case's is left alone"
    assert books.count(Delivery) == 1
    with reading() as session:
        [entry] = session.execute(
            select(CaseEntry).where(CaseEntry.org_id == books.org, CaseEntry.kind == "money")
        ).scalars()
        assert entry.data == {"refund": "none", "amount": None, "called_off": 3}
        assert len(ask.entries(session, books.org, other)) == 2
    steps.set_money(books.org, books.user, case, "none", "", "Still none", NOW)
    steps.set_money(books.org, books.user, case, "expected", "", "They do not", NOW)
    again = [notice for notice in notices(books, "refund_request") if case in notice.key]
    assert [notice.state for notice in again] == ["new", "new", "new", "waiting", "by_hand"]
    assert kinds(books, case) == ["opened", "asked", "money", "money", "money", "asked"]


def test_r26_a_case_that_asks_no_refund_tells_no_buyer_until_somebody_says_that_money_is_expected(
    books: Books,
) -> None:
    books.put(row(1, payment_method="Online banking"))
    case = opened(books, "complaint")
    assert notices(books, "refund_request") == []
    steps.set_money(books.org, books.user, case, "expected", "12.00", "Agreed", NOW)
    (told,) = notices(books, "refund_request")
    assert told.params["cause"] == "failed"
    assert kinds(books, case) == ["opened", "money", "asked"]
