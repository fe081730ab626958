"""What is due to be marked as shipped on the marketplace, on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from tests.support.books import NOW, Books
from tests.support.exports import order_id, ready, shipped
from webapp.services.ship_by_seller import confirm_shipped, due_to_mark

OWN = {"shipping_type": "Ship by Seller"}


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def due(books: Books, after: timedelta = timedelta(0)) -> list[str]:
    return sorted(each.order_id for each in due_to_mark(books.org, None, NOW + after))


def test_an_order_is_due_from_our_handover_until_an_export_or_a_person_marks_it(books: Books) -> None:
    books.put(*(ready(n, **OWN) for n in (1, 2, 3)), ready(4))
    codes = {p.tracking_number[-1]: p.code for p in books.parcels() if p.tracking_number}
    books.record("collect", *codes.values())
    books.record("carrier_scan", codes["1"], codes["2"], data={"source": "feed"})
    books.record("carrier_scan", codes["2"], data={"source": "feed", "status": "delivered"})
    assert due(books) == [order_id(1), order_id(2), order_id(3)]
    assert confirm_shipped(books.org, books.user, None, [codes["1"]], NOW).by_status == {"in_transit": 1}
    assert due(books) == [order_id(2), order_id(3)]
    books.put(shipped(3, **OWN))
    assert due(books) == [order_id(2)]
    assert due(books, timedelta(days=14)) == [order_id(2)]
    assert due(books, timedelta(days=16)) == [], "what was delivered is settled there by then (R25)"


def test_an_export_that_says_shipped_for_one_of_two_packages_leaves_the_other(books: Books) -> None:
    second = {"sku_id": "1729000000000000999", "package_id": "1150000000000000999", "tracking": "MY999"}
    books.put(ready(1, **OWN), ready(1, **OWN, **second))
    books.record("collect", *(parcel.code for parcel in books.parcels()))
    assert due(books) == [order_id(1), order_id(1)]
    books.put(shipped(1, **OWN), ready(1, **OWN, **second))
    [left] = due_to_mark(books.org, None, NOW)
    assert (left.tracking_number, left.parcels) == ("MY999", 2)
