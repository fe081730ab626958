"""Parcels that turn out to be one, a parcel of several orders, an order of several parcels: on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from tests.support.books import Books
from tests.support.exports import order_id, ready, row, shipped, sku_id
from tests.support.shop import ApiPhone, make_run, make_user
from tests.unit.phones import blob, proof
from webapp import clock
from webapp.services import rebuild
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.close_anomaly import close_anomaly
from webapp.services.deadlines import judgement_of
from webapp.services.mark_products import mark_product
from webapp.services.record import Draft, record
from webapp.services.sweep import sweep
from webapp.store.models import (
    Anomaly,
    BlobRef,
    CaseParcel,
    Deadline,
    Event,
    EventParcel,
    Notice,
    Parcel,
    ParcelOrder,
    RunParcel,
)
from webapp.store.queries.orders import order_page
from webapp.store.unit import reading, transaction

PLACED = datetime(2026, 11, 20, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NUMBER = "MY600000000001"
TOGETHER = {"package_id": "1150000000000000099", "tracking": "MY600000000099"}


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def say(books: Books, kind: str, at: datetime, *codes: str, **members: Any) -> None:
    with transaction() as session:
        record(session, books.org, books.user, [Draft(kind, codes, at=at, **members)], at)


def column(books: Books, of: Any, model: Any) -> set[str]:
    with reading() as session:
        return set(session.execute(select(of).where(model.org_id == books.org)).scalars())


def status(books: Books, number: int) -> str | None:
    with reading() as session:
        page = order_page(session, books.org, None, order_id(number))
        assert page
        return page.status


def about(books: Books, *codes: str) -> str:
    """A case about these, one of which no order is known for yet."""
    told = Wanted("appeal", "Nobody scanned it", "", (order_id(1),))
    case_id = open_case(books.org, books.user, told, clock.now())
    with transaction() as session:
        session.execute(delete(CaseParcel).where(CaseParcel.org_id == books.org))
        session.add_all(CaseParcel(org_id=books.org, case_id=case_id, code=code) for code in codes)
    return case_id


def is_sound(now: datetime) -> bool:
    assert rebuild.check(now)[1] == []
    return True


def test_all_that_was_kept_of_a_scanned_parcel_goes_along_when_it_turns_out_to_be_another(
    books: Books, app_on_both: Flask
) -> None:
    recent = {"created_at": f"{clock.now() - timedelta(days=2):%d/%m/%Y} 09:00:00"}
    books.put(row(1, **recent))
    tagged = books.parcel().code
    courier = make_user(books.org, "courier", "Cora")
    phone = ApiPhone(app_on_both.test_client(), books.org, courier)
    phone.send(
        phone.seal("collect", [NUMBER], **{**proof(), "blobs": [blob(parcel=NUMBER), blob("signature")]})
    )
    stray = next(p.code for p in books.parcels() if p.code != tagged)
    make_run(books.org, courier, [stray])
    case = about(books, stray)
    sweep(clock.now())
    assert stray in column(books, Deadline.parcel, Deadline)
    assert {"unknown_parcel"} <= books.anomalies()
    books.put(ready(1, **recent, rts_at=recent["created_at"]), now=clock.now())
    merged = books.parcel()
    assert (merged.code, merged.tracking_number, merged.status) == (tagged, NUMBER, "handed_over")
    assert merged.handed_over_at is not None
    for of, model in (
        (EventParcel.code, EventParcel),
        (RunParcel.code, RunParcel),
        (CaseParcel.code, CaseParcel),
        (Deadline.parcel, Deadline),
    ):
        assert column(books, of, model) == {tagged}, model.__name__
    assert column(books, Anomaly.parcel, Anomaly) <= {tagged}
    assert column(books, CaseParcel.case_id, CaseParcel) == {case}
    with reading() as session:
        refs = session.execute(select(BlobRef).where(BlobRef.org_id == books.org)).scalars().all()
    assert {(ref.role, ref.parcel, ref.is_checked) for ref in refs} == {
        ("photo", tagged, False),
        ("signature", "", False),
    }
    assert "unknown_parcel" not in books.anomalies()
    sweep(clock.now())
    assert "mark_shipped" in column(books, Deadline.rule, Deadline)
    assert is_sound(clock.now())


def test_what_was_on_both_is_kept_once(books: Books, app_on_both: Flask) -> None:
    books.put(row(1))
    tagged = books.parcel().code
    courier = make_user(books.org, "courier", "Cora")
    phone = ApiPhone(app_on_both.test_client(), books.org, courier)
    phone.send(phone.seal("collect", [tagged, NUMBER], **proof()))
    stray = next(p.code for p in books.parcels() if p.code != tagged)
    make_run(books.org, courier, [tagged, stray])
    about(books, tagged, stray)
    books.put(ready(1), now=clock.now())
    assert books.parcel().code == tagged
    assert books.kinds(tagged).count("collect") == 1
    for model in (RunParcel, CaseParcel):
        assert books.count(model) == 1
    assert "handed_over_twice" not in books.anomalies()
    assert is_sound(clock.now())


def test_a_person_s_closing_goes_along_and_stays(books: Books) -> None:
    books.put(row(1), now=PLACED + HOUR)
    tagged = books.parcel().code
    say(books, "carrier_scan", PLACED + 2 * HOUR, NUMBER)
    stray = next(p.code for p in books.parcels() if p.code != tagged)
    with reading() as session:
        found = session.execute(select(Anomaly).where(Anomaly.org_id == books.org)).scalar_one()
    close_anomaly(books.org, books.user, stray, found.code, found.event_id, "Our own van", PLACED + 3 * HOUR)
    books.put(ready(1), now=PLACED + 4 * HOUR)
    with reading() as session:
        rows = session.execute(select(Anomaly).where(Anomaly.org_id == books.org)).scalars()
        assert {(it.parcel, it.code, it.is_open) for it in rows} == {(tagged, "no_handover_proof", False)}
    assert is_sound(PLACED + 5 * HOUR)


def test_what_was_deemed_of_the_order_before_its_scan_was_known_is_withdrawn(books: Books) -> None:
    books.put(row(1), now=PLACED + HOUR)
    tagged = books.parcel().code
    say(books, "carrier_scan", PLACED + 10 * DAY, NUMBER)
    assert [step["kind"] for step in sweep(PLACED + 15 * DAY).applied] == ["deem_cancelled"]
    books.put(row(1, tracking=NUMBER), now=PLACED + 16 * DAY)
    assert "void" in {step["kind"] for step in sweep(PLACED + 16 * DAY).applied}
    assert (books.parcel().code, books.parcel().status) == (tagged, "lost")
    say(books, "carrier_scan", PLACED + 17 * DAY, tagged, data={"status": "delivered"})
    sweep(PLACED + 17 * DAY)
    assert books.parcel().status == "delivered"
    assert is_sound(PLACED + 17 * DAY)


def test_a_parcel_of_several_orders_is_as_far_for_each_of_them_and_due_by_the_first(books: Books) -> None:
    books.put(
        ready(1, **TOGETHER, created_at="20/11/2026 09:00:00"),
        ready(2, **TOGETHER, created_at="21/11/2026 09:00:00", rts_at="21/11/2026 11:00:00"),
        now=PLACED + 30 * HOUR,
    )
    parcel = books.parcel()
    sweep(PLACED + 30 * HOUR)
    with reading() as session:
        judged = {
            d.rule: d for d in judgement_of(session, books.org, parcel.code, PLACED + 2 * DAY).deadlines
        }
    assert judged["status_update"].due_at == PLACED + 120 * HOUR
    sweep(PLACED + 6 * DAY)
    with reading() as session:
        told = session.execute(
            select(Notice.params).where(Notice.org_id == books.org, Notice.kind == "remind")
        ).scalars()
        assert sorted(params["order"] for params in told) == [order_id(1), order_id(2)]
        reminders = select(Event.id).where(Event.org_id == books.org, Event.kind == "remind")
        assert len(session.execute(reminders).all()) == 2, "one an order and day"
    say(books, "carrier_scan", PLACED + 7 * DAY, parcel.code, data={"status": "delivered"})
    assert (status(books, 1), status(books, 2)) == ("delivered", "delivered")
    sweep(PLACED + 7 * DAY)
    assert is_sound(PLACED + 7 * DAY)


def test_an_order_of_several_parcels_is_shipped_when_all_are_and_cancelled_when_all_are(
    books: Books,
) -> None:
    second = {"package_id": "1150000000000000098", "tracking": "MY600000000098"}
    books.put(ready(1, quantity="2"), ready(1, quantity="3", **second), now=PLACED + 3 * HOUR)
    first, other = (p.code for p in books.parcels())
    say(books, "carrier_scan", PLACED + 4 * HOUR, first)
    assert status(books, 1) == "ready"
    assert "deem_cancelled" in {step["kind"] for step in sweep(PLACED + 15 * DAY).applied}
    with reading() as session:
        held = {p.code: p.status for p in session.execute(select(Parcel)).scalars() if p.org_id == books.org}
    assert (held[first], held[other]) == ("lost", "cancelled"), "each is judged by what it did itself"
    say(books, "carrier_scan", PLACED + 16 * DAY, first, data={"status": "delivered"})
    assert status(books, 1) == "delivered"
    say(books, "resolve", PLACED + 16 * DAY, first, data={"status": "cancelled"})
    assert status(books, 1) == "cancelled"
    sweep(PLACED + 16 * DAY)
    assert is_sound(PLACED + 16 * DAY)


def test_orders_combined_and_split_again_leave_no_parcel_that_no_export_knows(books: Books) -> None:
    books.put(row(1), row(2), now=PLACED + HOUR)
    books.put(ready(1, **TOGETHER), ready(2, **TOGETHER), now=PLACED + 3 * HOUR)
    sweep(PLACED + 3 * HOUR)
    assert sorted(p.status for p in books.parcels()) == ["cancelled", "ready"]
    books.put(
        shipped(1, **TOGETHER),
        shipped(2, package_id="1150000000000000097", tracking="MY600000000097"),
        now=PLACED + 10 * HOUR,
    )
    sweep(PLACED + 10 * HOUR)
    going = [p for p in books.parcels() if p.status != "cancelled"]
    assert sorted(p.tracking_number or "" for p in going) == ["MY600000000097", "MY600000000099"]
    assert (status(books, 1), status(books, 2)) == ("in_transit", "in_transit")
    assert is_sound(PLACED + 11 * HOUR)


def test_an_order_that_leaves_a_combined_package_is_judged_and_reminded_of_by_its_own(books: Books) -> None:
    books.put(ready(1, **TOGETHER, quantity="2"), ready(2, **TOGETHER, quantity="3"), now=PLACED + 3 * HOUR)
    together = books.parcel()
    assert together.items == 5
    own = {"package_id": "1150000000000000097", "tracking": "MY600000000097"}
    books.put(ready(1, **TOGETHER, quantity="2"), shipped(2, **own, quantity="3"), now=PLACED + 10 * HOUR)
    assert (status(books, 1), status(books, 2)) == ("ready", "in_transit")
    with reading() as session:
        held = session.get_one(Parcel, (books.org, together.code))
        assert (held.items, held.changed > together.changed) == (2, True)
    sweep(PLACED + 6 * DAY)
    with reading() as session:
        told = session.execute(
            select(Notice.params).where(Notice.org_id == books.org, Notice.kind == "remind")
        ).scalars()
        assert [params["order"] for params in told] == [order_id(1)]
    assert is_sound(PLACED + 6 * DAY)


def test_a_package_that_the_dangerous_goods_have_left_is_dangerous_no_more(books: Books) -> None:
    books.put(ready(1, **TOGETHER), ready(2, **TOGETHER), now=PLACED + 3 * HOUR)
    mark_product(books.org, books.user, sku_id(2), PLACED + 4 * HOUR, fragile=False, dangerous=True)
    assert books.parcel().dangerous
    own = {"package_id": "1150000000000000097", "tracking": "MY600000000097"}
    books.put(ready(1, **TOGETHER), ready(2, **own), now=PLACED + 10 * HOUR)
    assert {it.package_id == own["package_id"]: it.dangerous for it in books.parcels()} == {
        True: True,
        False: False,
    }


def test_a_package_that_all_its_orders_leave_keeps_them(books: Books) -> None:
    books.put(ready(1, **TOGETHER), ready(2, **TOGETHER), now=PLACED + 3 * HOUR)
    together = books.parcel().code
    books.put(ready(1), ready(2), now=PLACED + 10 * HOUR)
    with reading() as session:
        links = select(ParcelOrder.order_id).where(
            ParcelOrder.org_id == books.org, ParcelOrder.code == together
        )
        assert session.execute(links).scalars().first(), "nobody would know what it was"
    assert is_sound(PLACED + 11 * HOUR)


def test_a_package_that_has_left_keeps_the_orders_that_left_with_it(books: Books) -> None:
    books.put(shipped(1, **TOGETHER), shipped(2, **TOGETHER), now=PLACED + 10 * HOUR)
    own = {"package_id": "1150000000000000097", "tracking": "", "shipped_at": "20/11/2026 19:00:00"}
    books.put(shipped(2, **own), now=PLACED + 11 * HOUR)
    assert books.count(Parcel) == 2
    assert books.count(ParcelOrder) == 3
    assert is_sound(PLACED + 12 * HOUR)
