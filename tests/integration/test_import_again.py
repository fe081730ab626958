"""A newer export over what the office, the clock and the buyer have done since the last one, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.books import NOW, Books
from tests.support.exports import order_id, ready, row, shipped, sku_id
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.record import Draft, record
from webapp.services.sweep import sweep
from webapp.store.models import Deadline
from webapp.store.unit import reading, transaction

DAY = timedelta(days=1)


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def unpaid(**fields: Any) -> dict[str, Any]:
    return row(1, status="Unpaid", substatus="", **fields)


def states(books: Books) -> dict[str, tuple[str, bool]]:
    return {parcel.code: (parcel.status, parcel.is_deemed) for parcel in books.parcels()}


def begin_incident(books: Books) -> None:
    flood = Wanted(
        kind="force_majeure", title="A flood", words="", named=(order_id(1),), starts_at=NOW, ends_at=None
    )
    open_case(books.org, books.user, flood, NOW)


# -- holds and incidents


def test_r31_an_order_that_is_paid_for_is_let_go_though_an_incident_came_between(books: Books) -> None:
    books.put(unpaid())
    begin_incident(books)
    books.put(row(1, paid_at="21/11/2026 09:00:00"))
    flags = books.parcel().flags
    assert (flags["on_hold"], flags["force_majeure"]) == (False, True)


def test_r31_an_unpaid_order_is_held_though_an_incident_is_on(books: Books) -> None:
    books.put(row(1))
    begin_incident(books)
    books.put(unpaid())
    flags = books.parcel().flags
    assert (flags["on_hold"], flags["force_majeure"]) == (True, True)


# -- what a rule took for cancelled, and the marketplace still waits for


def test_r25_an_order_that_the_marketplace_still_waits_for_lives_though_a_rule_had_it_cancelled(
    books: Books,
) -> None:
    """Also where the order says what it said before: only the export is newer. RULES section 1."""
    books.put(ready(1))
    sweep(NOW + 14 * DAY)
    code = books.parcel().code
    assert states(books) == {code: ("cancelled", True)}
    books.put(ready(1), now=NOW + 15 * DAY)
    assert states(books) == {code: ("cancelled", True)}, "an export of before says nothing against it"
    newer = row(2, created_at="07/12/2026 09:00:00")
    told = books.put(ready(1), newer, now=NOW + 16 * DAY)
    assert told["unchanged"] == 1
    lives = states(books)
    assert lives[code] == ("ready", False)
    events = len(books.kinds(code))
    books.put(ready(1), newer, now=NOW + 16 * DAY)
    sweep(NOW + 17 * DAY)
    assert states(books) == lives
    assert set(books.kinds(code)[events:]) <= {"remind"}


def test_r25_a_label_that_revives_is_told_once_though_the_export_has_its_time(books: Books) -> None:
    books.put(row(1))
    sweep(NOW + 16 * DAY)
    code = books.parcel().code
    assert states(books) == {code: ("cancelled", True)}
    newer = row(2, created_at="09/12/2026 09:00:00")
    books.put(ready(1, rts_at="08/12/2026 10:00:00"), newer, now=NOW + 18 * DAY)
    assert states(books)[code] == ("ready", False)
    assert books.kinds(code).count("label") == 1


def test_r25_a_label_made_before_the_deeming_and_told_after_it_revives_too(books: Books) -> None:
    books.put(row(1))
    sweep(NOW + 16 * DAY)
    code = books.parcel().code
    newer = row(2, created_at="09/12/2026 09:00:00")
    books.put(ready(1, rts_at="01/12/2026 10:00:00"), newer, now=NOW + 18 * DAY)
    assert states(books)[code] == ("ready", False)


def test_r25_what_is_on_its_way_by_a_newer_export_is_not_cancelled_by_a_rule(books: Books) -> None:
    late = shipped(1, delivery_due_time="25/11/2026 09:00:00")
    books.put(late)
    sweep(NOW + 14 * DAY)
    code = books.parcel().code
    assert states(books) == {code: ("cancelled", True)}
    newer = row(2, created_at="07/12/2026 09:00:00")
    books.put(late, newer, now=NOW + 16 * DAY)
    assert states(books)[code] == ("in_transit", False)
    books.put(late, newer, now=NOW + 16 * DAY)
    assert books.kinds(code).count("carrier_scan") == 2


def test_a_line_cancelled_after_the_parcel_left_is_in_it_all_the_same(books: Books) -> None:
    both = [shipped(1, sku_id=sku_id(n), seller_sku=f"SKU-{n}") for n in (1, 2)]
    books.put(*both)
    gone = {**both[1], "status": "Canceled", "substatus": "Canceled", "cancelled_at": "22/11/2026 09:00:00"}
    books.put(both[0], gone)
    assert (books.parcel().status, books.parcel().items) == ("in_transit", 2)


def test_what_was_deemed_cancelled_and_the_marketplace_cancels_stays_so(books: Books) -> None:
    books.put(ready(1))
    sweep(NOW + 14 * DAY)
    gone = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "06/12/2026 09:00:00"}
    books.put(ready(1, **gone), row(2, created_at="07/12/2026 09:00:00"), now=NOW + 16 * DAY)
    assert next(p.status for p in books.parcels() if p.tracking_number) == "cancelled"


def test_r25_a_label_that_came_late_leaves_the_next_term_to_come_and_the_daily_reminders(
    books: Books,
) -> None:
    """`R27`: what was missed first is told as missed by what it was, and hides nothing of what follows."""
    books.put(row(1, shipping_due_time="21/11/2026 09:00:00"))
    sweep(NOW)
    books.put(ready(1, rts_at="21/11/2026 10:00:00"))
    sweep(NOW)
    code = books.parcel().code
    assert states(books) == {code: ("ready", False)}
    with reading() as session:
        due = session.get_one(Deadline, (books.org, code, "deemed_cancelled"))
        assert (due.state, due.due_at) == ("open", datetime(2026, 12, 5, 1, tzinfo=UTC))
    assert sweep(datetime(2026, 11, 25, 1, tzinfo=UTC)).reminders == 1
    assert sweep(datetime(2026, 11, 26, 1, tzinfo=UTC)).reminders == 1
    assert [step["kind"] for step in sweep(datetime(2026, 12, 5, 1, tzinfo=UTC)).applied] == [
        "deem_cancelled"
    ]


# -- a buyer who asks again


def test_r2_a_second_request_to_cancel_is_seen_after_the_first_was_settled(books: Books) -> None:
    asking = {"cancel_type": "Cancel", "cancel_by": "Buyer"}

    def put(day: int, **fields: str) -> bool:
        books.put(row(1, **fields), row(2, created_at=f"{day}/11/2026 09:00:00"), now=NOW + (day - 20) * DAY)
        return next(p.flags["cancel_requested"] for p in books.parcels() if p.code == code)

    books.put(row(1))
    code = books.parcel().code
    assert put(21, **asking)
    assert put(22, seller_note="the same request, still open", **asking)
    with transaction() as session:
        sent = Draft("resolve", (code,), data={"status": "confirmed"})
        record(session, books.org, books.user, [sent], NOW + 2 * DAY + timedelta(hours=1))
    assert not put(23, seller_note="still told of, though the office has settled it", **asking)
    assert not put(24)
    assert put(25, **asking)
    requests = books.kinds(code).count("cancel")
    assert put(26, seller_note="no third one", **asking)
    assert books.kinds(code).count("cancel") == requests == 2
