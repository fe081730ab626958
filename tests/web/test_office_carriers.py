"""The office's pages of carriers: the list, a form, a feed with its file and keys, what is to be marked as shipped."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from tests.support.shop import ApiPhone, make_order, make_parcels, make_shop, make_user
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.services.feeds import keys
from webapp.services.feeds.reports import report_from
from webapp.services.feeds.take import take_reports
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.store.models import Carrier, Order, Parcel
from webapp.store.unit import reading, transaction

ID = "576460000000000013"


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id, "admin")


def held(org_id: str, code: str) -> Carrier:
    with reading() as session:
        return session.get_one(Carrier, (org_id, code))


def tell(org_id: str, id_: str, number: str, status: str) -> None:
    said = {"id": id_, "tracking_number": number, "status": status}
    when = clock.now() - timedelta(hours=1)
    take_reports(org_id, "jt", org_id, "api", [report_from(said, clock.now(), when)], clock.now())


def test_an_empty_shop_begins_with_a_carrier_of_the_public_table(desk: Desk, org_id: str) -> None:
    page = desk.page("/office/carriers")
    assert "No carriers yet" in words(page)
    assert "not public" in words(page), "of those nobody knows, nothing is made up"
    form = desk.page("/office/carriers/new", like="pos-malaysia")
    assert 'value="pos-malaysia"' in form
    assert re.search("Seen in: .*UPU standard S10-12", words(form)), "where the pattern comes from"
    told = desk.press(
        "/office/carriers/new",
        code="pos",
        name="Pos Laju",
        tracking_pattern=r"[A-Z]{2}\d{9}MY",
        check="s10",
        contract_ref="PL-2026/118",
        contract_until="2026-12-31",
        areas="10; 45.00; 2\n*; 60; 4",
        status_words="Sudah diterima = delivered",
    )
    assert "Pos Laju" in told
    kept = held(org_id, "pos")
    assert (kept.built_in, kept.check_digit, kept.contract_ref) == ("pos-malaysia", "s10", "PL-2026/118")
    assert kept.areas == [
        {"area": "10", "price": "45.00", "days": 2},
        {"area": "", "price": "60", "days": 4},
    ]
    assert kept.status_words == {"Sudah diterima": "delivered"}
    again = desk.page("/office/carriers/pos")
    assert "Sudah diterima = delivered" in again
    assert "10; 45.00; 2\n*; 60; 4" in again


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("status_words", "delivered", "write a word, = and one of"),
        ("status_words", "x = gone", "write a word, = and one of"),
        ("areas", "10; cheap", "write an area; a price; days"),
        ("areas", "10; -4", "such a price or time cannot be"),
        ("contract_until", "soon", "Write the day as"),
        ("check", "luhn", "Choose one of the check digits"),
        ("built_in", "nobody", "The table has no such carrier"),
    ],
)
def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(
    desk: Desk, org_id: str, field: str, value: str, says: str
) -> None:
    answer = desk.post("/office/carriers/new", **{"code": "jt", "name": "J and T", field: value})
    assert answer.status_code == 422
    assert says in words(answer.text)
    assert 'value="J and T"' in answer.text


def test_a_feed_that_told_nothing_begins_with_the_way_to_read_a_file_in(desk: Desk, org_id: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    page = desk.page("/office/carriers/jt/feed")
    assert 'class="figure"' not in page
    assert page.index("Read in a file") < page.index("What it told")
    filtered = desk.page("/office/carriers/jt/feed", outcome="applied")
    assert 'class="figure"' in filtered
    assert filtered.index("Nothing like this so far") < filtered.index("Read in a file")


def test_a_feed_shows_what_waits_and_a_translation_lets_it_go_on(desk: Desk, org_id: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    make_parcels(org_id, 1, tracking_number="JX1")
    tell(org_id, "1", "JX1", "Sudah diterima")
    tell(org_id, "2", "JX2", "delivered")
    page = words(desk.page("/office/carriers/jt/feed"))
    assert "1 Status word not known" in page
    assert "1 Parcel not known" in page
    assert "Sudah diterima" in words(desk.page("/office/carriers/jt"))
    only = words(desk.page("/office/carriers/jt/feed", outcome="unknown_parcel"))
    assert "JX2" in only
    assert "Sudah diterima" not in only
    told = desk.press("/office/carriers/jt", name="J&T Express", status_words="sudah diterima = delivered")
    assert "1 reports that had waited for a word went on" in told
    assert "Moved the parcel" in words(desk.page("/office/carriers/jt/feed", outcome="applied"))
    make_parcels(org_id, 1, seed=2, tracking_number="JX2")
    assert "1 of the reports that waited went on" in desk.press("/office/carriers/jt/feed/settle")
    assert "Nothing has changed for them yet" in desk.press("/office/carriers/jt/feed/settle")


def test_the_list_counts_what_a_person_can_translate_and_nothing_else(desk: Desk, org_id: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    make_parcels(org_id, 1, tracking_number="JX1")
    tell(org_id, "1", "JX1", "Sudah diterima")
    tell(org_id, "2", "JX2", "delivered")
    tell(org_id, "2", "JX2", "lost")
    tell(org_id, "3", "JX3", "Sudah diterima")
    page = desk.page("/office/carriers")
    cells = re.findall(r'data-label="To translate"[^>]*>(.*?)</td>', page)
    assert [words(cell).strip() for cell in cells] == ["1"]
    [link] = re.findall(r'href="(/office/carriers/jt/feed\?[^"]+)"', page)
    listed = words(desk.page(html.unescape(link)))
    assert "Sudah diterima" in listed
    assert "JX2" not in listed
    desk.press("/office/carriers/jt", name="J&T Express", status_words="sudah diterima = delivered")
    cells = re.findall(r'data-label="To translate"[^>]*>(.*?)</td>', desk.page("/office/carriers"))
    assert cells == ["0"]


def test_a_file_is_shown_before_it_is_taken(desk: Desk, org_id: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    code = make_parcels(org_id, 1, tracking_number="JX1")[0]
    text = "Tracking ID,Status,Time\nJX1,Delivered,2026-11-20 09:00\nJX1,Delivered,20/11/2026\n"
    sent = {"file": (io.BytesIO(text.encode()), "jt.csv"), "vocabulary": "aftership"}
    answer = desk.post("/office/carriers/jt/feed/file", **sent)
    assert answer.status_code == 303
    path = answer.headers["Location"]
    page = words(desk.page(path))
    assert "What it would do" in page
    assert "Take 1 row" in page
    assert "write it year first" in page
    with reading() as session:
        assert session.get_one(Parcel, (org_id, code)).status == "expected"
    done = desk.press(f"{path}/apply")
    assert "What it did" in done
    with reading() as session:
        assert session.get_one(Parcel, (org_id, code)).status == "delivered"
    assert "a carrier's statuses" in words(desk.page("/office/import")).replace("&#39;", "'")
    assert desk.post("/office/carriers/jt/feed/file").status_code == 422
    assert desk.post("/office/carriers/none/feed/file").status_code == 404


def test_keys_are_shown_once_and_only_to_an_administrator(app: Flask, desk: Desk, org_id: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    shown = desk.post("/office/carriers/jt/feed/keys")
    made = re.findall(r'id="feed-(?:secret|key)">([^<]+)<', shown.text)
    assert len(made) == 2
    keys.check_key(org_id, "jt", made[1])
    assert not any(secret in desk.page("/office/carriers/jt/feed") for secret in made)
    assert Desk(app, org_id, "office").post("/office/carriers/jt/feed/keys").status_code == 403
    assert "Ended." in desk.press("/office/carriers/jt/feed/keys", end="1")
    assert held(org_id, "jt").feed_salt is None
    assert desk.post("/office/carriers/none/feed/keys").status_code == 404


def collect(app: Flask, org_id: str, codes: list[str]) -> None:
    phone = ApiPhone(app.test_client(), org_id, make_user(org_id))
    phone.send(phone.seal("collect", codes, intact=True, counterpart={"name": "A", "role": "seller"}))


def orders_in(answer: Any, path: Path) -> list[list[str]]:
    assert answer.status_code == 200
    if path.suffix == ".csv":
        return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    path.write_bytes(answer.data)
    rows: list[list[str]] = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    return rows


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_the_seller_ships_is_due_until_it_is_marked(
    app: Flask, desk: Desk, org_id: str, tmp_path: Path, kind: str
) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    mine, theirs, waits, half, rest, bare = (
        make_parcels(org_id, 1, seed=n, tracking_number=f"=JX{n}" if n < 6 else None, carrier="jt")[0]
        for n in range(1, 7)
    )
    make_order(org_id, ID, [mine], shipping_type="Ship by Seller")
    make_order(org_id, ID[:-1] + "4", [theirs], shipping_type="Ship by TikTok")
    make_order(org_id, ID[:-1] + "5", [waits], shipping_type="Ship by Seller")
    make_order(org_id, ID[:-1] + "6", [half, rest], shipping_type="Ship by Seller")
    make_order(org_id, ID[:-1] + "7", [bare], shipping_type="Ship by Seller")
    collect(app, org_id, [mine, theirs, half, bare])
    page = desk.page("/office/shipped")
    assert page.count('name="code"') == 3
    assert page.count("enter by hand</span>") == 2
    told = orders_in(desk.get(f"/office/shipped/orders.{kind}"), tmp_path / f"orders.{kind}")
    assert told == [["Order ID", "Tracking ID", "Shipping Provider Name"], [ID, "'=JX1", "J&T Express"]]
    done = desk.press("/office/shipped", code=[mine, theirs])
    assert "One marked as shipped" in done
    assert "1 stayed: It is not due to be marked" in done
    with reading() as session:
        marked = session.get_one(Parcel, (org_id, mine))
        assert (marked.status, session.get_one(Parcel, (org_id, theirs)).status) == (
            "in_transit",
            "handed_over",
        )
    assert desk.page("/office/shipped").count('name="code"') == 2
    assert desk.post("/office/shipped").status_code == 422


def test_what_a_carrier_says_does_not_mark_an_order_as_shipped(
    app: Flask, desk: Desk, org_id: str, tmp_path: Path
) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    on_its_way, there = (
        make_parcels(org_id, 1, seed=n, tracking_number=f"JX{n}", carrier="jt")[0] for n in (1, 2)
    )
    make_order(org_id, ID, [on_its_way], shipping_type="Ship by Seller")
    make_order(org_id, ID[:-1] + "4", [there], shipping_type="Ship by Seller")
    collect(app, org_id, [on_its_way, there])
    tell(org_id, "1", "JX1", "InTransit")
    tell(org_id, "2", "JX2", "delivered")

    def statuses() -> set[str]:
        with reading() as session:
            return {session.get_one(Parcel, (org_id, code)).status for code in (on_its_way, there)}

    assert statuses() == {"in_transit", "delivered"}
    assert desk.page("/office/shipped").count('name="code"') == 2
    told = orders_in(desk.get("/office/shipped/orders.csv"), tmp_path / "orders.csv")
    assert [line[0] for line in told[1:]] == [ID, ID[:-1] + "4"]
    assert "One marked as shipped" in desk.press("/office/shipped", code=[on_its_way])
    assert "One marked as shipped" in desk.press("/office/shipped", code=[there])
    assert statuses() == {"in_transit", "delivered"}
    assert "Nothing to mark" in desk.page("/office/shipped")
    assert "0 marked as shipped" in desk.press("/office/shipped", code=[there])


@pytest.mark.parametrize(
    "said",
    [{"platform_status": "Shipped"}, {"platform_substatus": "In transit"}, {"shipped_at": clock.now()}],
    ids=["status", "substatus", "time"],
)
def test_a_newer_export_that_says_shipped_marks_what_a_carrier_had_scanned_before(
    app: Flask, desk: Desk, org_id: str, said: dict[str, Any]
) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
    code = make_parcels(org_id, 1, tracking_number="JX1", carrier="jt")[0]
    make_order(org_id, ID, [code], shipping_type="Ship by Seller")
    collect(app, org_id, [code])
    tell(org_id, "1", "JX1", "InTransit")
    assert desk.page("/office/shipped").count('name="code"') == 1
    with transaction() as session:
        for name, value in said.items():
            setattr(session.get_one(Order, (org_id, ID)), name, value)
    assert "Nothing to mark" in desk.page("/office/shipped")


def test_a_seller_sees_and_marks_only_their_own(app: Flask, org_id: str) -> None:
    mine, theirs = (make_parcels(org_id, 1, seed=n, seller=s)[0] for n, s in ((1, "Mine"), (2, "Theirs")))
    make_order(org_id, ID, [mine], shipping_type="Ship by Seller")
    make_order(org_id, ID[:-1] + "4", [theirs], shipping_type="Ship by Seller")
    collect(app, org_id, [mine, theirs])
    seller = Desk(app, org_id, "seller", "Mine")
    assert seller.page("/office/shipped").count('name="code"') == 1
    assert "/office/shipped" in seller.page("/office/"), "sellers find it in the menu"
    assert "0 marked as shipped" in seller.press("/office/shipped", code=[theirs])


def test_all_that_the_page_showed_is_marked_in_one_press_and_nothing_that_came_since(
    app: Flask, desk: Desk, org_id: str
) -> None:
    first, second = (make_parcels(org_id, 1, seed=n)[0] for n in (1, 2))
    make_order(org_id, ID, [first], shipping_type="Ship by Seller")
    make_order(org_id, ID[:-1] + "4", [second], shipping_type="Ship by Seller")
    collect(app, org_id, [first])

    def seen() -> str:
        return str(re.findall(r'name="seen" value="(\w+)"', desk.page("/office/shipped"))[0])

    before = seen()
    collect(app, org_id, [second])
    answer = desk.post("/office/shipped", all="1", seen=before)
    assert (answer.status_code, "The list has changed" in answer.text) == (409, True)
    assert desk.page("/office/shipped").count('name="code"') == 2
    assert "2 marked as shipped" in desk.press("/office/shipped", all="1", seen=seen())
