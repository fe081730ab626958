"""The label check in the office, on both databases: findings with their places, kept, for those they concern."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.books import Books
from tests.support.desk import hand_over
from tests.support.exports import order_id, ready
from tests.support.labels import bars, pdf, photo, qr
from tests.support.shop import ApiPhone, make_user
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.services.drop_unreferenced_blobs import drop_unreferenced_blobs
from webapp.services.personal.erase import erase_person

ADDRESS = {
    "address": "No. 12, Jalan Ampang",
    "city": "Kuala Lumpur",
    "postcode": "53100",
    "phone": "(+60)123****89",
}
GOOD = [
    "To: Rahman Tan (+60)123456789",
    "No. 12, Jalan Ampang, 53100 Kuala Lumpur",
    "Batik shirt x 1",
    "MY600000000001",
]


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    books = Books(tmp_path)
    books.put(ready(1, **ADDRESS))
    return books


@pytest.fixture
def desk(app_on_both: Flask, books: Books) -> Desk:
    return Desk(app_on_both, books.org)


def send(desk: Desk, code: str, data: bytes, name: str = "label.pdf") -> TestResponse:
    return desk.post(f"/office/parcels/{code}/label", file=(io.BytesIO(data), name), text="")


def test_a_good_pdf_is_good_and_shown_with_what_is_there(desk: Desk, books: Books) -> None:
    answer = send(desk, books.parcel().code, pdf(GOOD, bars("MY600000000001")))
    page = desk.page(answer.location)
    assert "The label is good" in page
    assert page.count('class="label-mark" data-tone="safe"') >= 4
    assert "Nothing was found." in page
    picture = desk.get(f"{answer.location}/pages/0")
    assert (picture.status_code, picture.content_type) == (200, "image/jpeg")
    assert desk.get(f"{answer.location}/pages/1").status_code == 404
    assert "label.pdf" in desk.page(f"/office/parcels/{books.parcel().code}/label")


def test_each_forbidden_thing_is_drawn_on_the_page(desk: Desk, books: Books) -> None:
    lines = [*GOOD[:3], "WhatsApp 0129876543", "www.batik.com"]
    answer = send(desk, books.parcel().code, pdf(lines, qr("https://shop.example")))
    page = desk.page(answer.location)
    told = words(page)
    assert "The label is not good" in page
    for sentence in ("A QR code.", "A link to somewhere else.", "Another platform", "not the recipient’s"):
        assert sentence in told
    assert "Missing The tracking number" in told
    assert page.count('class="label-mark" data-tone="stop"') >= 4
    assert "style=" not in page


def test_of_a_photo_it_is_said_that_letters_were_not_looked_at(desk: Desk, books: Books) -> None:
    answer = send(desk, books.parcel().code, photo(bars("MY600000000001")), "label.jpg")
    told = words(desk.page(answer.location))
    assert "The label is good" in told, "nothing against it was found"
    assert told.count("Not checked") == 4
    assert "There The tracking number as a barcode" in told


def test_pasted_text_is_shown_with_its_findings_in_it(desk: Desk, books: Books) -> None:
    text = "\n".join([*GOOD, "<b>call</b> 0129876543"])
    answer = desk.post(f"/office/parcels/{books.parcel().code}/label", text=text)
    page = desk.page(answer.location)
    assert '<mark data-kind="forbidden">0129876543<sup>' in page
    assert "&lt;b&gt;" in page
    assert "Text alone shows no QR codes" in page


def test_findings_are_numbered_as_one_meets_them_on_the_label(desk: Desk, books: Books) -> None:
    text = "Add us on WhatsApp\nwww.demo.example\nTo: Rahman Tan"
    page = desk.page(desk.post(f"/office/parcels/{books.parcel().code}/label", text=text).location)
    assert re.findall(r"<sup>(\d+)</sup>", page) == ["1", "2", "3"]
    for title in ("Must not be on it", "Must be on it"):
        numbers = re.findall(r'num" aria-label="No. (\d+)', page.partition(title)[2].partition("</ol>")[0])
        assert numbers == sorted(numbers)
    lines = [*GOOD[:3], "www.batik.com", "WhatsApp 0129876543"]
    page = desk.page(send(desk, books.parcel().code, pdf(lines)).location)
    marks = re.findall(r'<text class="label-no" x="(\d+)" y="(\d+)"[^>]*>(\d+)<', page)
    (x1, y1), (x2, y2), *_ = [(int(x), int(y)) for x, y, _ in sorted(marks, key=lambda it: -int(it[2]))]
    assert abs(y1 - y2) < 10, "they stand on one line"
    assert x1 > x2
    heights = [int(y) for _, y, _ in sorted(marks, key=lambda it: int(it[2]))]
    assert all(after > before - 10 for before, after in pairwise(heights))


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "Paste the label"), (b"GIF89a", "no JPEG, PNG or WebP"), (b"%PDF-1.7", "damaged, or locked")],
)
def test_what_cannot_be_looked_at_is_told_on_the_form(
    desk: Desk, books: Books, data: bytes, said: str
) -> None:
    answer = send(desk, books.parcel().code, data, "x" if data else "")
    assert answer.status_code == 422
    assert said in answer.text


def test_a_label_and_its_pages_are_the_parcels_peoples(
    app_on_both: Flask, desk: Desk, books: Books, tmp_path: Path
) -> None:
    answer = send(desk, books.parcel().code, photo(qr("x")), "label.jpg")
    strangers = [
        Desk(app_on_both, Books(tmp_path).org),
        Desk(app_on_both, books.org, "seller", "Another shop"),
    ]
    for stranger in strangers:
        for path in (
            answer.location,
            f"{answer.location}/pages/0",
            f"/office/parcels/{books.parcel().code}/label",
        ):
            assert stranger.get(path).status_code == 404, path


def test_a_check_whose_page_was_erased_with_anothers_label_still_says_what_it_found(
    app_on_both: Flask, desk: Desk, books: Books
) -> None:
    code = books.parcel().code
    books.put(ready(2, recipient="Siti Aminah", phone="+60123456789"))
    (other,) = {parcel.code for parcel in books.parcels()} - {code}
    courier = ApiPhone(app_on_both.test_client(), books.org, make_user(books.org))
    hand_over(courier, books.org, [other], "deliver")
    page = pdf([*GOOD, "Siti Aminah", "0123456789"])
    answer = send(desk, code, page)
    send(desk, other, page)
    erase_person(books.org, order_id(2), books.user, clock.now())
    page_of_it = desk.page(answer.location)
    told = words(page_of_it)
    assert "Its pages were erased" in told
    assert "There The recipient’s name" in told
    assert "label-page" not in page_of_it
    assert "label-text" not in page_of_it
    assert desk.get(f"{answer.location}/pages/0").status_code == 404


def test_the_pages_outlive_the_sweep_of_what_nothing_speaks_of(
    desk: Desk, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = send(desk, books.parcel().code, photo(qr("x")), "label.jpg")
    from webapp.services import drop_unreferenced_blobs as sweep

    monkeypatch.setattr(sweep, "UNREFERENCED_AFTER", sweep.UNREFERENCED_AFTER * -1)
    monkeypatch.setattr(sweep, "STRAY_AFTER", sweep.STRAY_AFTER * -1)
    drop_unreferenced_blobs(clock.now())
    assert desk.get(f"{answer.location}/pages/0").status_code == 200
