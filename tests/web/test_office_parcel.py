"""A parcel's page: the story in order, what is not home yet, anomalies closed with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import and_, select

from sync.protocol.times import format_time
from tests.support.books import Books
from tests.support.desk import hand_over, make_desk_user, post, signed_in
from tests.support.exports import order_id, ready
from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user
from tests.support.sitting import Desk
from webapp import clock
from webapp.services import rebuild
from webapp.store.models import Anomaly, Event, EventParcel, Organisation, Parcel
from webapp.store.unit import reading, transaction


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


@pytest.fixture
def olga(app: Flask, org_id: str) -> FlaskClient:
    return signed_in(app, make_desk_user(org_id))


@pytest.fixture
def short(phone: ApiPhone, org_id: str) -> tuple[str, str]:
    """A parcel whose handover was short of the list, and that handover."""
    [code] = make_parcels(org_id, 1, status="ready")
    return code, hand_over(phone, org_id, [code], expected=2)


def is_open(org_id: str, code: str, anomaly: str = "count_mismatch") -> bool:
    with reading() as session:
        query = select(Anomaly.is_open).where(
            Anomaly.org_id == org_id, Anomaly.parcel == code, Anomaly.code == anomaly
        )
        return session.execute(query).scalar_one()


def close(client: FlaskClient, code: str, event: str, is_htmx: bool = False, **form: str) -> tuple[int, str]:
    whole = {"anomaly": "count_mismatch", "event": event, "reason": "Counted again: one was left out", **form}
    answer = post(client, f"/office/parcels/{code}/anomalies", is_htmx=is_htmx, **whole)
    return answer.status_code, answer.text


def test_the_page_tells_who_when_where_and_on_which_phone(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1)
    place = {"id": None, "lat": -6.1577, "lon": 106.9086, "accuracy_m": 9}
    hand_over(phone, org_id, [code], place=place, note="Di pos satpam", offset_ms=-412_000)
    text = olga.get(f"/office/parcels/{code}").text
    for words in (
        "Collected",
        "Budi Santoso",
        "on Phone, no. 1",
        "Ibu Sari",
        "Di pos satpam",
        "-6.15770, 106.90860",
        "± 9 m",
        "fast by 6 min",
        format_time(phone.morning),
        "Signature of Ibu Sari",
    ):
        assert words in text, words
    assert len(re.findall(r'href="/office/photos/\w{64}"', text)) == 2
    assert "one of" not in text


def test_a_picture_of_several_parcels_is_said_to_be_one(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    codes = make_parcels(org_id, 2)
    hand_over(phone, org_id, codes)
    for code in codes:
        assert "· one of 2 parcels" in olga.get(f"/office/parcels/{code}").text


def test_the_head_says_which_order_a_parcel_is_and_for_whom(app: Flask, tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.put(ready(1, recipient="R*** <T***>"))
    page = Desk(app, books.org).page(f"/office/parcels/{books.parcel().code}")
    head = page.split("<h1>")[1].split("page-actions")[0]
    assert f'href="/office/orders/{order_id(1)}"' in head
    assert "R*** &lt;T***&gt;" in head
    assert "MY600000000001" in head


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z"])
@pytest.mark.parametrize("zone", ["Asia/Manila", "America/Lima"])
def test_a_time_at_the_end_of_the_calendar_has_a_page(
    olga: FlaskClient, phone: ApiPhone, org_id: str, at: str, zone: str
) -> None:
    with transaction() as session:
        session.get_one(Organisation, org_id).settings = {"time_zone": zone}
    [code] = make_parcels(org_id, 1)
    event = hand_over(phone, org_id, [code], at=at)
    for path in (f"/office/parcels/{code}", f"/office/review/{event}", "/office/parcels", "/office/review"):
        assert olga.get(path).status_code == 200, path
    assert at in olga.get(f"/office/parcels/{code}").text


def test_photos_that_are_not_home_are_said_to_be_so(olga: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    hand_over(phone, org_id, [code], is_home=False)
    text = olga.get(f"/office/parcels/{code}").text
    assert "Not yet home" in text
    assert "Signature not yet home" in text


def test_a_withdrawn_event_and_the_one_that_withdrew_it_both_stay(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1)
    event = hand_over(phone, org_id, [code])
    void = phone.send(phone.seal("void", [code], minute=1, ref=event, reason="mistake"))["results"][0]["id"]
    text = olga.get(f"/office/parcels/{code}").text
    assert f'id="e-{event}"' in text
    assert f'id="e-{void}"' in text
    assert "event-gone" in text
    assert "Scanned by mistake" in text


def test_a_refused_void_withdraws_nothing_until_the_office_grants_it(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1)
    event = hand_over(phone, org_id, [code])
    void = phone.send(phone.seal("void", [code], minute=600, ref=event, reason="mistake"))["results"][0]["id"]
    text = olga.get(f"/office/parcels/{code}").text
    assert "event-gone" not in text
    assert "Grant it" in text
    close(olga, code, void, anomaly="void_requested", grant="1", reason="It was the neighbour's")
    assert "event-gone" in olga.get(f"/office/parcels/{code}").text
    with reading() as session:
        assert session.get_one(Parcel, (org_id, code)).status == "expected"
    assert rebuild.check(clock.now()) == (1, [])


def test_a_granted_void_withdraws_the_record_on_all_its_parcels(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    codes = make_parcels(org_id, 3)
    with transaction() as session:
        for code, seller in zip(codes, ("Toko A", "Toko B", "Toko B"), strict=True):
            session.get_one(Parcel, (org_id, code)).seller = seller
    event = hand_over(phone, org_id, codes)
    void = phone.send(phone.seal("void", codes, minute=600, ref=event, reason="mistake"))["results"][0]["id"]
    close(olga, codes[0], void, anomaly="void_requested", grant="1", reason="Nothing was handed over")
    for code in codes:
        text = olga.get(f"/office/parcels/{code}").text
        assert "event-gone" in text
        assert "Grant it" not in text
    with reading() as session:
        assert {session.get_one(Parcel, (org_id, code)).status for code in codes} == {"expected"}
        named = session.execute(
            select(EventParcel.code)
            .join(Event, and_(Event.org_id == EventParcel.org_id, Event.id == EventParcel.event_id))
            .where(EventParcel.org_id == org_id, Event.kind == "resolve")
        )
        assert sorted(named.scalars()) == sorted(codes)
    assert rebuild.check(clock.now()) == (3, [])


def test_an_anomaly_is_closed_with_a_reason_that_stays(
    olga: FlaskClient, org_id: str, short: tuple[str, str]
) -> None:
    assert is_open(org_id, short[0])
    status, text = close(olga, *short, is_htmx=True)
    assert status == 200
    assert text.lstrip().startswith('<div id="parcel"')
    assert not is_open(org_id, short[0])
    page = olga.get(f"/office/parcels/{short[0]}").text
    assert "Closed an exception" in page
    assert "Counted again: one was left out" in page
    with reading() as session:
        open_ones = session.get_one(Parcel, (org_id, short[0])).open_anomalies
        held = session.execute(select(Anomaly.is_open).where(Anomaly.parcel == short[0])).scalars().all()
    assert open_ones == sum(held)
    assert rebuild.check(clock.now()) == (1, [])


def test_without_javascript_the_form_leads_back_to_the_page(
    olga: FlaskClient, org_id: str, short: tuple[str, str]
) -> None:
    assert close(olga, *short)[0] == 303
    assert not is_open(org_id, short[0])


@pytest.mark.parametrize("reason", ["", "   \n "])
def test_an_anomaly_is_not_closed_without_a_reason(
    olga: FlaskClient, org_id: str, short: tuple[str, str], reason: str
) -> None:
    status, text = close(olga, *short, is_htmx=True, reason=reason)
    assert status == 422
    assert "Say why" in text
    assert is_open(org_id, short[0])


def test_the_second_to_close_it_is_told(olga: FlaskClient, short: tuple[str, str]) -> None:
    close(olga, *short)
    status, text = close(olga, *short, is_htmx=True)
    assert status == 409
    assert "Somebody closed it meanwhile" in text


def test_neither_a_seller_nor_another_shop_closes_an_anomaly(
    app: Flask, org_id: str, short: tuple[str, str]
) -> None:
    seller = signed_in(app, make_desk_user(org_id, "seller", "Sari Seller", seller="Toko A"))
    assert close(seller, *short)[0] == 403
    stranger = signed_in(app, make_desk_user(make_shop("Another shop"), "admin", "Stranger"))
    assert close(stranger, *short)[0] == 404
    assert is_open(org_id, short[0])


def test_the_office_decides_what_a_damaged_parcel_has_become(
    olga: FlaskClient, phone: ApiPhone, org_id: str, short: tuple[str, str]
) -> None:
    code, _ = short
    phone.send(phone.seal("report", [code], minute=5, reason="damage"))
    path = f"/office/parcels/{code}/status"
    assert "Damage reported" in olga.get(f"/office/parcels/{code}").text
    assert post(olga, path, status="damaged", reason="", seen="handed_over").status_code == 422
    assert post(olga, path, status="damaged", reason="Crushed", seen="ready").status_code == 409
    assert post(olga, path, status="damaged", reason="Crushed", seen="handed_over").status_code == 303
    text = olga.get(f"/office/parcels/{code}").text
    assert "Damage reported" not in text
    assert "Crushed" in text
    with reading() as session:
        assert session.get_one(Parcel, (org_id, code)).status == "damaged"


def test_the_office_decides_that_a_reported_parcel_stays_as_it_is(
    olga: FlaskClient, phone: ApiPhone, org_id: str, short: tuple[str, str]
) -> None:
    code, _ = short
    phone.send(phone.seal("report", [code], minute=5, reason="damage"))
    page = olga.get(f"/office/parcels/{code}").text
    assert '<option value="handed_over">It stays: Handed over</option>' in page
    told = {"status": "handed_over", "reason": "A dent in the outer box only", "seen": "handed_over"}
    assert post(olga, f"/office/parcels/{code}/status", **told).status_code == 303
    page = olga.get(f"/office/parcels/{code}").text
    assert "The parcel stays handed over." in page
    assert "Damage reported" not in page
    with reading() as session:
        assert session.get_one(Parcel, (org_id, code)).status == "handed_over"


def test_a_request_to_cancel_that_the_office_refuses_is_gone_and_a_run_takes_the_parcel(
    olga: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    books = Books(tmp_path)
    books.put(ready(1))
    code = books.parcel().code
    books.record("cancel", code, data={"requested": True})
    desk = Desk(app, books.org)
    run = make_run(books.org, make_user(books.org), [])
    assert "The buyer asked to cancel it" in desk.press(f"/office/runs/{run}/add", codes=code)
    told = {"status": "ready", "reason": "The buyer keeps it after all", "seen": "ready"}
    assert "The parcel stays ready." in desk.press(f"/office/parcels/{code}/status", **told)
    assert books.parcel().flags["cancel_requested"] is False
    assert "1 parcel put on the run." in desk.press(f"/office/runs/{run}/add", codes=code)
    assert rebuild.check(clock.now()) == (1, [])


def test_a_loss_that_was_deemed_is_made_a_fact(app: Flask, tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.put(ready(1))
    code = books.parcel().code
    books.record("collect", code)
    books.record("deem_lost", code)
    assert books.parcel().is_deemed
    told = {"status": "lost", "reason": "The carrier admits it", "seen": "lost"}
    assert "The parcel stays lost." in Desk(app, books.org).press(f"/office/parcels/{code}/status", **told)
    assert (books.parcel().status, books.parcel().is_deemed) == ("lost", False)


def test_a_parcel_that_has_not_left_is_cancelled_with_a_reason_from_its_page(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    stays, leaves = make_parcels(org_id, 2, status="ready")
    page = olga.get(f"/office/parcels/{stays}").text
    assert "The address cannot be delivered to" in page
    path = f"/office/parcels/{stays}/cancel"
    assert "Choose why" in post(olga, path, is_htmx=True, reason="").text
    refused = post(olga, path, is_htmx=True, reason="other", note="")
    assert (refused.status_code, "Say in your own words" in refused.text) == (422, True)
    done = post(olga, path, is_htmx=True, reason="out_of_stock", note="The last one broke")
    assert "Cancelled. Cancel the order in Seller Center as well." in done.text
    assert "The last one broke" in done.text
    assert "Cancel it" not in done.text
    with reading() as session:
        assert session.get_one(Parcel, (org_id, stays)).status == "cancelled"
    hand_over(phone, org_id, [leaves])
    assert "Cancel it" not in olga.get(f"/office/parcels/{leaves}").text
    late = post(olga, f"/office/parcels/{leaves}/cancel", reason="out_of_stock")
    assert (late.status_code, "It has left" in late.text) == (409, True)
    with reading() as session:
        held = session.get_one(Parcel, (org_id, leaves))
        assert (held.status, held.flags["cancel_requested"]) == ("handed_over", False)
    assert rebuild.check(clock.now()) == (2, [])


def test_a_code_in_another_form_leads_to_the_one_address(olga: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    answer = olga.get(f"/office/parcels/{code[:4].lower()}-{code[4:8]}-{code[8:]}")
    assert (answer.status_code, answer.location) == (301, f"/office/parcels/{code}")


def test_a_parcel_nobody_imported_has_a_page_that_says_so(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    answer = phone.send(phone.seal("drop_off", ["JT 0001 2345"]))
    code = answer["results"][0]["effects"][0]["parcel"]
    text = olga.get(f"/office/parcels/{code}").text
    assert "known only from a scan" in text
    assert "no order is known for it" in text
    assert "JT 0001 2345" in text
    assert "Print its tag" not in text, "it would print none"
    told = {"kind": "complaint", "title": "Whose is it", "parcels": code}
    assert post(olga, "/office/cases/new", **told).status_code == 303


def test_what_a_phone_says_is_text_and_never_markup(olga: FlaskClient, phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    bad = "<script>alert(1)</script>"
    event = hand_over(
        phone, org_id, [code, bad], note=bad, carrier=bad[:64], counterpart={"name": bad, "role": "seller"}
    )
    phone.send(phone.seal("report", [code], minute=1, reason="<b>wrong</b>", note=bad))
    for path in (f"/office/parcels/{code}", f"/office/review/{event}", "/office/parcels", "/office/review"):
        text = olga.get(path).text
        assert bad not in text, path
        assert "<b>wrong" not in text, path
    assert "&lt;b&gt;wrong" in olga.get("/office/parcels").text
