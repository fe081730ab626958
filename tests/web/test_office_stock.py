"""The office's stock: the board, a shelf's book with its correction, a count from a file, and who may not."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.shop import make_shop
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.services.keep_places import PlaceFacts, save_place
from webapp.services.keep_stock import Count, count_in
from webapp.store.models import Order, OrderLine, Place
from webapp.store.unit import lock_org, reading, transaction


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id, "admin")


def count(org_id: str, *counts: tuple[str, int, str | None, int]) -> str:
    save_place(org_id, None, PlaceFacts("North", "warehouse", "", None))
    with reading() as session:
        place = session.execute(select(Place.id).where(Place.org_id == org_id)).scalar_one()
    with transaction() as session:
        lock_org(session, org_id)
        made = [Count(sku, place, number, name, low) for sku, number, name, low in counts]
        count_in(session, org_id, org_id, made, clock.now())
    return place


def test_an_empty_shop_says_what_to_do(desk: Desk) -> None:
    assert "No stock is kept here" in words(desk.page("/office/stock"))
    sent = {"file": (io.BytesIO(b"SKU,On hand\nA,1\n"), "count.csv")}
    told = desk.press("/office/stock/file", **sent)
    assert "There is no warehouse yet" in told


def test_what_is_short_comes_first_and_a_search_finds(desk: Desk, org_id: str) -> None:
    count(org_id, ("AAA", 50, "Batik shirt", 5), ("BBB", 3, "Bag", 5), ("CCC", 0, None, 0))
    page = words(desk.page("/office/stock"))
    assert page.index("BBB") < page.index("CCC") < page.index("AAA")
    assert "2 short 3 shelves 53 pieces on hand 0 of them reserved" in page
    found = words(desk.page("/office/stock", q="batik"))
    assert "AAA" in found
    assert "BBB" not in found
    assert "Nothing fits" in words(desk.page("/office/stock", q="nowhere"))
    part = desk.part("/office/stock/live")
    assert 'hx-trigger="every 15s"' in part.text
    assert "<html" not in part.text


def test_a_correction_is_in_the_book_with_its_reason(desk: Desk, org_id: str) -> None:
    place = count(org_id, ("AAA", 5, None, 0))
    shelf = {"sku": "AAA", "place": place}
    told = desk.press("/office/stock/shelf", by="-2", reason="two were wet", **shelf)
    assert "Corrected: 3 on hand." in told
    assert "Corrected -2 = 3" in told
    assert "two were wet" in told
    refused = desk.post("/office/stock/shelf", by="-9", reason="gone", **shelf)
    assert refused.status_code == 409
    assert "There are not so many" in refused.text
    assert 'value="gone"' in refused.text
    assert desk.post("/office/stock/shelf", by="many", reason="x", **shelf).status_code == 422
    assert desk.get("/office/stock/shelf", sku="ZZZ", place=place).status_code == 404
    assert desk.post("/office/stock/shelf", sku="ZZZ", place=place, by="1", reason="x").status_code == 404


def test_a_count_is_shown_before_it_is_taken(desk: Desk, org_id: str) -> None:
    count(org_id)
    sent = {"file": (io.BytesIO(b"SKU;On hand\nAAA;4\nBBB;x\n"), "count.csv")}
    page = desk.press("/office/stock/file", **sent)
    assert "What it would do" in page
    assert "AAA" not in words(desk.page("/office/stock"))
    path = desk.post("/office/stock/file", file=(io.BytesIO(b"SKU,On hand\nAAA,4\n"), "count.csv"))
    assert "What it did" in desk.press(path.headers["Location"] + "/apply")
    assert "AAA" in words(desk.page("/office/stock"))
    assert desk.post("/office/stock/file").status_code == 422


def test_a_seller_and_another_shop_see_nothing_of_it(app: Flask, desk: Desk, org_id: str) -> None:
    place = count(org_id, ("AAA", 5, None, 0))
    assert Desk(app, org_id, "seller", "Mine").get("/office/stock").status_code == 403
    stranger = Desk(app, make_shop("Another"))
    assert "AAA" not in words(stranger.page("/office/stock"))
    assert stranger.get("/office/stock/shelf", sku="AAA", place=place).status_code == 404
    assert Desk(app, org_id, "office").post("/office/stock/rule", all="1").status_code == 403
    assert "Saved." in desk.press("/office/stock/rule", all="1")


def test_an_order_says_from_where_and_with_whom_and_why(desk: Desk, org_id: str) -> None:
    count(org_id, ("AAA", 1, None, 0))
    save_place(org_id, None, PlaceFacts("South", "warehouse", "", (1.492, 103.741)))
    areas = ({"area": "10", "price": "45.50", "days": 2},)
    save_carrier(org_id, "jt", CarrierFacts("J&T Express", areas=areas), is_new=True)
    with transaction() as session:
        told = {"platform_status": "To ship", "seen_at": clock.now(), "digest": "x", "postcode": "10200"}
        session.add(Order(org_id=org_id, order_id="1", **told))
        session.flush()
        line = {"sku_id": "9", "seller_sku": "AAA", "product": "A", "quantity": 1}
        session.add(OrderLine(org_id=org_id, order_id="1", **line))
    page = words(desk.page("/office/orders/1"))
    assert "North best has all of it, distance not known" in page
    assert "South cannot lacks AAA (0 of 1)" in page
    assert "J&amp;T Express best delivers to 10, for 45.50, in 2 days" in page
    assert "not on the map" in page
    assert "Nothing is known to choose by" not in page
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=False)
    page = words(desk.page("/office/orders/1"))
    assert "J&amp;T Express best" not in page
    assert "Nothing is known to choose by: write down under Carriers where each delivers." in page
    assert "1 areas are on the map" in desk.press("/office/places/areas", areas="102; 5.414; 100.329")
    assert "not on the map" not in words(desk.page("/office/orders/1"))
    assert "102; 5.414; 100.329" in desk.page("/office/places")
    for bad in ("102; north", "102; 95; 3", "; 1; 1"):
        answer = desk.post("/office/places/areas", areas=bad)
        assert answer.status_code == 422
        assert "Line 1:" in answer.text
