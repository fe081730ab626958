"""The import's pages as the office, a seller and another shop meet them, with and without JavaScript."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.support.desk import make_desk_user, post, signed_in, token
from tests.support.exports import as_csv, order_id, ready, row, shipped
from tests.support.shop import make_shop
from webapp.office import imports
from webapp.services import timer
from webapp.store.models import ImportFile, Order
from webapp.store.unit import reading


@pytest.fixture
def shop(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def office(app: Flask, shop: str) -> FlaskClient:
    return signed_in(app, make_desk_user(shop))


def send(client: FlaskClient, data: bytes, name: str = "All orders.csv") -> TestResponse:
    form = {"csrf_token": token(client), "file": (io.BytesIO(data), name)}
    return client.post("/office/import", data=form, content_type="multipart/form-data")


def sent(client: FlaskClient, *rows: dict[str, Any]) -> str:
    """Where the page of a good upload is."""
    answer = send(client, as_csv(rows).encode())
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def orders(shop: str) -> int:
    with reading() as session:
        return session.execute(select(func.count()).where(Order.org_id == shop)).scalar_one()


def test_a_file_is_shown_before_anything_changes_and_applied_on_a_press(
    office: FlaskClient, shop: str
) -> None:
    where = sent(office, ready(1), row(2), row(3, quantity="some"))
    page = office.get(where).text
    assert "What it would do" in page
    assert "Import 2 orders" in page
    assert "is not a whole number of pieces" in page
    assert orders(shop) == 0
    answer = post(office, f"{where}/apply")
    assert answer.status_code == 303
    page = office.get(where).text
    assert "What it did" in page
    assert "Imported" in page
    assert orders(shop) == 2


def test_the_figure_of_refused_rows_leads_to_them_and_no_other_leads_anywhere(office: FlaskClient) -> None:
    page = office.get(sent(office, ready(1), row(2, quantity="some"))).text
    assert re.findall(r'<a class="figure" href="([^"]+)"', page) == ["#refused"]
    assert 'id="refused"' in page
    assert "#refused" not in office.get(sent(office, ready(1))).text


def test_lines_of_which_a_parcel_may_stand_in_several_say_so(office: FlaskClient) -> None:
    said = "A parcel stands in every line that it has reached"
    assert said in office.get(sent(office, shipped(1))).text
    assert said not in office.get(sent(office, ready(2))).text


def test_what_was_shipped_without_a_handover_is_told_and_stands_under_exceptions(office: FlaskClient) -> None:
    where = sent(office, shipped(1))
    page = office.get(where).text
    assert "One parcel was shipped without a handover recorded here. It will stand under Exceptions." in page
    assert "Which orders (1)" in page
    post(office, f"{where}/apply")
    assert "It stands under Exceptions." in office.get(where).text
    assert "there is no proof of our handover" in office.get("/office/exceptions").text


def test_what_an_export_asks_to_cancel_is_told_and_leads_to_the_list_of_it(office: FlaskClient) -> None:
    where = sent(office, row(1, cancel_type="Cancel", cancel_by="Buyer"), ready(2))
    listed = "/office/parcels?flag=cancel_requested"
    page = office.get(where).text
    assert "asked to be cancelled" in page
    assert listed not in page, "nothing is asked for before it is applied"
    post(office, f"{where}/apply")
    assert f'<a href="{listed}">asked to be cancelled</a>' in office.get(where).text
    assert order_id(1) in office.get(listed).text
    assert order_id(2) not in office.get(listed).text


def test_every_bad_row_can_be_downloaded_and_none_is_a_formula(office: FlaskClient) -> None:
    bad = [row(n, order_id="=HYPERLINK(1)") for n in range(150)]
    where = sent(office, row(1), *bad)
    page = office.get(where).text
    assert "50</span> more" in page
    answer = office.get(f"{where}/bad-rows.csv")
    assert answer.content_type.startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert lines[0] == ["Row", "Column", "Reason", "Explanation"]
    assert len(lines) == 151
    assert lines[1][:3] == ["3", "Order ID", "id_invalid"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless(text: str) -> None:
    told = imports._as_csv([{"row": 1, "column": text, "code": "x", "message": text}])
    line = list(csv.reader(io.StringIO(told.removeprefix("\ufeff"))))[1]
    assert line[1].startswith("'")
    assert line[3].startswith("'")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (as_csv([row(1)]).encode("utf-16"), "UTF-16"),
        (b"%PDF-1.7", "PDF"),
        (b"name\r\nAnn\r\n", "Order ID"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_on_its_page(office: FlaskClient, data: bytes, says: str) -> None:
    answer = send(office, data)
    page = answer.text if answer.status_code == 422 else office.get(answer.headers["Location"]).text
    assert says in page
    assert "Refused" in page or answer.status_code == 422


def test_no_file_chosen_is_said_beside_the_field(office: FlaskClient) -> None:
    answer = office.post("/office/import", data={"csrf_token": token(office)})
    assert answer.status_code == 422
    assert "Choose the file" in answer.text


def test_the_page_asks_for_day_or_month_when_no_row_tells(office: FlaskClient, shop: str) -> None:
    where = sent(office, row(1, created_at="03/04/2026 10:00:00"))
    assert "Which comes first" in office.get(where).text
    assert post(office, f"{where}/dates", dates="").status_code == 422
    assert post(office, f"{where}/dates", dates="dmy").status_code == 303
    assert "Import 1 order" in office.get(where).text


def test_a_large_file_is_left_to_the_clockwork_and_the_page_asks_again(
    office: FlaskClient, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[tuple[str, str]] = []
    monkeypatch.setattr(imports, "SMALL", 10)
    monkeypatch.setattr(timer, "hand_over_import", lambda *what: handed.append(what))
    where = sent(office, row(1))
    file_id = where.rpartition("/")[2]
    assert handed == [(shop, file_id)]
    page = office.get(where).text
    [again] = re.findall(rf'hx-get="(/office/import/{file_id}/live[^"]*)"[^>]* data-live', page)
    status = 'id="import-status"'
    assert re.search(rf'<div {status}[^>]* role="status">', page)
    assert status not in office.get(again).text, "what is no news is not said again"
    assert "Look again" in page, "without JavaScript there is a way on"
    imports.apply.run_import(shop, file_id)
    part = office.get(again, headers={"HX-Request": "true"}).text
    assert f'{status} hx-swap-oob="innerHTML"' in part, "the news goes into the box that stays on the page"
    assert "<html" not in part
    assert "hx-trigger" not in part, "nothing goes on any more: it stops asking"
    assert "Import 1 order" in part


def test_pressing_twice_imports_once(office: FlaskClient, shop: str) -> None:
    where = sent(office, row(1))
    assert post(office, f"{where}/apply").status_code == 303
    assert post(office, f"{where}/apply").status_code == 409
    assert orders(shop) == 1


def test_the_same_file_again_says_so(office: FlaskClient) -> None:
    post(office, f"{sent(office, row(1))}/apply")
    assert "very same file" in office.get(sent(office, row(1))).text


def test_a_preview_can_be_thrown_away(office: FlaskClient, shop: str) -> None:
    where = sent(office, row(1))
    assert post(office, f"{where}/discard").status_code == 303
    assert "Discarded" in office.get(where).text
    assert orders(shop) == 0


def test_what_a_file_is_called_is_text_and_nothing_else(office: FlaskClient) -> None:
    answer = send(office, as_csv([row(1)]).encode(), '../../<img src=x onerror="1">.csv')
    page = office.get(answer.headers["Location"]).text
    assert "<img src=x" not in page
    assert "&lt;img" in page
    assert "../" not in re.sub(r'(?:href|src)="[^"]*"', "", page)


def test_a_seller_and_another_shop_see_nothing_of_it(app: Flask, office: FlaskClient, shop: str) -> None:
    where = sent(office, row(1))
    seller = signed_in(app, make_desk_user(shop, "seller", "Siti Seller", seller="Main warehouse"))
    assert seller.get("/office/import").status_code == 403
    assert seller.get(where).status_code == 403
    stranger = signed_in(app, make_desk_user(make_shop("Another"), "admin", "Sven Stranger"))
    for path in (where, f"{where}/live", f"{where}/bad-rows.csv"):
        assert stranger.get(path).status_code == 404
    for press in ("apply", "dates", "discard"):
        assert post(stranger, f"{where}/{press}", dates="dmy").status_code == 404
    assert "All orders.csv" not in stranger.get("/office/import").text
    assert app.test_client().get(where).status_code in {302, 401}


def test_a_form_without_its_token_is_refused(office: FlaskClient, shop: str, app: Flask) -> None:
    data = {"file": (io.BytesIO(as_csv([row(1)]).encode()), "x.csv")}
    answer = office.post("/office/import", data=data, content_type="multipart/form-data")
    assert answer.status_code == 400
    with reading() as session:
        assert session.execute(select(func.count()).where(ImportFile.org_id == shop)).scalar_one() == 0


def test_the_list_shows_what_came_before(office: FlaskClient) -> None:
    assert "Nothing was imported yet" in office.get("/office/import").text
    post(office, f"{sent(office, row(1), row(2, order_id='1'))}/apply")
    page = office.get("/office/import").text
    assert "All orders.csv" in page
    assert "Olga Office" in page
    assert order_id(1) not in page, "no order's data on the list"
