"""A file that the office brings: shown first, applied by the clockwork, forgotten; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.exports import ready, row, write_xlsx
from webapp.services import keep_stock
from webapp.services.importing import apply, files
from webapp.services.importing.apply import import_file
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.keep_stock import Count
from webapp.store.models import (
    ImportFile,
    Order,
    Stock,
)
from webapp.store.unit import Session, reading, transaction


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_an_uploaded_file_is_read_shown_applied_and_forgotten(books: Books) -> None:
    file_id = books.upload(ready(1), row(2, quantity="x"), name="..\\secret/All orders=1.csv")
    assert _file(books, file_id).name == "All orders=1.csv"
    apply.run_import(books.org, file_id)
    held = _file(books, file_id)
    assert (held.state, held.counts["preview"]["new"], len(held.rejected)) == ("ready", 1, 1)
    assert books.count(Order) == 0
    files.queue(books.org, file_id, books.user, NOW)
    apply.run_import(books.org, file_id)
    held = _file(books, file_id)
    assert (held.state, held.counts["result"]["orders"], held.rows_done) == ("done", 1, 2)
    assert books.parcel().status == "ready"
    with pytest.raises(Problem), files.fetched(books.org, file_id):
        pass


def test_a_file_whose_dates_nobody_can_tell_waits_for_the_answer(books: Books) -> None:
    file_id = books.upload(row(1, created_at="03/04/2026 10:00:00"))
    apply.run_import(books.org, file_id)
    assert _file(books, file_id).state == "asking"
    files.answer_dates(books.org, file_id, "mdy", NOW)
    apply.run_import(books.org, file_id)
    assert _file(books, file_id).state == "ready"
    files.queue(books.org, file_id, books.user, NOW)
    apply.run_import(books.org, file_id)
    assert books.order().created_at == datetime(2026, 3, 4, 2, tzinfo=UTC)


def test_an_import_that_nobody_has_heard_of_is_handed_in_again_and_a_living_one_is_not(books: Books) -> None:
    file_id = books.upload(row(1))
    assert (books.org, file_id) not in apply.left_lying(NOW + timedelta(minutes=1))
    assert (books.org, file_id) in apply.left_lying(NOW + timedelta(minutes=3))
    assert files.take(books.org, file_id, NOW, apply.LEASE) is not None
    assert files.take(books.org, file_id, NOW + timedelta(seconds=30), apply.LEASE) is None, "one is at it"
    assert files.take(books.org, file_id, NOW + timedelta(minutes=5), apply.LEASE) is not None


def test_what_one_run_said_of_a_file_another_cannot_take_back(books: Books) -> None:
    file_id = books.upload(row(1))
    apply.run_import(books.org, file_id)
    files.queue(books.org, file_id, books.user, NOW)
    files.show(books.org, file_id, apply.Outcome(), NOW)
    assert _file(books, file_id).state == "queued", "a second preview would offer it again"
    apply.run_import(books.org, file_id)
    files.refuse(books.org, file_id, Problem("server-fault", "The other run broke"), NOW)
    files.finish(books.org, file_id, apply.Outcome(), NOW)
    held = _file(books, file_id)
    assert (held.state, held.counts["result"]["orders"]) == ("done", 1)


def test_a_count_that_was_interrupted_goes_on_where_it_was_and_what_was_sold_since_stays_sold(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = save_place(books.org, None, PlaceFacts("North", "warehouse", "", None))
    path = tmp_path / "count.csv"
    path.write_text("SKU,On hand\n,1\nA,5\nB,7\nC,2\n", encoding="utf-8")
    with path.open("rb") as stream:
        file_id = files.receive(books.org, books.user, path.name, stream, NOW, "stock")
    apply.run_import(books.org, file_id)
    files.queue(books.org, file_id, books.user, NOW)
    monkeypatch.setattr(keep_stock, "PART", 1)
    monkeypatch.setattr(apply, "LEASE", timedelta(0))
    count_in = keep_stock.count_in

    def break_at_b(session: Session, org_id: str, by: str, counts: list[Count], now: datetime) -> list[str]:
        if counts[0].sku == "B":
            raise Problem("busy", "Not now")
        return count_in(session, org_id, by, counts, now)

    with monkeypatch.context() as broken:
        broken.setattr(keep_stock, "count_in", break_at_b)
        apply.run_import(books.org, file_id)
    held = _file(books, file_id)
    assert (held.state, held.rows_done, held.rows_total) == ("running", 2, 4)
    keep_stock.adjust(books.org, books.user, "A", place, -1, "Sold at the door", NOW)
    apply.run_import(books.org, file_id)
    with reading() as session:
        shelves = session.execute(select(Stock.sku, Stock.on_hand).where(Stock.org_id == books.org))
        assert dict(shelves.all()) == {"A": 4, "B": 7, "C": 2}
    held = _file(books, file_id)
    assert (held.state, held.rows_done) == ("done", 4)
    assert [1, "taken before it was interrupted", "sealed"] in held.counts["result"]["figures"]


def test_a_workbook_goes_the_same_way(books: Books) -> None:
    path = write_xlsx(books._folder / "o.xlsx", [ready(1), row(2, order_id=5.76e17)])
    told = import_file(books.org, books.user, path, NOW).as_dict()
    assert told["orders"] == 1
    assert told["rejected"][0]["code"] == "id_number"


def _file(books: Books, file_id: str) -> ImportFile:
    with reading() as session:
        return session.get_one(ImportFile, (books.org, file_id))


def test_a_file_whose_every_try_dies_without_a_word_is_given_up(books: Books) -> None:
    file_id = books.upload(ready(1))
    for n in range(3):
        at = NOW + timedelta(minutes=5 * n)
        assert files.take(books.org, file_id, at, apply.LEASE) is not None
    late = NOW + timedelta(minutes=15)
    assert (books.org, file_id) in apply.left_lying(late)
    assert files.take(books.org, file_id, late, apply.LEASE) is None
    assert _file(books, file_id).state == "refused"
    assert apply.left_lying(late + timedelta(hours=1)) == []


def test_a_file_that_was_heard_of_is_tried_for_as_long_as_it_goes_on(books: Books) -> None:
    file_id = books.upload(ready(1))
    for n in range(6):
        at = NOW + timedelta(minutes=5 * n)
        assert files.take(books.org, file_id, at, apply.LEASE) is not None
        with transaction() as session:
            files.beat(session, books.org, file_id, n, 10, at)


def test_a_store_that_is_away_gives_up_no_file(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    file_id = books.upload(ready(1))

    def away(*_: object) -> object:
        raise Problem("busy", "The photo store is away.")

    with monkeypatch.context() as broken:
        broken.setattr(files, "fetched", away)
        for n in range(5):
            broken.setattr(apply.clock, "now", lambda n=n: NOW + timedelta(minutes=3 * n))
            apply.run_import(books.org, file_id)
    assert _file(books, file_id).state in files.WAITING
    monkeypatch.setattr(apply.clock, "now", lambda: NOW + timedelta(hours=1))
    apply.run_import(books.org, file_id)
    assert _file(books, file_id).state == "ready"


def test_a_long_file_is_heard_of_while_it_is_read_for_the_first_time(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = books.upload(ready(1))
    assert files.take(books.org, file_id, NOW, apply.LEASE) is not None
    monkeypatch.setattr(files.clock, "now", lambda: NOW)
    say = files.still_reading(books.org, file_id)
    late = NOW + apply.LEASE + timedelta(seconds=1)
    monkeypatch.setattr(files.clock, "now", lambda: late)
    assert (books.org, file_id) in apply.left_lying(late)
    say(500)
    assert apply.left_lying(late) == []
    assert _file(books, file_id).counts["tries"] == 0
