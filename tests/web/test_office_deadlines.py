"""Deadlines, rules and exceptions in the office: what is shown, to whom, and how many are closed at once."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from sync.rules import guide, pack
from sync.rules.anomalies import CATALOGUE
from tests.support.exports import ready, row, write_csv
from tests.support.shop import ApiPhone, make_run, make_shop, make_user
from tests.support.sitting import Desk, words
from tests.unit.phones import proof
from webapp import clock
from webapp.office.rule_words import RULES
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.demo.load import load_demo
from webapp.services.found_shop import found_shop
from webapp.services.importing.apply import import_file
from webapp.services.name_shop import name_shop
from webapp.services.sweep import sweep
from webapp.store.models import Anomaly, Organisation, Parcel
from webapp.store.queries import shop as shops
from webapp.store.unit import reading


def seen_at(desk: Desk, path: str) -> str:
    """When the list was opened, as its form says."""
    found = re.search(r'name="seen_at" value="([^"]+)"', desk.page(path))
    assert found
    return found[1]


def codes(markup: str) -> list[str]:
    return re.findall(r'<a class="mono code" href="/office/parcels/([^"]+)"', markup)


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id)


def ago(hours: float) -> str:
    """As an export writes a time so long ago, in Kuala Lumpur; its minutes tell the order of day and month."""
    return (clock.now() + timedelta(hours=8 - hours)).strftime("%d/%m/%Y %H:%M:%S")


@pytest.fixture
def shop(org_id: str, tmp_path: Path) -> list[str]:
    """One order that missed its update, one whose update is due within a day, one that is fresh; their parcels."""
    rows = [
        row(1, created_at=ago(130)),
        ready(2, created_at=ago(110), rts_at=ago(100)),
        row(3, created_at=ago(1), warehouse="Another shop"),
    ]
    import_file(org_id, "someone", write_csv(tmp_path / "o.csv", rows), clock.now(), dates="dmy")
    sweep(clock.now())
    with reading() as session:
        held = (
            session.query(Parcel).order_by(Parcel.tracking_number.is_(None), Parcel.items, Parcel.code).all()
        )
        return [parcel.code for parcel in held]


def test_what_was_missed_and_what_is_due_is_counted_and_listed_with_its_number(
    desk: Desk, shop: list[str]
) -> None:
    page = words(desk.page("/office/deadlines"))
    assert "First update missed, 1 more in 24 h" in page
    assert "120 hours after the order (Seller’s guide, 22 Nov 2026)" in page
    assert page.count("days ago") + page.count("h ago") >= 1
    to_come = words(desk.page("/office/deadlines", state="open", rule="status_update"))
    assert "in 9 h" in to_come
    assert "Missed" not in to_come.partition("Parcel Order Rule Due")[2]
    board = words(desk.page("/office/"))
    assert "1 missed a deadline" in board
    assert "due in 24 hours" in board


def test_whoever_chose_no_state_sees_what_was_missed_and_if_nothing_was_what_is_to_come(
    desk: Desk, org_id: str, tmp_path: Path
) -> None:
    due = ready(2, created_at=ago(110), rts_at=ago(100))
    import_file(org_id, "someone", write_csv(tmp_path / "o.csv", [due]), clock.now(), dates="dmy")
    sweep(clock.now())
    page = desk.page("/office/deadlines")
    assert "Nothing was missed." in page
    assert '<option value="open" selected>' in page
    assert "in 9 h" in words(page)
    assert "Every parcel had in time" in words(desk.page("/office/deadlines", state="passed"))
    missed = row(1, created_at=ago(130))
    import_file(org_id, "someone", write_csv(tmp_path / "m.csv", [missed]), clock.now(), dates="dmy")
    sweep(clock.now())
    assert '<option value="passed" selected>' in desk.page("/office/deadlines")
    assert '<option value="open" selected>' in desk.page("/office/deadlines", rule="deemed_lost")


def test_nothing_is_missed_any_more_on_an_order_that_a_newer_export_cancels(
    desk: Desk, org_id: str, shop: list[str], tmp_path: Path
) -> None:
    gone = row(
        1,
        created_at=ago(130),
        status="Canceled",
        substatus="Canceled",
        cancelled_at=ago(1),
        cancel_reason="Out of stock",
    )
    import_file(org_id, "someone", write_csv(tmp_path / "n.csv", [gone]), clock.now(), dates="dmy")
    sweep(clock.now())
    with reading() as session:
        assert session.query(Parcel).filter_by(status="cancelled", is_deemed=False).count() == 1
    page = words(desk.page("/office/deadlines"))
    assert "First update missed" not in page
    assert "Nothing was missed" in page
    assert "0 missed a deadline" in words(desk.page("/office/"))


def test_what_was_missed_stands_while_the_parcel_is_only_deemed_cancelled(
    desk: Desk, org_id: str, tmp_path: Path
) -> None:
    rows = [row(1, created_at=ago(24 * 30))]
    import_file(org_id, "someone", write_csv(tmp_path / "o.csv", rows), clock.now(), dates="dmy")
    sweep(clock.now())
    with reading() as session:
        [code] = [held.code for held in session.query(Parcel).filter_by(status="cancelled", is_deemed=True)]
    assert code in codes(desk.page("/office/deadlines"))
    assert "1 missed a deadline" in words(desk.page("/office/"))
    told = {"status": "cancelled", "reason": "The marketplace says so too", "seen": "cancelled"}
    desk.press(f"/office/parcels/{code}/status", **told)
    assert code not in codes(desk.page("/office/deadlines"))


def test_a_seller_sees_only_their_own_deadlines(app: Flask, org_id: str, shop: list[str]) -> None:
    theirs = Desk(app, org_id, role="seller", seller="Another shop")
    assert "Nothing was missed" in words(theirs.page("/office/deadlines"))
    listed = words(theirs.page("/office/deadlines", state="open"))
    assert listed.count("First update") >= 1
    assert listed.count("Deemed cancelled") >= 1
    assert "in 9 h" not in listed


def test_a_long_list_goes_on_page_by_page_without_a_repeat(desk: Desk, org_id: str, tmp_path: Path) -> None:
    rows = [row(n, created_at=ago(130)) for n in range(1, 121)]
    import_file(org_id, "someone", write_csv(tmp_path / "o.csv", rows), clock.now(), dates="dmy")
    sweep(clock.now())
    seen: list[str] = []
    address = "/office/deadlines?rule=status_update"
    for _ in range(5):
        markup = desk.page(address)
        seen += codes(markup)
        later = re.search(r'rel="next" href="([^"]+)"', markup)
        if later is None:
            break
        address = html.unescape(later[1])
    assert len(seen) == len(set(seen)) == 120


def test_a_parcel_says_what_is_due_and_each_rule_that_judged_it_has_its_page(
    desk: Desk, shop: list[str]
) -> None:
    for code in shop:
        markup = desk.page(f"/office/parcels/{code}")
        assert "Deadlines" in words(markup)
        for rule in ("status_update", "deemed_cancelled"):
            assert f'href="/office/rules/{rule}"' in markup
    for rule in RULES:
        page = words(desk.page(f"/office/rules/{rule}"))
        assert RULES[rule].title in page
        assert "If not:" in page


def test_the_rules_page_tells_all_of_the_guide_and_every_number_with_its_source(
    desk: Desk, org_id: str
) -> None:
    page = html.unescape(words(desk.page("/office/rules")))
    for number, it in guide.RULES.items():
        assert f"{number} “{' '.join(it.says.split())}”" in page
    for term in pack.load("guide").terms:
        assert term.number in page
        assert " ".join(term.source.split()) in page


def test_an_administrator_names_the_shop_and_no_demo_takes_it_over(app: Flask) -> None:
    found_shop(clock.now())
    with reading() as session:
        org_id = session.query(Organisation).one().id
    assert Desk(app, org_id).post("/office/rules/name", name="Toko Maju").status_code == 403
    boss = Desk(app, org_id, role="admin")
    for wrong in ("", "  ", "x" * 121):
        refused = boss.post("/office/rules/name", name=wrong)
        assert (refused.status_code, "Give the shop a name" in refused.text) == (422, True)
    assert "My shop" in words(boss.page("/office/"))
    assert "Kept." in boss.press("/office/rules/name", name="  Toko  <Maju> ")
    run = make_run(org_id, make_user(org_id), [])
    for path in ("/office/", "/office/rules", f"/office/runs/{run}/sheet"):
        page = boss.page(path)
        assert "Toko &lt;Maju&gt;" in page, path
        assert "My shop" not in page, path


def test_a_shop_that_was_named_before_anybody_works_there_is_not_made_a_demo(app: Flask) -> None:
    found_shop(clock.now())
    with reading() as session:
        org_id = session.query(Organisation).one().id
    name_shop(org_id, "Toko Maju")
    assert load_demo(clock.now()).org_id != org_id
    with reading() as session:
        assert session.get_one(Organisation, org_id).name == "Toko Maju"


def test_an_administrator_chooses_the_market_and_what_is_open_is_judged_anew(
    app: Flask, desk: Desk, org_id: str, shop: list[str]
) -> None:
    assert "The shop sells in" not in words(desk.page("/office/rules"))
    assert desk.post("/office/rules/market", market="VN").status_code == 403
    boss = Desk(app, org_id, role="admin")
    assert "Market: Vietnam, 15 Jul 2025" in boss.press("/office/rules/market", market="VN")
    assert boss.post("/office/rules/market", market="XX").status_code == 422
    assert sweep(clock.now()).looked_at == len(shop)


def test_an_administrator_chooses_the_clock_where_the_market_has_several(app: Flask, org_id: str) -> None:
    boss = Desk(app, org_id, role="admin")
    boss.press("/office/rules/market", market="ID", zone="Asia/Makassar")
    assert '<option value="Asia/Makassar" selected>' in boss.page("/office/rules")
    assert "Nothing changed" in boss.press("/office/rules/market", market="ID", zone="Asia/Makassar")
    assert "Nothing changed" in boss.press("/office/rules/market", market="ID"), "a page that knew no clocks"
    refused = boss.post("/office/rules/market", market="ID", zone="Europe/Paris")
    assert (refused.status_code, "f-zone-error" in refused.text) == (422, True)
    boss.press("/office/rules/market", market="VN", zone="Asia/Makassar")
    assert held(org_id) == ("VN", None), "a clock of the market before goes with it"
    assert boss.post("/office/rules/market", market="VN", zone="Asia/Jayapura").status_code == 422
    boss.press("/office/rules/market", market="ID", zone="Asia/Jayapura")
    assert held(org_id) == ("ID", "Asia/Jayapura")


def held(org_id: str) -> tuple[str, str | None]:
    with reading() as session:
        shop = shops.shop(session, org_id)
        return shop.market, shop.zone


def test_pages_show_the_shops_own_clock(app: Flask, org_id: str, shop: list[str]) -> None:
    boss = Desk(app, org_id, role="admin")
    shown = {}
    for zone in ("", "Asia/Jayapura"):
        boss.press("/office/rules/market", market="ID", zone=zone)
        shown[zone] = re.findall(
            r"<time[^>]*>([^<]*\d\d:\d\d[^<]*)<", boss.page(f"/office/parcels/{shop[0]}")
        )
    assert shown[""]
    assert shown[""] != shown["Asia/Jayapura"]


def test_a_case_that_is_due_stands_on_the_board_and_under_deadlines_for_the_office_only(
    app: Flask, desk: Desk, org_id: str, shop: list[str]
) -> None:
    assert "Cases" not in words(desk.page("/office/deadlines")).partition("By rule")[2]
    told = Wanted("complaint", "It never came", "", (shop[0],), due_at=clock.now() - timedelta(hours=1))
    open_case(org_id, desk.user_id, told, clock.now() - timedelta(hours=2))
    soon = Wanted("complaint", "Half of it came", "", (shop[0],), due_at=clock.now() + timedelta(hours=5))
    open_case(org_id, desk.user_id, soon, clock.now())
    assert "Case 1: It never came Past its deadline" in words(desk.page("/office/deadlines"))
    assert "Case 2: Half of it came Due in 24 h" in words(desk.page("/office/deadlines"))
    assert "1 case past the deadline, 1 more in 24 h" in words(desk.page("/office/"))
    theirs = Desk(app, org_id, role="seller", seller="Another shop")
    for path in ("/office/deadlines", "/office/"):
        assert "It never came" not in theirs.page(path)
        assert "case past the deadline" not in words(theirs.page(path))


def test_every_rule_with_a_deadline_has_words_and_every_anomaly_a_page(desk: Desk, org_id: str) -> None:
    named = {term.rule for name in pack.names() for term in pack.load(name).terms}
    assert named <= set(RULES)
    for code in CATALOGUE:
        assert "Nothing is open" in words(desk.page(f"/office/exceptions/{code}"))


@pytest.fixture
def strays(app: Flask, org_id: str) -> list[str]:
    """Handovers of parcels nobody imported: each raises unknown_parcel."""
    courier = make_user(org_id, "courier", "Cora")
    phone = ApiPhone(app.test_client(), org_id, courier)
    numbers = [f"XX{n:09d}" for n in range(30)]
    phone.send(*(phone.seal("collect", [number], **proof()) for number in numbers))
    with reading() as session:
        return [parcel.code for parcel in session.query(Parcel).order_by(Parcel.code)]


def open_now(code: str) -> int:
    with reading() as session:
        return session.query(Anomaly).filter_by(code=code, is_open=True).count()


def test_exceptions_are_grouped_and_closed_many_at_once_with_one_reason(
    desk: Desk, strays: list[str]
) -> None:
    page = words(desk.page("/office/exceptions"))
    assert "It was scanned, but no order is known for it. Warning 30" in page
    path = "/office/exceptions/unknown_parcel"
    opened = seen_at(desk, path)
    done = desk.press(path, scope="chosen", parcel=strays[:3], reason="Samples", seen_at=opened)
    assert "Closed on 3 parcels" in words(done)
    assert open_now("unknown_parcel") == 27
    assert "Samples" in words(desk.page(f"/office/parcels/{strays[0]}"))
    desk.press(path, scope="all", reason="Old stock", seen_at=opened)
    assert open_now("unknown_parcel") == 0
    again = desk.press(path, scope="all", reason="Old stock", seen_at=opened)
    assert "Closed on 0 parcels" in words(again)


def test_what_came_after_the_list_was_opened_is_not_closed_with_it(
    app: Flask, desk: Desk, org_id: str, strays: list[str]
) -> None:
    path = "/office/exceptions/unknown_parcel"
    opened = seen_at(desk, path)
    phone = ApiPhone(app.test_client(), org_id, make_user(org_id, "courier", "Late"))
    phone.send(phone.seal("collect", ["YY000000001"], **proof()))
    desk.press(path, scope="all", reason="All known by now", seen_at=opened)
    assert open_now("unknown_parcel") == 1


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"scope": "chosen", "reason": "x"}, "Tick the parcels"),
        ({"scope": "all", "reason": "  "}, "Say why"),
        ({"scope": "all", "reason": "x", "seen_at": "yesterday"}, "Open it again"),
    ],
)
def test_a_press_that_lacks_something_is_told_what_and_closes_nothing(
    desk: Desk, strays: list[str], form: dict[str, str], told: str
) -> None:
    path = "/office/exceptions/unknown_parcel"
    answer = desk.post(path, **{"seen_at": seen_at(desk, path), **form})
    assert answer.status_code == 422
    assert told in words(answer.text)
    assert open_now("unknown_parcel") == 30


def test_a_seller_may_look_and_not_close(app: Flask, org_id: str, strays: list[str]) -> None:
    theirs = Desk(app, org_id, role="seller", seller="Another shop")
    assert "Everything fits" in words(theirs.page("/office/exceptions"))
    assert theirs.post("/office/exceptions/unknown_parcel", scope="all", reason="x").status_code == 403
    assert open_now("unknown_parcel") == 30


def test_there_is_no_page_of_a_rule_or_a_sort_that_is_none(desk: Desk) -> None:
    for path in ("/office/rules/nothing", "/office/exceptions/nothing"):
        assert desk.get(path).status_code == 404
