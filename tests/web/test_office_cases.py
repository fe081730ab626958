"""The office's cases: opened, gone on with, closed, and what leaves as a file."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from flask import Flask

from tests.support.books import Books
from tests.support.exports import order_id, ready
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.services.notices.addressing import make_ready
from webapp.settings import Settings


@pytest.fixture
def books(app: Flask, tmp_path: Path) -> Books:
    books = Books(tmp_path)
    books.put(ready(1, payment_method="Online banking", recipient="=cmd|x"))
    return books


@pytest.fixture
def desk(app: Flask, books: Books) -> Desk:
    return Desk(app, books.org)


def opened(desk: Desk, **form: str) -> str:
    told = {"kind": "damage", "title": "It came broken", "parcels": order_id(1), **form}
    answer = desk.post("/office/cases/new", **told)
    assert answer.status_code == 303, words(answer.text)
    return str(answer.location)


def test_without_cases_the_page_says_how_to_begin(desk: Desk) -> None:
    assert "No open case" in desk.page("/office/cases")


def test_a_case_goes_its_way_from_the_parcel_to_its_end(desk: Desk, books: Books) -> None:
    parcel = f"/office/parcels/{books.parcel().code}"
    books.record("collect", books.parcel().code)
    assert "/office/cases/new?parcels=" in desk.page(parcel)
    path = opened(desk, fault="carrier_damage")
    page = words(desk.page(path))
    assert "Refund expected 54.80" in page
    assert "the cost is for the carrier" in page
    assert "Noted" in desk.press(f"{path}/notes", note="They have a photo")
    told = desk.press(f"{path}/letters", letter="refund_notice", language="en", text="Dear customer")
    assert "Letter Refund notice to the buyer, English" in told
    [event] = re.findall(r'name="event" value="([^"]+)"', desk.page(path))
    assert "Attached." in desk.press(f"{path}/proofs", event=event)
    refused = desk.post(f"{path}/close", outcome="accepted", outcome_words="Done")
    assert refused.status_code == 409
    assert "Money is still expected" in refused.text
    desk.press(f"{path}/money", refund="done", amount="54.80", money_words="Payout 9")
    assert "Closed: Accepted" in desk.press(f"{path}/close", outcome="accepted", outcome_words="It came")
    assert "It came broken" not in desk.page("/office/cases")
    assert "It came broken" in desk.page("/office/cases", state="closed")
    assert "It came broken" in desk.page(parcel)
    assert "Opened again" in desk.press(f"{path}/reopen", reopen_words="Not all of it")


def test_the_page_says_whether_buyers_were_told_to_request_a_refund(
    settings: Settings, desk: Desk, books: Books
) -> None:
    path = opened(desk)
    make_ready(settings, clock.now())
    page = desk.page(path)
    assert "Refund request written for 1 order" in words(page)
    assert "Not sent yet: an export has no buyer's address." in page
    [notices] = re.findall(r'href="(/office/notices\?show=lost[^"]+)"', page)
    [notice] = re.findall(r'name="notice" value="([^"]+)"', desk.page(notices.replace("&amp;", "&")))
    desk.press("/office/notices/by-hand", notice=notice)
    page = desk.page(path)
    assert "Not sent yet" not in page
    assert "What became of it stands among the notices" in words(page)


def test_with_no_money_after_all_the_history_says_that_the_buyers_request_was_called_off(
    settings: Settings, desk: Desk, books: Books
) -> None:
    path = opened(desk)
    make_ready(settings, clock.now())
    page = desk.press(f"{path}/money", refund="none", money_words="It was found")
    assert "A refund request that nobody had sent was called off." in page
    assert "What nobody had sent was called off later." in page
    assert "Not sent yet" not in page
    assert "No notice fits" in words(desk.page("/office/notices", show="lost", kind="refund_request"))
    page = desk.press(f"{path}/money", refund="expected", money_words="It was not")
    make_ready(settings, clock.now())
    page = words(desk.page(path))
    assert page.count("Not sent yet") == page.count("called off later") == 1


def test_a_tab_left_open_expects_no_money_of_a_closed_case(desk: Desk, books: Books) -> None:
    path = opened(desk, kind="complaint")
    desk.press(f"{path}/close", outcome="settled", outcome_words="They agreed")
    answer = desk.post(f"{path}/money", refund="expected", amount="1", money_words="Agreed")
    assert answer.status_code == 409
    assert "Somebody has closed it meanwhile: open it again first." in words(answer.text)
    assert "Refund expected" not in words(desk.page(path))


def test_a_refusal_comes_back_with_what_was_typed(desk: Desk) -> None:
    answer = desk.post(
        "/office/cases/new", kind="loss", title="", parcels="NOSUCH", words="It was <b>grey</b>"
    )
    assert answer.status_code == 422
    assert "It was &lt;b&gt;grey" in answer.text
    answer = desk.post("/office/cases/new", kind="loss", title="x", parcels=order_id(1), due="tomorrow")
    assert answer.status_code == 422
    assert "This is no date" in answer.text


def test_force_majeure_is_told_with_its_period_in_the_shops_time(desk: Desk, books: Books) -> None:
    path = opened(
        desk, kind="force_majeure", title="the flood", starts_at="2025-11-20T08:00", places="Bangkok"
    )
    page = desk.page(path)
    assert "20 Nov 2025, 08:00" in words(page)
    assert "From 2025-11-20 08:00 until …, the flood in Bangkok" in page
    assert "Force majeure" in words(desk.page(f"/office/parcels/{books.parcel().code}"))
    assert "ในกรุง" not in page
    assert "ตั้งแต่ 2025-11-20 08:00" in desk.page(path, letter="ticket", language="th")


def test_what_leaves_as_a_file_is_a_file(desk: Desk, books: Books) -> None:
    path = opened(desk)
    desk.press(f"{path}/letters", letter="refund_notice", language="en", text="Dear <b>customer</b>")
    [letter] = re.findall(r'href="([^"]+\.txt)"', desk.page(path))
    answer = desk.get(letter)
    assert answer.text == "Dear <b>customer</b>"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    paper = desk.get(letter.replace(".txt", ".pdf"))
    assert (paper.data[:5], paper.content_type) == (b"%PDF-", "application/pdf")
    assert paper.headers["Content-Disposition"].endswith("-refund_notice-en.pdf")
    assert letter.replace(".txt", ".pdf") in desk.page(path)
    for position in ("1", "99"):
        assert desk.get(f"{path}/letters/{position}.pdf").status_code == 404, "no letter of this case"
    table = desk.get(f"{path}/parcels.csv")
    assert order_id(1) in table.text
    desk.press(f"{path}/files", file=(io.BytesIO(b"%PDF-1.7 x"), "../a b.pdf"), file_words="")
    [file] = re.findall(r'href="([^"]+/files/[^"]+)"', desk.page(path))
    kept = desk.get(file)
    assert (kept.data, kept.content_type) == (b"%PDF-1.7 x", "application/pdf")
    assert "sandbox" in kept.headers["Content-Security-Policy"]


def test_an_administrator_deletes_a_file_and_the_history_keeps_why(
    app: Flask, desk: Desk, books: Books
) -> None:
    path = opened(desk)
    desk.press(f"{path}/files", file=(io.BytesIO(b"hello"), "of somebody else.txt"), file_words="")
    admin = Desk(app, books.org, "admin")
    [remove] = re.findall(r'action="([^"]+/files/\d+/remove)"', admin.page(path))
    at = remove.split("/")[-2]
    assert "Delete the file" not in desk.page(path)
    assert desk.post(remove, remove_words="x").status_code == 403
    answer = admin.post(remove, at=at, remove_words="")
    assert (answer.status_code, "Say why it is deleted" in answer.text) == (422, True)
    admin.press(remove, at=at, remove_words="It names another buyer")
    page = admin.page(path)
    assert "of somebody else.txt" not in page
    assert "It names another buyer" in page
    assert "The file was deleted." in page


def test_a_file_of_another_case_or_shop_is_not_there(
    app: Flask, desk: Desk, books: Books, tmp_path: Path
) -> None:
    one, other = opened(desk), opened(desk, title="Another thing")
    desk.press(f"{one}/files", file=(io.BytesIO(b"hello"), "a.txt"), file_words="")
    [file] = re.findall(r'href="([^"]+/files/[^"]+)"', desk.page(one))
    assert desk.get(file.replace(one.rsplit("/", 1)[1], other.rsplit("/", 1)[1])).status_code == 404
    stranger = Desk(app, Books(tmp_path).org)
    for path in (one, file, f"{one}/parcels.csv"):
        assert stranger.get(path).status_code == 404
    assert Desk(app, books.org, "seller", "A shop").get("/office/cases").status_code == 403
