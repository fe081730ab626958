"""An export in the books, on both databases: what goes in, what a newer one changes, what is never undone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from sync.protocol import codes
from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.exports import ready, row, shipped, sku_id, write_csv
from tests.support.shop import make_shop
from webapp.services.importing import apply
from webapp.services.importing.apply import import_file
from webapp.services.importing.preview import look_ahead
from webapp.store.models import (
    Carrier,
    Event,
    Order,
    OrderLine,
    Parcel,
    ParcelOrder,
    Place,
)
from webapp.store.unit import lock_org, reading, transaction


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_an_export_becomes_orders_lines_parcels_and_a_carrier(books: Books) -> None:
    told = books.put(row(1), ready(2), ready(2, sku_id=sku_id(5), quantity="4"), row(3, quantity="none"))
    assert (told["orders"], told["parcels"], told["unchanged"]) == (2, 2, 0)
    assert [(bad["row"], bad["column"], bad["code"]) for bad in told["rejected"]] == [
        (5, "Quantity", "quantity_invalid")
    ]
    by_status = {parcel.status: parcel for parcel in books.parcels()}
    assert set(by_status) == {"expected", "ready"}
    parcel = by_status["ready"]
    assert codes.is_code(parcel.code)
    assert (parcel.tracking_number, parcel.carrier, parcel.items) == ("MY600000000002", "j-t-express", 5)
    assert parcel.seller == "Main warehouse"
    assert parcel.status_at == datetime(2026, 11, 20, 3, tzinfo=UTC), (
        "the marketplace's time, not the import's"
    )
    assert books.anomalies() == set(), "nobody skipped packing: the marketplace does not know of it"
    assert books.order(2).amount is not None
    assert books.count(OrderLine) == 3
    with reading() as session:
        assert session.get_one(Carrier, (books.org, "j-t-express")).names == ["J&T Express"]


def test_the_same_file_twice_changes_nothing(books: Books) -> None:
    rows = [row(1), shipped(2), ready(3)]
    books.put(*rows)
    events, head = books.count(Event), [p.changed for p in books.parcels()]
    told = books.put(*rows)
    assert (told["orders"], told["parcels"], told["unchanged"]) == (0, 0, 3)
    assert books.count(Event) == events
    assert [p.changed for p in books.parcels()] == head, "no phone has to fetch anything again"


def test_a_newer_export_updates_orders_and_gives_parcels_their_numbers_without_a_new_code(
    books: Books,
) -> None:
    books.put(row(1))
    code = books.parcel().code
    told = books.put(ready(1, recipient="B*** C***"))
    assert (told["updated"], told["parcels"]) == (1, 1)
    parcel = books.parcel()
    assert (parcel.code, parcel.status, parcel.tracking_number) == (code, "ready", "MY600000000001")
    assert books.order().recipient == "B*** C***"
    assert books.order().platform_substatus == "Awaiting collection"


def test_a_new_address_reaches_the_phones_though_nothing_else_of_the_parcel_changed(books: Books) -> None:
    books.put(ready(1, recipient="A*** B***"), ready(2))
    before = {p.tracking_number: p.changed for p in books.parcels()}
    books.put(ready(1, recipient="B*** C***"), ready(2))
    after = {p.tracking_number: p.changed for p in books.parcels()}
    assert after["MY600000000001"] > before["MY600000000001"]
    assert after["MY600000000002"] == before["MY600000000002"], "an order that says the same is no news"


def test_an_older_export_never_overwrites_a_newer_one(books: Books) -> None:
    books.put(shipped(1, recipient="New"), row(2, created_at="21/11/2026 12:00:00"))
    told = books.put(
        ready(1, recipient="Old", created_at="19/11/2026 09:00:00", rts_at="19/11/2026 11:00:00")
    )
    assert (told["orders"], told["older"], told["unchanged"]) == (0, 1, 1)
    assert books.order().recipient == "New"
    assert next(p for p in books.parcels() if p.tracking_number).status == "in_transit"


def test_an_export_of_one_order_with_news_counts_although_the_others_are_newer(books: Books) -> None:
    books.put(ready(1), row(2, created_at="21/11/2026 12:00:00"))
    told = books.put(shipped(1))
    assert told["updated"] == 1


def test_no_export_undoes_a_fact(books: Books) -> None:
    books.put(ready(1))
    code = books.parcel().code
    books.record("carrier_scan", code)
    assert books.parcel().status == "in_transit"
    told = books.put(ready(1, recipient="Someone"))
    assert told["updated"] == 1
    assert books.parcel().status == "in_transit"


def test_facts_come_with_their_own_times_and_only_once(books: Books) -> None:
    done = {"substatus": "Delivered", "delivered_at": "21/11/2026 12:00:00"}
    books.put(ready(1))
    books.put(shipped(1))
    books.put(shipped(1, **done))
    books.put(shipped(1, **done, seller_note="thanks"))
    parcel = books.parcel()
    assert books.kinds(parcel.code) == ["label", "carrier_scan", "carrier_scan"]
    assert parcel.status == "delivered"
    assert parcel.delivered_at == datetime(2026, 11, 21, 4, tzinfo=UTC)
    assert books.anomalies() == {"no_handover_proof"}


def test_a_cancelled_order_is_cancelled_and_after_a_handover_only_asked_for(books: Books) -> None:
    gone = {
        "status": "Canceled",
        "substatus": "Canceled",
        "cancelled_at": "21/11/2026 09:00:00",
        "cancel_by": "Buyer",
    }
    books.put(ready(1))
    books.put(ready(1, **gone))
    assert books.parcel().status == "cancelled"
    with reading() as session:
        event = session.execute(
            select(Event).where(Event.org_id == books.org, Event.kind == "cancel")
        ).scalar_one()
    assert event.data == {"source": "import"}
    assert event.reason == "buyer_request"
    assert event.effective_at == datetime(2026, 11, 21, 1, tzinfo=UTC)


def test_an_order_that_is_cancelled_because_its_package_was_lost_is_lost_and_no_request(books: Books) -> None:
    books.put(shipped(1))
    gone = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    books.put(shipped(1, **gone, cancel_reason="package_lost", cancel_by="System"))
    parcel = books.parcel()
    assert (parcel.status, parcel.is_deemed) == ("lost", False)
    assert parcel.flags["cancel_requested"] is False
    assert parcel.status_at == datetime(2026, 11, 21, 1, tzinfo=UTC)
    assert "cancel" not in books.kinds(parcel.code)


def test_that_a_parcel_was_lost_which_somebody_signed_for_is_the_offices_to_dispute(books: Books) -> None:
    books.put(shipped(1))
    books.record("deliver", books.parcel().code)
    gone = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    books.put(shipped(1, **gone, cancel_reason="package_lost", cancel_by="System"))
    parcel = books.parcel()
    assert (parcel.status, parcel.flags["cancel_requested"]) == ("delivered", True)


def test_one_package_with_two_orders_stays_one_parcel_over_chunks(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK_ORDERS", 1)
    package = {"package_id": "1150000000000000001", "tracking": "MY1"}
    told = books.put(ready(1, **package), ready(2), ready(3, **package))
    assert (told["orders"], told["parcels"]) == (3, 2)
    with reading() as session:
        shared = session.execute(
            select(ParcelOrder.code)
            .where(ParcelOrder.org_id == books.org)
            .group_by(ParcelOrder.code)
            .having(func.count() > 1)
        ).scalars()
        assert len(list(shared)) == 1


def test_orders_that_are_combined_later_leave_one_parcel_and_call_the_other_off(books: Books) -> None:
    books.put(row(1), row(2))
    package = {"package_id": "1150000000000000001", "tracking": "MY1"}
    books.put(ready(1, **package), ready(2, **package))
    statuses = sorted(parcel.status for parcel in books.parcels())
    assert statuses == ["cancelled", "ready"]


def test_an_order_that_is_split_later_keeps_its_parcel_and_gets_a_second(books: Books) -> None:
    books.put(row(1, quantity="5"))
    first = books.parcel().code
    books.put(
        ready(1, quantity="2"), ready(1, quantity="3", package_id="1150000000000000099", tracking="MY99")
    )
    held = books.parcels()
    assert len(held) == 2
    assert first in {parcel.code for parcel in held}
    assert {parcel.status for parcel in held} == {"ready"}


def test_a_parcel_scanned_before_its_import_becomes_known(books: Books) -> None:
    books.record("carrier_scan", "MY600000000001")
    scanned = books.parcel()
    assert not scanned.is_known
    books.put(ready(1))
    parcel = books.parcel()
    assert (parcel.code, parcel.is_known, parcel.status) == (scanned.code, True, "in_transit")
    assert parcel.changed > scanned.changed


def test_what_the_books_learn_is_held_against_the_scans_of_before(books: Books) -> None:
    books.record("carrier_scan", "MY600000000001", carrier="ninja-van")
    assert books.anomalies() == {"no_handover_proof"}
    books.put(row(1, tracking="MY600000000001"))
    assert books.kinds(books.parcel().code) == ["carrier_scan"], "the import had no fact of its own to tell"
    assert books.anomalies() == {"no_handover_proof", "wrong_carrier"}


def test_a_scan_of_the_label_joins_the_parcel_whose_tag_came_first(books: Books) -> None:
    books.put(row(1))
    tagged = books.parcel().code
    books.record("carrier_scan", "MY600000000001")
    assert len(books.parcels()) == 2
    books.put(ready(1))
    parcel = books.parcel()
    assert (parcel.code, parcel.tracking_number, parcel.status) == (tagged, "MY600000000001", "in_transit")
    assert books.kinds(tagged) == ["label", "carrier_scan"]


def test_what_an_export_leaves_out_does_not_erase_what_was_known(books: Books) -> None:
    books.put(ready(1))
    books.put(ready(1, provider="", tracking="", warehouse=""))
    parcel = books.parcel()
    assert (parcel.tracking_number, parcel.carrier, parcel.seller) == (
        "MY600000000001",
        "j-t-express",
        "Main warehouse",
    )


def test_an_export_without_packages_speaks_of_the_parcel_that_is_there(books: Books) -> None:
    books.put(ready(1), ready(2))

    def names() -> set[tuple[str, str | None, str | None]]:
        return {(it.code, it.package_id, it.tracking_number) for it in books.parcels()}

    before = names()
    off = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    books.put(ready(1, package_id="", tracking=""), row(2, **off))
    assert names() == before
    assert sorted(it.status for it in books.parcels()) == ["cancelled", "ready"]


def test_a_row_without_a_package_calls_off_no_package_of_two_orders(books: Books) -> None:
    package = {"package_id": "1150000000000000001", "tracking": "MY1234567"}
    books.put(ready(1, **package), ready(2, **package))
    off = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    books.put(row(2, **off))
    (shared,) = (it for it in books.parcels() if it.package_id)
    assert shared.status == "ready"


def test_a_carrier_is_found_by_any_of_its_names_and_made_once(books: Books) -> None:
    with transaction() as session:
        lock_org(session, books.org)
        session.add(Carrier(org_id=books.org, code="jt", name="J&T", names=["J & T EXPRESS"]))
    books.put(ready(1), ready(2, provider="Zénith Post (南)"), ready(3, provider="ZENITH-POST"))
    assert {p.carrier for p in books.parcels()} == {"jt", "zenith-post", "zenith-post-2"}


def test_a_parcel_stands_at_the_place_that_is_called_like_its_warehouse(books: Books) -> None:
    with transaction() as session:
        lock_org(session, books.org)
        session.add(Place(org_id=books.org, id="p1", name="main WAREHOUSE"))
    books.put(ready(1, seller_note="FRAGILE"))
    assert books.parcel().place_id == "p1"
    assert books.parcel().fragile


def test_an_import_is_of_one_shop_only(books: Books) -> None:
    other = make_shop("Another shop")
    books.put(ready(1))
    with reading() as session:
        assert session.execute(select(func.count()).where(Parcel.org_id == other)).scalar_one() == 0
    look = look_ahead(other, write_csv(books._folder / "same.csv", [ready(1)]), NOW)
    assert look.as_dict()["new"] == 1, "the other shop does not have it"


def test_a_preview_says_what_the_import_then_does_and_changes_nothing(books: Books) -> None:
    books.put(row(1), row(2))
    path = write_csv(books._folder / "next.csv", [ready(1), row(2), shipped(3), row(4, sku_id="")])
    before = (books.count(Event), books.count(Order), books.count(Parcel))
    preview = look_ahead(books.org, path, NOW).as_dict()
    assert (books.count(Event), books.count(Order), books.count(Parcel)) == before
    done = import_file(books.org, books.user, path, NOW).as_dict()
    assert preview == done
    assert (done["new"], done["updated"], done["unchanged"]) == (1, 1, 1)


@pytest.mark.parametrize("bad", [{"order_id": "x"}, {"quantity": "x", "sku_id": "y"}])
def test_a_hopeless_file_changes_nothing(
    books: Books, monkeypatch: pytest.MonkeyPatch, bad: dict[str, str]
) -> None:
    rows = [row(9), *(row(n, **bad) for n in range(5))]
    path = write_csv(books._folder / "bad.csv", rows)
    look_ahead(books.org, path, NOW)
    monkeypatch.setattr("webapp.services.importing.export.MAX_BAD_ROWS", 4)
    monkeypatch.setattr(apply, "MAX_BAD_ROWS", 4)
    for refuses in (lambda: look_ahead(books.org, path, NOW), lambda: books.put(*rows)):
        with pytest.raises(Problem) as refused:
            refuses()
        assert refused.value.code == "import-too-bad"
    assert books.count(Order) == 0


def test_a_chunk_that_fails_leaves_the_ones_before_it_and_a_second_run_ends_it(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK_ORDERS", 2)
    rows = [ready(n) for n in range(1, 7)]
    whole, calls = apply.write_chunk, []

    def breaks(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            whole(*args)
            raise RuntimeError("the power went")
        return whole(*args)

    monkeypatch.setattr(apply, "write_chunk", breaks)
    with pytest.raises(RuntimeError):
        books.put(*rows)
    assert books.count(Parcel) == 2, "a chunk is whole or not at all"
    monkeypatch.setattr(apply, "write_chunk", whole)
    told = books.put(*rows)
    assert (told["new"], told["unchanged"]) == (4, 2)
    assert [books.kinds(parcel.code) for parcel in books.parcels()] == [["label"]] * 6
