"""Products marked delicate or dangerous reach every parcel that holds them, on both databases."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from sync.protocol.problems import Problem
from sync.rules.packing import Point
from tests.support.books import NOW, Books
from tests.support.exports import row, sku_id
from tests.support.shop import ApiPhone, make_user
from webapp.services import mark_products, rebuild
from webapp.services.confirm_parcels import confirm_parcels
from webapp.services.keep_checklist import read_checklist, save_checklist
from webapp.services.mark_products import let_go, mark_product
from webapp.services.rules import rules_for
from webapp.store.models import ProductMark
from webapp.store.queries import goods
from webapp.store.queries.picking import Choice
from webapp.store.unit import Session, lock_org, reading


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


def mark(books: Books, number: int = 1, **marks: bool) -> int:
    told = {"fragile": False, "dangerous": False, **marks}
    return mark_product(books.org, books.user, sku_id(number), NOW, **told)


def on_the_phone(app: Flask, books: Books, role: str = "courier") -> list[dict[str, Any]]:
    phone = ApiPhone(app.test_client(), books.org, make_user(books.org, role))
    listed: list[dict[str, Any]] = phone.worklist()["parcels"]["upserts"]
    return listed


def test_a_mark_reaches_parcels_that_are_there_and_those_imported_later(books: Books) -> None:
    books.put(row(1), row(2))
    assert mark(books, fragile=True, dangerous=True) == 1
    books.put(row(3, sku_id=sku_id(1)))
    marks = sorted((parcel.fragile, parcel.dangerous) for parcel in books.parcels())
    assert marks == [(False, False), (True, True), (True, True)]
    mark(books)
    assert not any(parcel.fragile or parcel.dangerous for parcel in books.parcels())


@pytest.mark.parametrize("is_marked", [True, False], ids=["marking", "unmarking"])
@pytest.mark.parametrize("at", [1, 3])
def test_whatever_breaks_no_parcel_is_without_the_mark_of_what_it_holds(
    books: Books, monkeypatch: pytest.MonkeyPatch, is_marked: bool, at: int
) -> None:
    monkeypatch.setattr(mark_products, "PART", 1)
    books.put(row(1), row(2, sku_id=sku_id(1)), row(3, sku_id=sku_id(1)))
    mark(books, dangerous=not is_marked)
    steps = itertools.count()

    def lock(session: Session, org_id: str) -> int:
        if next(steps) == at:
            raise Problem("busy", "Not now")
        return lock_org(session, org_id)

    monkeypatch.setattr(mark_products, "lock_org", lock)
    with pytest.raises(Problem):
        mark(books, dangerous=is_marked)
    with reading() as session:
        product = session.get_one(ProductMark, (books.org, sku_id(1)))
        assert product.dangerous <= all(parcel.dangerous for parcel in books.parcels())
    mark(books, dangerous=is_marked)
    assert {parcel.dangerous for parcel in books.parcels()} == {is_marked}


def test_of_many_parcels_one_imported_while_they_are_marked_is_marked_too(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mark_products, "PART", 1)
    books.put(row(1), row(2, sku_id=sku_id(1)))
    put = mark_products._put_in_parts

    def put_and_import(*args: Any) -> None:
        put(*args)
        books.put(row(3, sku_id=sku_id(1)))

    monkeypatch.setattr(mark_products, "_put_in_parts", put_and_import)
    assert mark(books, dangerous=True, fragile=True) == 3
    assert {(parcel.dangerous, parcel.fragile) for parcel in books.parcels()} == {(True, True)}


def test_unmarking_a_product_leaves_what_the_seller_wrote(books: Books) -> None:
    books.put(row(1, seller_note="fragile"))
    mark(books, fragile=True)
    mark(books)
    assert books.parcel().fragile


def test_a_product_nobody_sells_is_not_marked(books: Books) -> None:
    with pytest.raises(Problem) as refused:
        mark(books, number=9, fragile=True)
    assert refused.value.code == "not-found"


def test_the_packers_list_says_what_is_in_it_and_only_while_it_is_to_be_packed(
    app_on_both: Flask, books: Books
) -> None:
    books.put(row(1, quantity="2"), row(1, sku_id=sku_id(7), product="Mug", variation="Blue", quantity="1"))
    [parcel] = on_the_phone(app_on_both, books)
    assert parcel["count"] == 3
    assert sorted((line["product"], line["variation"], line["quantity"]) for line in parcel["lines"]) == [
        ("Batik shirt", None, 2),
        ("Mug", "Blue", 1),
    ]
    [to_deliver] = on_the_phone(app_on_both, books, "driver")
    assert "lines" not in to_deliver, "whoever delivers need not know what is in it"
    books.record("collect", parcel["code"])
    [gone] = on_the_phone(app_on_both, books)
    assert "lines" not in gone


def test_dangerous_goods_stop_the_office_and_the_phone_until_they_are_let_go(
    app_on_both: Flask, books: Books
) -> None:
    books.put(row(1))
    mark(books, dangerous=True)
    code = books.parcel().code
    left = confirm_parcels(books.org, books.user, None, Choice(), NOW)
    assert [(each.code, each.why) for each in left.left] == [
        (code, "It holds dangerous goods: let it go on its own page first")
    ]
    assert on_the_phone(app_on_both, books)[0]["dangerous"] == "stop"
    books.record("pack", code)
    assert books.anomalies() >= {"dangerous_goods"}
    let_go(books.org, books.user, code, "Declared to the carrier as UN 3481", NOW)
    assert on_the_phone(app_on_both, books)[0]["dangerous"] == "cleared"
    assert books.parcel().flags["dangerous_cleared"] is True
    assert not rebuild.check(NOW)[1]
    let_go(books.org, books.user, code, "The carrier says no", NOW, stop=True)
    assert on_the_phone(app_on_both, books)[0]["dangerous"] == "stop"
    with pytest.raises(Problem):
        let_go(books.org, books.user, code, "  ", NOW)


def test_a_count_that_is_not_the_orders_is_seen_and_goes_when_the_order_is_corrected(books: Books) -> None:
    books.put(row(1, quantity="2"))
    code = books.parcel().code
    books.record("pack", code, data={"counted": {code: 3}, "ordered": {code: 2}})
    assert "count_mismatch" in books.anomalies()
    books.put(row(1, quantity="3"))
    assert "count_mismatch" not in books.anomalies()
    assert not rebuild.check(NOW)[1]


def test_phones_get_the_shops_own_checklist_and_the_guides_when_it_is_given_up(books: Books) -> None:
    before = rules_for(books.org)
    save_checklist(books.org, [Point("own_1", "  A ribbon   around it ")])
    told = rules_for(books.org)
    assert told["checklist"] == [{"code": "own_1", "label": "A ribbon around it", "when": "always"}]
    assert told["version"] != before["version"]
    save_checklist(books.org, [])
    assert rules_for(books.org)["checklist"] == []
    save_checklist(books.org, None)
    assert rules_for(books.org) == before
    assert len(read_checklist(books.org)) == 5


def test_products_are_found_by_name_and_number_and_another_shops_are_not(
    books: Books, tmp_path: Path
) -> None:
    books.put(row(1), row(2, product="Glass vase 100%"), row(3, product="Mug"))
    mark(books, 3, fragile=True)
    other = Books(tmp_path)
    other.put(row(4, product="Glass bowl"))
    with reading() as session:
        assert next(it.product for it in goods.products(session, books.org)) == "Mug", "marked ones first"
        assert [it.product for it in goods.products(session, books.org, "glass")] == ["Glass vase 100%"]
        assert [it.product for it in goods.products(session, books.org, sku_id(1))] == ["Batik shirt"]
        assert goods.products(session, books.org, "%") == goods.products(session, books.org, "100%")
