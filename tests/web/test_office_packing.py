"""The office's packing page, a product's marks, and what a packer answered on the parcel's page."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.support.books import Books
from tests.support.exports import ready, row, sku_id
from tests.support.sitting import Desk, words


@pytest.fixture
def books(app: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


@pytest.fixture
def desk(app: Flask, books: Books) -> Desk:
    return Desk(app, books.org)


def test_the_checklist_is_kept_with_names_for_new_points(desk: Desk) -> None:
    form = {
        "code": ["size", "layers", "", ""],
        "label": ["Fits the box", "", "A ribbon", ""],
        "when": ["always", "delicate", "delicate", "always"],
    }
    assert "Phones get the list" in desk.press("/office/packing", **form)
    page = desk.page("/office/packing")
    assert 'value="Fits the box"' in page
    assert 'value="own_1"' in page
    assert "several layers" not in page
    assert "guide's own list is back" in desk.press("/office/packing", guide="1").replace("&#39;", "'")
    assert "several layers" in desk.page("/office/packing")


def test_a_list_with_too_long_a_point_comes_back_as_it_was_typed(desk: Desk) -> None:
    answer = desk.post("/office/packing", code=[""], label=["x" * 161], when=["always"])
    assert answer.status_code == 422
    assert "x" * 161 in answer.text
    assert "1 to 160 characters" in answer.text


def test_the_shops_own_words_say_what_is_fragile(desk: Desk, books: Books) -> None:
    assert "dễ vỡ" in desk.page("/office/packing")
    desk.press("/office/packing/words", words=" glass \n\nGLASS\nkaca  tipis\n")
    assert "glass\nkaca tipis</textarea>" in desk.page("/office/packing")
    books.put(ready(1, seller_note="Thin GLASS"), ready(2, seller_note="fragile"))
    assert [parcel.fragile for parcel in books.parcels()] == [True, False]
    desk.press("/office/packing/words", own="1")
    assert "dễ vỡ" in desk.page("/office/packing")
    books.put(ready(3, seller_note="fragile"))
    assert [parcel.fragile for parcel in books.parcels()] == [True, False, True]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("  \n", "Give 1 to 60 words"),
        ("a", "mark too many"),
        ("?!", "is no word"),
        ("x" * 61, "longer than 60"),
    ],
)
def test_words_that_will_not_do_come_back_as_they_were_typed(desk: Desk, typed: str, said: str) -> None:
    answer = desk.post("/office/packing/words", words=typed)
    assert answer.status_code == 422
    assert said in answer.text.partition('id="f-words-error"')[2][:300]
    assert f">{typed}</textarea>" in answer.text


def test_a_dangerous_product_is_marked_and_its_parcel_let_go(desk: Desk, books: Books) -> None:
    books.put(row(1, product="Power bank"))
    assert "Power bank" in desk.page("/office/packing", q="power")
    told = desk.press(f"/office/packing/products/{sku_id(1)}", dangerous="1", note="Lithium")
    assert "for 1 parcel under way" in told
    path = f"/office/parcels/{books.parcel().code}"
    assert "Phones stop whoever packs it" in words(desk.page(path))
    refused = desk.post(f"{path}/dangerous", reason=" ")
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert "Dangerous, let go" in desk.press(f"{path}/dangerous", reason="Declared as UN 3481")
    assert "Stopped again" in desk.press(f"{path}/dangerous", reason="Carrier refused", stop="1")


def test_what_was_not_ticked_and_counted_is_read_on_the_parcel(desk: Desk, books: Books) -> None:
    books.put(row(1, quantity="3"))
    code = books.parcel().code
    data = {"checklist": {"size": True, "own_9": False}, "counted": {code: 2}, "ordered": {code: 3}}
    books.record("pack", code, data=data)
    page = words(desk.page(f"/office/parcels/{code}"))
    assert "The packaging fits the size of the goods" in page
    assert "own 9 Not ticked" in page
    assert "2 counted, 3 ordered" in page
    assert "The number counted is not the number expected. (2 of 3 inside)" in page


def test_what_a_phone_sends_instead_of_answers_breaks_no_page(desk: Desk, books: Books) -> None:
    books.put(row(1))
    code = books.parcel().code
    for data in ({"checklist": [1], "counted": "x"}, {"counted": {"A": "<b>"}, "ordered": [3]}):
        books.record("pack", code, data=data)
    assert "<b>" not in desk.page(f"/office/parcels/{code}")


@pytest.mark.parametrize("path", ["packing", f"packing/products/{sku_id(1)}"])
def test_packing_is_the_offices(app: Flask, books: Books, path: str) -> None:
    books.put(row(1))
    assert Desk(app, books.org, "seller", "A shop").get(f"/office/{path}").status_code == 403
    stranger = Desk(app, Books(Path("/nonexistent")).org)
    assert "Batik shirt" not in stranger.get(f"/office/{path}").text
