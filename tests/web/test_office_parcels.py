"""The office's list of parcels: filter, search, pages, and who sees what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sync.rules.parcel import Flags
from tests.support.desk import hand_over, make_desk_user, signed_in
from tests.support.shop import ApiPhone, make_order, make_parcels, make_shop, make_user
from webapp import clock
from webapp.office.words import FLAGS
from webapp.store.models import Carrier, Parcel
from webapp.store.unit import transaction

CODE = re.compile(r'href="/office/parcels/([0-9A-Z]{12})"')


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def office(app: Flask, org_id: str) -> FlaskClient:
    return signed_in(app, make_desk_user(org_id))


def listed(client: FlaskClient, **query: str) -> list[str]:
    answer = client.get("/office/parcels", query_string=query)
    assert answer.status_code == 200
    return CODE.findall(answer.text)


def test_the_newest_parcels_come_first_and_older_ones_page_by_page(office: FlaskClient, org_id: str) -> None:
    codes = set(make_parcels(org_id, 120))
    seen: list[str] = []
    address = "/office/parcels"
    while address:
        text = office.get(address).text
        seen += CODE.findall(text)
        found = re.search(r'rel="next" href="([^"]+)"', text)
        address = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen))
    assert set(seen) == codes


def test_the_newest_orders_come_first_whatever_their_numbers_say(office: FlaskClient, org_id: str) -> None:
    now = clock.now()
    for number, code in enumerate(make_parcels(org_id, 52)):
        make_order(org_id, f"5764{number:04}", [code], created_at=now - timedelta(hours=number))
    first = office.get("/office/orders").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = office.get(older[1].replace("&amp;", "&")).text
    newer = re.search(r'rel="prev" href="([^"]+)"', second)
    assert newer
    pages = (first, second, office.get(newer[1].replace("&amp;", "&")).text)
    seen = [re.findall(r'href="/office/orders/5764(\d+)"', page) for page in pages]
    assert [int(number) for number in seen[0] + seen[1]] == list(range(52))
    assert seen[2] == seen[0]


def test_a_way_back_leads_to_the_same_page(office: FlaskClient, org_id: str) -> None:
    make_parcels(org_id, 120)
    first = office.get("/office/parcels").text
    [older] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = office.get(older).text
    [newer] = re.findall(r'rel="prev" href="([^"]+)"', second)
    assert CODE.findall(office.get(newer).text) == CODE.findall(first)


def test_parcels_that_come_in_while_somebody_pages_repeat_and_hide_nothing(
    office: FlaskClient, org_id: str
) -> None:
    codes = make_parcels(org_id, 60)
    first = office.get("/office/parcels").text
    make_parcels(org_id, 30, seed=2)
    [older] = re.findall(r'rel="next" href="([^"]+)"', first)
    assert set(CODE.findall(first)) | set(CODE.findall(office.get(older).text)) == set(codes)


def test_the_results_alone_are_the_same_markup_as_in_the_page(office: FlaskClient, org_id: str) -> None:
    make_parcels(org_id, 3)
    part = office.get("/office/parcels/results?status=expected").text.strip()
    assert part.startswith('<section id="results"')
    assert part in office.get("/office/parcels?status=expected").text


def test_results_that_were_changed_in_place_move_the_pages_address(office: FlaskClient) -> None:
    answer = office.get("/office/parcels/results?q=&status=lost&by=", headers={"HX-Request": "true"})
    assert answer.headers["HX-Push-Url"] == "/office/parcels?status=lost"


def test_a_filter_narrows_by_status_carrier_and_seller(office: FlaskClient, org_id: str) -> None:
    with transaction() as session:
        session.add(Carrier(org_id=org_id, code="jt", name="J&T Express", names=[]))
    [ours] = make_parcels(org_id, 1, carrier="jt", seller="Toko A")
    [lost] = make_parcels(org_id, 1, seed=2, status="lost", seller="Toko B")
    assert listed(office, carrier="jt") == [ours]
    assert listed(office, seller="Toko B") == [lost]
    assert listed(office, status="lost") == [lost]
    assert listed(office, status="lost", seller="Toko A") == []
    assert "J&amp;T Express" in office.get("/office/parcels").text


def test_days_are_the_shops_own(office: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    with transaction() as session:
        # 23:30 in Kuala Lumpur on the 21st is 15:30 in UTC.
        session.get_one(Parcel, (org_id, code)).created_at = clock.now().replace(
            year=2026, month=11, day=21, hour=15, minute=30
        )
    assert listed(office, **{"from": "2026-11-21", "to": "2026-11-21"}) == [code]
    assert listed(office, **{"from": "2026-11-22"}) == []
    with transaction() as session:
        session.get_one(Parcel, (org_id, code)).created_at += timedelta(hours=1)
    assert listed(office, **{"from": "2026-11-22"}) == [code]


def test_a_filter_finds_open_anomalies_and_the_state_of_the_proof(
    app: Flask, office: FlaskClient, org_id: str
) -> None:
    proved, untouched = make_parcels(org_id, 2)
    phone = ApiPhone(app.test_client(), org_id, make_user(org_id))
    hand_over(phone, org_id, [proved], expected=3)
    assert listed(office, proof="waiting") == [proved]
    assert listed(office, proof="none") == [untouched]
    assert listed(office, proof="accept") == []
    assert set(listed(office, anomaly="any")) == {proved}
    assert set(listed(office, anomaly="warning")) == {proved}
    assert listed(office, anomaly="urgent") == []
    assert listed(office, by="handed_over") == [proved]


@pytest.mark.parametrize("flag", list(FLAGS))
def test_a_filter_finds_what_a_parcel_is_marked_with(office: FlaskClient, org_id: str, flag: str) -> None:
    [marked] = make_parcels(org_id, 1, flags={**Flags().as_dict(), flag: True})
    make_parcels(org_id, 1, seed=2, flags=Flags().as_dict())
    make_parcels(org_id, 1, seed=3)
    assert listed(office, flag=flag) == [marked]
    assert listed(office, flag=flag, status="lost") == []
    assert "There is no such choice: attempts" in office.get("/office/parcels?flag=attempts").text


def test_requests_to_cancel_stand_on_the_board_until_somebody_decides(
    app: Flask, office: FlaskClient, org_id: str
) -> None:
    asked = {**Flags().as_dict(), "cancel_requested": True}
    [one] = make_parcels(org_id, 1, seller="Toko A", status="ready", flags=asked)
    [two] = make_parcels(org_id, 1, seed=2, seller="Toko B", status="in_transit", flags=asked)
    make_parcels(org_id, 1, seed=3, seller="Toko A", status="delivered", flags=asked)
    make_parcels(org_id, 4, seed=4, seller="Toko A")
    seller = signed_in(app, make_desk_user(org_id, "seller", "Sari", seller="Toko A"))
    for client, meant in ((office, {one, two}), (seller, {one})):
        figure = re.search(
            r'<a class="figure" href="([^"]+)"[^>]*><b>(\d+)</b><span>asked to cancel',
            client.get("/office/").text,
        )
        assert figure
        assert set(CODE.findall(client.get(figure[1]).text)) == meant
        assert int(figure[2]) == len(meant)


@pytest.mark.parametrize("typed", ["{0}", "  {0} ", "{1}", "{2}"])
def test_a_code_is_found_however_it_is_typed(office: FlaskClient, org_id: str, typed: str) -> None:
    [code, *_] = make_parcels(org_id, 5)
    dashed = f"{code[:4]}-{code[4:8]}-{code[8:]}"
    loose = dashed.lower().replace("0", "o").replace("1", "i")
    assert listed(office, q=typed.format(code, dashed, loose)) == [code]


def test_a_wrong_character_is_told_from_a_code_nobody_knows(office: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    swapped = code[:-2] + code[-1] + code[-2] if code[-1] != code[-2] else "0" + code[1:]
    assert "check character does not fit" in office.get(f"/office/parcels?q={swapped}").text


def test_a_parcel_is_found_by_tracking_number_package_and_order(office: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, tracking_number="JT0012345678", package_id="1155667788")
    make_parcels(org_id, 3, seed=2)
    make_order(org_id, "576461413038785752", [code])
    for typed in ("jt 0012 345678", "1155667788", "576461413038785752", "345678", "38785752"):
        assert listed(office, q=typed) == [code], typed
    assert listed(office, q="%%%%") == []


def test_a_seller_sees_their_own_parcels_only(app: Flask, org_id: str) -> None:
    [own] = make_parcels(org_id, 1, seller="Toko A", tracking_number="JT1")
    [other] = make_parcels(org_id, 1, seed=2, seller="Toko B", tracking_number="JT2")
    seller = signed_in(app, make_desk_user(org_id, "seller", "Sari", seller="Toko A"))
    assert listed(seller) == [own]
    assert listed(seller, q="JT2") == []
    assert listed(seller, seller="Toko B") == []
    assert seller.get(f"/office/parcels/{own}").status_code == 200
    assert seller.get(f"/office/parcels/{other}").status_code == 404
    assert "Toko B" not in seller.get("/office/").text


def test_a_seller_without_a_shop_of_their_own_sees_nothing(app: Flask, org_id: str) -> None:
    make_parcels(org_id, 1)
    assert listed(signed_in(app, make_desk_user(org_id, "seller", "Nobody"))) == []


def test_another_shop_sees_nothing_of_this_one(app: Flask, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, tracking_number="JT1")
    make_order(org_id, "576461413038785752", [code])
    stranger = signed_in(app, make_desk_user(make_shop("Another shop"), "admin", "Stranger"))
    assert listed(stranger) == []
    assert listed(stranger, q="JT1") == []
    assert stranger.get(f"/office/parcels/{code}").status_code == 404
    assert stranger.get("/office/orders/576461413038785752").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "after=garbage~X",
        "after=2026-11-22~X",
        "before=%00~%00",
        "after=~",
        "status=nosuch",
        "from=2026-02-31&to=x",
        "from=0001-01-01",
        "to=9999-12-31",
        "q=%00%ff%F0%9F%98%80",
        "q=" + "A" * 5000,
        "flag=cancel_requested%27--",
        "anomaly=%27--&proof=%3Cscript%3E&by=1",
        "carrier=%27%20OR%201=1",
    ],
)
def test_an_address_that_cannot_be_read_breaks_nothing(office: FlaskClient, query: str) -> None:
    for path in ("/office/parcels", "/office/parcels/results", "/office/orders"):
        assert office.get(f"{path}?{query}").status_code in {200, 422}, path


def test_what_an_export_says_is_text_and_never_markup(office: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, seller="<script>alert(1)</script>")
    make_order(org_id, "576461413038785752", [code], recipient='"><img src=x onerror=alert(1)>')
    for path in (
        "/office/parcels",
        f"/office/parcels/{code}",
        "/office/orders",
        "/office/orders/576461413038785752",
    ):
        text = office.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


def test_an_empty_shop_says_what_to_do_first(office: FlaskClient) -> None:
    assert "No parcels yet" in office.get("/office/parcels").text
    assert "Nothing fits" in office.get("/office/parcels?q=JT1").text
    assert "An empty shop" in office.get("/office/").text


def test_an_order_shows_its_lines_and_parcels(office: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    make_order(org_id, "576461413038785752", [code], recipient="Dewi Anggraini")
    text = office.get("/office/orders/576461413038785752").text
    assert "Dewi Anggraini" in text
    assert f"/office/parcels/{code}" in text
    assert "576461413038785752" in office.get(f"/office/orders?q={code}").text


def test_an_order_that_is_cancelled_is_called_so_once(office: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    make_order(
        org_id, "576461413038785752", [code], platform_status="Canceled", platform_substatus="Cancelled"
    )
    for path in ("/office/orders", "/office/orders/576461413038785752"):
        text = office.get(path).text.partition('id="main"')[2]
        assert "· Cancelled" not in text, path
        assert "Cancelled" in text, path
        assert ">Canceled" not in text, path


def test_one_choice_finds_the_orders_of_both_spellings(office: FlaskClient, org_id: str) -> None:
    spelt = {
        "576461413038785752": "Canceled",
        "576461413038785753": "Cancelled",
        "576461413038785754": "To ship",
    }
    for code, (order, status) in zip(make_parcels(org_id, 3), spelt.items(), strict=True):
        make_order(org_id, order, [code], platform_status=status)
    page = office.get("/office/orders").text
    assert page.count(">Cancelled</option>") == 1
    [value] = re.findall(r'<option value="(\w+)">Cancelled</option>', page)
    found = office.get(f"/office/orders?status={value}").text.partition('class="table')[2]
    assert [order in found for order in spelt] == [True, True, False]
    assert "576461413038785752" not in office.get("/office/orders?status=Nowhere").text
