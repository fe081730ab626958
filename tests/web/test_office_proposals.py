"""Proposals in the office: a list with its reasons and what is short, taken by one press."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.exports import row, write_csv
from tests.support.shop import make_shop
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.services.importing.apply import import_file
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.keep_stock import Count, count_in
from webapp.store.models import Order, Parcel
from webapp.store.unit import lock_org, reading, transaction

PATH = "/office/prepare/proposals"


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id)


def sell(desk: Desk, folder: Path, many: int, on_hand: int) -> None:
    place = save_place(desk.org_id, None, PlaceFacts("North", "warehouse", "", None))
    with transaction() as session:
        lock_org(session, desk.org_id)
        count_in(session, desk.org_id, desk.user_id, [Count("SKU-1", place, on_hand)], clock.now())
    rows = [row(n, seller_sku="SKU-1", provider="", city="Penang") for n in range(1, many + 1)]
    import_file(desk.org_id, desk.user_id, write_csv(folder / "o.csv", rows), clock.now())


def digest(page: str) -> str:
    found = re.search(r'name="digest" value="(\w+)"', page)
    assert found
    return found[1]


def test_a_list_says_from_where_with_whom_and_what_is_short_and_is_taken_by_one_press(
    desk: Desk, tmp_path: Path
) -> None:
    assert "Nothing to propose for" in words(desk.page(PATH))
    sell(desk, tmp_path, 3, on_hand=2)
    assert PATH in desk.page("/office/prepare")
    page = desk.page(PATH)
    said = html.unescape(words(page))
    assert "2 of 3 can be sent" in said
    assert "North has all of it, distance not known" in said
    assert "Short of 1 × SKU-1 (0 there)" in said
    assert words(desk.page(PATH, show="stays")).count("Short of") == 1
    done = desk.press(PATH, digest=digest(page))
    assert "2 parcels are now confirmed" in done
    assert "0 of 1 can be sent" in words(desk.page(PATH))


def test_an_orders_page_keeps_shelves_and_charges_from_its_seller(
    app: Flask, desk: Desk, tmp_path: Path
) -> None:
    sell(desk, tmp_path, 1, on_hand=0)
    with reading() as session:
        order = session.execute(select(Order.order_id).where(Order.org_id == desk.org_id)).scalar_one()
        seller = session.execute(select(Parcel.seller).where(Parcel.org_id == desk.org_id)).scalar_one()
    assert "From which warehouse" in desk.page(f"/office/orders/{order}")
    page = Desk(app, desk.org_id, "seller", seller).page(f"/office/orders/{order}")
    assert "From which warehouse" not in page


def test_a_press_on_what_has_changed_meanwhile_is_told_and_confirms_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    sell(desk, tmp_path, 2, on_hand=5)
    answer = desk.post(PATH, digest="0" * 64)
    assert answer.status_code == 409
    assert "changed since you looked" in words(answer.text)
    assert "2 of 2 can be sent" in words(answer.text)


def test_a_long_list_has_pages(desk: Desk, tmp_path: Path) -> None:
    sell(desk, tmp_path, 130, on_hand=500)
    first, second = desk.page(PATH), desk.page(PATH, page="2")
    seen = [re.findall(r"/office/parcels/([0-9A-Z]{12})", page) for page in (first, second)]
    assert (len(seen[0]), len(seen[1])) == (100, 30)
    assert not set(seen[0]) & set(seen[1])
    assert "101–130 of 130" in words(second)


def test_a_seller_and_another_shop_see_nothing_of_it(app: Flask, desk: Desk, tmp_path: Path) -> None:
    sell(desk, tmp_path, 2, on_hand=5)
    theirs = Desk(app, desk.org_id, "seller", "Mine")
    assert theirs.get(PATH).status_code == 403
    assert PATH not in theirs.page("/office/prepare")
    assert "Nothing to propose for" in words(Desk(app, make_shop("Another")).page(PATH))
