"""Another market, another zone, another pack: what is open is judged anew, what is settled stays as it was judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from sync.rules import pack as packs
from tests.support.books import Books
from tests.support.exports import ready, row, shipped
from webapp.services import deadlines, rebuild
from webapp.services.choose_market import Changed, choose_market
from webapp.services.sweep import sweep
from webapp.store.models import Deadline, Event, Organisation
from webapp.store.queries import shop
from webapp.store.unit import lock_org, reading, transaction

PLACED = datetime(2026, 11, 20, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def stored(books: Books, rule: str) -> list[Deadline]:
    with reading() as session:
        query = select(Deadline).where(Deadline.org_id == books.org, Deadline.rule == rule)
        return list(session.execute(query.order_by(Deadline.due_at)).scalars())


def is_sound(now: datetime) -> bool:
    assert rebuild.check(now)[1] == []
    return True


def test_another_market_has_every_open_deadline_judged_anew_by_the_next_sweep(books: Books) -> None:
    books.put(*(ready(n, shipping_type="Ship by TikTok") for n in range(1, 4)), now=PLACED + 3 * HOUR)
    sweep(PLACED + 3 * HOUR)
    assert {it.pack for it in stored(books, "deemed_cancelled")} == {"guide 2026-11-22"}
    assert sweep(PLACED + 4 * HOUR).looked_at == 0
    assert choose_market(books.org, "VN") is Changed.MARKET
    assert choose_market(books.org, "VN") is Changed.NOTHING
    assert is_sound(PLACED + 4 * HOUR), "nobody has looked since: nothing to compare with"
    assert sweep(PLACED + 4 * HOUR).looked_at == 3
    assert {(it.pack, it.due_at) for it in stored(books, "deemed_cancelled")} == {
        ("vn 2025-07-15", datetime(2026, 11, 25, 16, 59, 59, tzinfo=UTC))
    }
    assert len(stored(books, "handover_by")) == 3, "a rule that only the new market has"
    assert sweep(PLACED + 4 * HOUR).looked_at == 0
    assert is_sound(PLACED + 4 * HOUR)


def test_a_deeming_of_the_market_before_is_withdrawn_when_it_does_not_hold_in_the_new_one(
    books: Books,
) -> None:
    choose_market(books.org, "VN")
    books.put(ready(1, shipping_type="Ship by TikTok"), now=PLACED + 3 * HOUR)
    sweep(PLACED + 7 * DAY)
    assert (books.parcel().status, books.parcel().is_deemed) == ("cancelled", True)
    choose_market(books.org, "guide")
    assert [step["kind"] for step in sweep(PLACED + 7 * DAY).applied] == ["void"]
    assert books.parcel().status == "ready"
    assert is_sound(PLACED + 7 * DAY)


def test_a_number_that_changes_in_the_pack_reaches_what_is_open(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.put(row(1), now=PLACED + HOUR)
    sweep(PLACED + HOUR)
    held = packs.load("guide")
    terms = tuple(
        replace(term, after=timedelta(days=20), version="2027-01-01")
        if term.rule == "deemed_cancelled"
        else term
        for term in held.terms
    )
    other = replace(held, version="2027-01-01", terms=terms)
    monkeypatch.setattr(deadlines, "pack_of", lambda _market: other)
    monkeypatch.setattr("webapp.services.sweep.pack_of", lambda _market: other)
    assert sweep(PLACED + 2 * HOUR).looked_at == 1
    (cancelled,) = stored(books, "deemed_cancelled")
    assert (cancelled.due_at, cancelled.pack) == (PLACED + 20 * DAY, "guide 2027-01-01")


def test_what_is_settled_stays_judged_by_the_terms_that_held_then(books: Books) -> None:
    books.put(
        shipped(1, status="Completed", substatus="Completed", delivered_at="28/11/2026 09:00:00"),
        now=PLACED + 9 * DAY,
    )
    sweep(PLACED + 9 * DAY)
    before = {(it.rule, it.due_at) for it in stored(books, "deemed_lost")}
    choose_market(books.org, "TH")
    assert sweep(PLACED + 10 * DAY).looked_at == 0
    assert {(it.rule, it.due_at) for it in stored(books, "deemed_lost")} == before
    with reading() as session:
        deemed = select(Event.id).where(Event.org_id == books.org, Event.kind.like("deem%"))
        assert session.execute(deemed).first() is None
    assert is_sound(PLACED + 10 * DAY)


def test_the_clock_that_a_shop_chose_does_not_move_what_its_exports_say(books: Books) -> None:
    choose_market(books.org, "ID")
    books.put(ready(1), now=PLACED + 3 * HOUR)
    read = books.order(1).created_at
    assert choose_market(books.org, "ID", "Asia/Jayapura") is Changed.CLOCK
    books.put(ready(2), now=PLACED + 4 * HOUR)
    assert books.order(2).created_at == read, "Seller Center writes Jakarta's time wherever the shop is"


def test_another_time_zone_of_the_shop_is_another_day_for_its_reminders(books: Books) -> None:
    books.put(row(1), now=PLACED + HOUR)
    sweep(PLACED + 6 * DAY)
    with transaction() as session:
        lock_org(session, books.org, 0)
        shop.set_setting(session, books.org, "time_zone", "Pacific/Honolulu")
    assert sweep(PLACED + 6 * DAY).looked_at == 1
    (update,) = stored(books, "status_update")
    # Evening in Honolulu, where the day of that reminder has half of itself left: its next morning is at 18:00 UTC.
    assert update.next_at == datetime(2026, 11, 26, 18, tzinfo=UTC)


def test_a_market_that_is_none_is_refused(books: Books) -> None:
    with pytest.raises(Problem, check=lambda p: p.members.get("field") == "market"):
        choose_market(books.org, "XX")
    with reading() as session:
        assert session.get_one(Organisation, books.org).market == "guide"
