"""A newer export over what the office, the clock and the buyer have done since the last one, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.books import NOW, Books
from tests.support.exports import order_id, row
from webapp.services.cases.open_case import Wanted, open_case


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def unpaid(**fields: Any) -> dict[str, Any]:
    return row(1, status="Unpaid", substatus="", **fields)


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
