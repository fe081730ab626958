"""The clock in the books, on both databases: each rule at its second, through import, phones, sweep and show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from tests.support.books import Books
from tests.support.exports import ready, row, shipped
from tests.support.shop import make_parcels, make_shop
from webapp.services import rebuild
from webapp.services.deadlines import judgement_of
from webapp.services.record import Draft, record
from webapp.services.sweep import Swept, sweep
from webapp.store.models import Anomaly, Deadline, Event, EventParcel, Notice, Order, Organisation, Parcel
from webapp.store.queries import deadlines as ask
from webapp.store.unit import reading, transaction

PLACED = datetime(2026, 11, 20, 1, tzinfo=UTC)  # 09:00 in Kuala Lumpur, as the exports of the tests say
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


@pytest.fixture
def on_sqlite(app: Flask, tmp_path: Path) -> Iterator[Books]:
    return Books(tmp_path)


def test_the_clock_reads_what_changed_and_not_every_parcel_there_ever_was(app_on_both: Flask) -> None:
    org_id = make_shop()
    codes = sorted(make_parcels(org_id, 5))
    asked: list[tuple[str, Any]] = []
    with transaction() as session:
        for number, code in enumerate(codes):
            session.execute(update(Parcel).where(Parcel.code == code).values(changed=1 + number // 2))
    with reading() as session:
        connection = session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def _note(_c: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
            asked.append((statement, parameters))

        look = ask.to_look_at(session, org_id, (1, codes[0]), PLACED, 3)
        assert look == ask.Look(tuple(codes[1:4]), (2, codes[3]))
        statement, parameters = asked[0]
        if connection.dialect.name == "sqlite":
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
            assert "(org_id=? AND changed>?)" in plan, plan
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())
            assert re.search(r"Index Cond: .*?changed >=", plan), plan


def parcel(books: Books) -> Parcel:
    (found,) = books.parcels()
    return found


def say(books: Books, kind: str, at: datetime, now: datetime, *codes: str, **members: Any) -> str:
    """An event of somebody in the office or of a feed, told at `now` about `at`."""
    with transaction() as session:
        meant = codes or tuple(p.code for p in books.parcels())
        (result,) = record(session, books.org, "someone", [Draft(kind, meant, at=at, **members)], now)
    return str(result.id)


def kinds(swept: Swept) -> list[str]:
    return [step["kind"] for step in swept.applied]


def timeline(books: Books, code: str) -> list[str]:
    with reading() as session:
        query = (
            select(Event.kind)
            .join(EventParcel, EventParcel.event_id == Event.id)
            .where(EventParcel.code == code)
            .order_by(Event.effective_at, Event.seq)
        )
        return list(session.execute(query).scalars())


def stored(books: Books, rule: str) -> Deadline:
    with reading() as session:
        return session.execute(select(Deadline).where(Deadline.rule == rule)).scalar_one()


def is_sound(now: datetime) -> bool:
    _, differing = rebuild.check(now)
    assert differing == []
    return True


def test_r25_an_order_without_an_update_is_cancelled_after_15_days_and_not_a_second_before(
    books: Books,
) -> None:
    books.put(row(1), now=PLACED + HOUR)
    due = PLACED + 15 * DAY
    assert "deem_cancelled" not in kinds(sweep(due - SECOND))
    assert parcel(books).status == "expected"
    swept = sweep(due)
    assert kinds(swept) == ["deem_cancelled"]
    assert (parcel(books).status, parcel(books).is_deemed, parcel(books).status_at) == (
        "cancelled",
        True,
        due,
    )
    assert sweep(due + SECOND).applied == []
    assert is_sound(due + SECOND)


def test_r22_what_was_handed_over_and_never_acknowledged_is_lost_after_12_days(books: Books) -> None:
    books.put(shipped(1), now=PLACED + DAY)
    due = PLACED + 12 * DAY
    assert kinds(sweep(due - SECOND)) == []
    assert kinds(sweep(due)) == ["deem_lost"]
    assert parcel(books).status == "lost"
    assert kinds(sweep(PLACED + 15 * DAY)) == [], "it had its update: R25 has nothing to cancel"
    assert is_sound(PLACED + 16 * DAY)


def test_a_fact_beats_a_deeming_and_the_office_sees_it_recovered(books: Books) -> None:
    books.put(shipped(1), now=PLACED + DAY)
    sweep(PLACED + 12 * DAY)
    books.put(
        shipped(1, status="Completed", substatus="Completed", delivered_at="03/12/2026 09:00:00"),
        now=PLACED + 13 * DAY + HOUR,
    )
    assert kinds(sweep(PLACED + 13 * DAY + 2 * HOUR)) == []
    assert (parcel(books).status, parcel(books).is_deemed) == ("delivered", False)
    assert "recovered" in books.anomalies()
    assert is_sound(PLACED + 14 * DAY)


def test_a_deeming_that_a_late_fact_proves_wrong_is_withdrawn_and_both_stay_on_the_timeline(
    books: Books,
) -> None:
    books.put(shipped(1), now=PLACED + DAY)
    sweep(PLACED + 12 * DAY)
    say(books, "carrier_scan", PLACED + 11 * DAY, PLACED + 13 * DAY, data={"status": "delivered"})
    swept = sweep(PLACED + 13 * DAY)
    assert kinds(swept) == ["void"]
    assert parcel(books).status == "delivered"
    told = timeline(books, parcel(books).code)
    assert told.count("deem_lost") == 1
    assert told.count("void") == 1
    assert is_sound(PLACED + 13 * DAY)


def test_r13_r14_and_the_carriers_first_scan_are_stored_with_number_and_source(books: Books) -> None:
    books.put(ready(1), now=PLACED + 3 * HOUR)
    handed_over = PLACED + 4 * HOUR
    say(books, "collect", handed_over, handed_over)
    swept = sweep(handed_over)
    assert swept.applied == []
    shown = stored(books, "mark_shipped")
    assert (shown.due_at, shown.state, shown.number) == (
        handed_over + 48 * HOUR,
        "open",
        "48 hours after “handed over”",
    )
    assert "48 hours" in shown.source
    assert shown.pack.startswith("guide ")
    assert stored(books, "status_update").due_at == PLACED + 120 * HOUR
    assert kinds(sweep(handed_over + 24 * HOUR - SECOND)) == []
    assert kinds(sweep(handed_over + 24 * HOUR)) == ["remind"]
    with reading() as session:
        assert "awaiting_carrier_scan" in session.execute(select(Anomaly.code)).scalars().all()
    sweep(handed_over + 48 * HOUR)
    assert stored(books, "mark_shipped").state == "passed"
    say(books, "carrier_scan", handed_over + 50 * HOUR, handed_over + 51 * HOUR)
    sweep(handed_over + 51 * HOUR)
    assert stored(books, "mark_shipped").state == "late"
    assert stored(books, "status_update").state == "met"
    with reading() as session:
        assert "awaiting_carrier_scan" not in session.execute(select(Anomaly.code)).scalars().all()
    assert is_sound(handed_over + 52 * HOUR)


def test_r27_an_order_is_reminded_of_once_a_day_from_the_first_missed_update_to_day_15(books: Books) -> None:
    books.put(
        row(1), ready(2), ready(2, package_id="1150000000000000777", sku_id="1729000000000000999"), now=PLACED
    )
    first = PLACED + 120 * HOUR
    assert sweep(first - SECOND).reminders == 0
    assert sweep(first).reminders == 2, "two orders, although one of them travels in two parcels"
    assert sweep(first + HOUR).reminders == 0
    total = 2
    moment = first
    while moment < PLACED + 20 * DAY:
        moment += 7 * HOUR
        total += sweep(moment).reminders
    days = 10  # 25 November to 4 December; on the 5th the order is cancelled at the hour it was placed
    assert total in {2 * days, 2 * (days + 1)}
    with reading() as session:
        reminded = session.execute(select(Event.data).where(Event.kind == "remind")).scalars().all()
    by_day = [(data["order"], data["day"]) for data in reminded if "day" in data]
    assert len(by_day) == len(set(by_day)) == total
    assert {p.status for p in books.parcels()} == {"cancelled"}


def test_r27_ends_with_the_update(books: Books) -> None:
    books.put(row(1), now=PLACED)
    assert sweep(PLACED + 6 * DAY).reminders == 1
    books.put(shipped(1, shipped_at="26/11/2026 12:00:00"), now=PLACED + 6 * DAY + 4 * HOUR)
    assert sweep(PLACED + 8 * DAY).reminders == 0


def test_r21_two_failed_attempts_are_lost_whatever_the_clock_says(books: Books) -> None:
    books.put(shipped(1), now=PLACED + DAY)
    for hour in (30, 54):
        say(books, "attempt", PLACED + hour * HOUR, PLACED + hour * HOUR, reason="nobody_home")
    assert parcel(books).status == "lost"
    assert kinds(sweep(PLACED + 12 * DAY)) == []
    assert is_sound(PLACED + 12 * DAY)


def test_r31_force_majeure_stops_the_clock_of_the_parcels_it_names(books: Books) -> None:
    books.put(row(1), row(2), now=PLACED)
    hit = books.parcels()[0].code
    data = {"force_majeure": True, "incident": "flood", "on": True}
    say(books, "hold", PLACED + DAY, PLACED + DAY, hit, data=data)
    swept = sweep(PLACED + 15 * DAY)
    assert [step["parcel"] for step in swept.applied] == [p.code for p in books.parcels() if p.code != hit]
    say(books, "hold", PLACED + 16 * DAY, PLACED + 16 * DAY, hit, data={**data, "on": False})
    assert kinds(sweep(PLACED + 30 * DAY - SECOND)) == []
    assert kinds(sweep(PLACED + 30 * DAY)) == ["deem_cancelled"]
    assert is_sound(PLACED + 31 * DAY)


def test_the_marketplaces_time_for_one_order_overrides_the_pack_and_a_later_export_without_it_keeps_it(
    books: Books,
) -> None:
    own = {
        "collection_due_time": str(int((PLACED + 3 * DAY).timestamp())),
        "rts_sla_time": "21/11/2026 09:00:00",
    }
    books.put(row(1, **own), now=PLACED)
    sweep(PLACED + HOUR)
    assert stored(books, "deemed_cancelled").due_at == PLACED + 3 * DAY
    assert stored(books, "ready_by").due_at == PLACED + DAY
    books.put(ready(1), now=PLACED + 3 * HOUR)
    with reading() as session:
        assert set(session.execute(select(Order.own_times)).scalar_one() or {}) == set(own)
    assert kinds(sweep(PLACED + 3 * DAY)) == ["deem_cancelled"]


def test_a_shop_in_vietnam_is_judged_by_its_own_pack(books: Books) -> None:
    with transaction() as session:
        session.execute(update(Organisation).values(market="VN"))
    books.put(ready(1, shipping_type="Ship by TikTok"), now=PLACED + 5 * HOUR)
    sweep(PLACED + 5 * HOUR)
    shown = stored(books, "deemed_cancelled")
    assert shown.pack == "vn 2025-07-15"
    # Placed on a Friday, 09:00 in Hanoi: Saturday, Monday, Wednesday, since the 24th is Vietnam's Cultural Day.
    assert shown.due_at == datetime(2026, 11, 25, 16, 59, 59, tzinfo=UTC)


def test_at_rest_nothing_is_looked_at_and_what_changed_is_looked_at_once(on_sqlite: Books) -> None:
    done = {"status": "Completed", "substatus": "Completed", "delivered_at": "22/11/2026 09:00:00"}
    on_sqlite.put(*(shipped(n, **done) for n in range(1, 30)), now=PLACED + 3 * DAY)
    assert sweep(PLACED + 3 * DAY).looked_at == 29
    assert sweep(PLACED + 300 * DAY).looked_at == 0
    say(on_sqlite, "report", PLACED + 4 * DAY, PLACED + 4 * DAY, on_sqlite.parcels()[0].code, reason="damage")
    assert sweep(PLACED + 5 * DAY).looked_at == 1


def test_show_tells_deadlines_that_the_clock_has_not_looked_at_yet(on_sqlite: Books) -> None:
    on_sqlite.put(row(1), now=PLACED)
    with reading() as session:
        judged = judgement_of(session, on_sqlite.org, parcel(on_sqlite).code, PLACED + HOUR)
    assert {deadline.rule for deadline in judged.deadlines} == {"status_update", "deemed_cancelled"}


def test_a_sweep_ahead_of_time_is_not_undone_by_the_servers_own(on_sqlite: Books) -> None:
    on_sqlite.put(row(1), now=PLACED)
    assert kinds(sweep(PLACED + 16 * DAY)) == ["deem_cancelled"]
    on_sqlite.put(row(1, seller_note="changed"), now=PLACED + 2 * DAY)
    assert kinds(sweep(PLACED + 2 * DAY)) == []
    assert parcel(on_sqlite).status == "cancelled"


def test_several_sweeps_at_once_have_one_effect(books: Books, app_on_both: Flask) -> None:
    books.put(*(row(n) for n in range(1, 41)), now=PLACED)

    def work() -> Swept:
        with app_on_both.app_context():
            return sweep(PLACED + 15 * DAY)

    with ThreadPoolExecutor(4) as pool:
        done = [one.result() for one in [pool.submit(work) for _ in range(4)]]
    assert sum(len(swept.applied) for swept in done) == 40
    with reading() as session:
        assert len(session.execute(select(Event.id).where(Event.kind == "deem_cancelled")).all()) == 40


def test_a_sweep_cut_off_anywhere_goes_on_where_it_was(
    on_sqlite: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_sqlite.put(*(row(n) for n in range(1, 31)), now=PLACED)
    monkeypatch.setattr("webapp.services.sweep.CHUNK", 7)
    real, calls = ask.move_cursor, 0

    def dies(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("the power went")
        real(*arguments)

    monkeypatch.setattr(ask, "move_cursor", dies)
    assert sweep(PLACED + 15 * DAY).failed == 1
    assert sum(p.status == "cancelled" for p in on_sqlite.parcels()) == 14
    sweep(PLACED + 15 * DAY)
    assert {p.status for p in on_sqlite.parcels()} == {"cancelled"}
    with reading() as session:
        assert len(session.execute(select(Event.id).where(Event.kind == "deem_cancelled")).all()) == 30


def test_rebuild_notices_a_deadline_that_does_not_fit_its_facts_and_mends_it(on_sqlite: Books) -> None:
    on_sqlite.put(row(1), now=PLACED)
    sweep(PLACED)
    with transaction() as session:
        session.execute(
            update(Deadline).where(Deadline.rule == "status_update").values(due_at=PLACED + 99 * DAY)
        )
    _, differing = rebuild.check(PLACED + HOUR)
    assert [set(found.columns) for found in differing] == [{"deadlines"}]
    rebuild.rebuild(PLACED + HOUR)
    sweep(PLACED + HOUR)
    assert is_sound(PLACED + HOUR)


def told(books: Books) -> list[tuple[str, str]]:
    with reading() as session:
        rows = session.execute(select(Notice.kind, Notice.params).where(Notice.org_id == books.org)).all()
    return sorted((kind, str(params.get("deadline", ""))) for kind, params in rows)


def test_people_are_told_ahead_and_afterwards_and_never_twice(on_sqlite: Books) -> None:
    on_sqlite.put(ready(1), now=PLACED + 3 * HOUR)
    say(on_sqlite, "collect", PLACED + 4 * HOUR, PLACED + 4 * HOUR)
    due = PLACED + 52 * HOUR
    moment = PLACED + 4 * HOUR
    while moment < due - 12 * HOUR:
        sweep(moment)
        moment += HOUR
    assert told(on_sqlite) == [("deadline", "awaiting_carrier_scan")]
    sweep(due - 12 * HOUR)
    assert told(on_sqlite) == [("deadline", "awaiting_carrier_scan"), ("mark_shipped", "")]
    for _ in range(3):
        sweep(due)
    assert ("deadline", "mark_shipped") in told(on_sqlite)
    sweep(PLACED + 120 * HOUR)
    sweep(PLACED + 121 * HOUR)
    sweep(PLACED + 12 * DAY)
    assert told(on_sqlite) == [
        ("deadline", "awaiting_carrier_scan"),
        ("deadline", "deemed_lost"),
        ("deadline", "mark_shipped"),
        ("mark_shipped", ""),
        ("remind", ""),
        ("remind", ""),
    ]
