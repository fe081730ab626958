"""The page of time stamps: which days are stamped, which wait in vain and why, and nothing where it is off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.shop import make_shop
from tests.support.sitting import Desk, words
from webapp import clock
from webapp.office.stamps import PAGE, PATH
from webapp.settings import Authority
from webapp.store.models import DayStamp
from webapp.store.unit import reading, transaction

TODAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 1, 23, tzinfo=UTC)


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str, tmp_path: Path) -> Desk:
    settings = app.extensions["baton-settings"]
    authority = Authority("https://tsa.example.com", tmp_path / "roots.pem")
    app.extensions["baton-settings"] = replace(settings, authority=authority)
    return Desk(app, org_id)


def add(org_id: str, days_ago: int, **members: Any) -> None:
    about = {"size": 12, "root": "0" * 64, "leaves": bytes(384), "made_at": AT, "next_try_at": AT}
    with transaction() as session:
        session.add(DayStamp(org_id=org_id, day=TODAY - timedelta(days=days_ago), **{**about, **members}))


def stamped(org_id: str, days_ago: int) -> None:
    add(org_id, days_ago, response=b"x", stamped_at=AT, authority="Stamps Ltd", tries=1)


def test_each_day_says_who_stamped_it_or_that_it_waits(desk: Desk, org_id: str) -> None:
    stamped(org_id, 2)
    add(org_id, 1)
    page = words(desk.page(PATH))
    assert "2026-11-20 UTC 12" in page
    assert "Stamps Ltd Stamped" in page
    assert "Nobody yet Waiting" in page
    assert "its stamp" not in page


def test_what_was_asked_for_in_vain_is_said_first_with_the_reason(desk: Desk, org_id: str) -> None:
    add(org_id, 1, tries=2, last_error="The authority answered 503.")
    add(org_id, 3, tries=1, last_error="It was <asleep>.", next_try_at=AT + timedelta(hours=1))
    markup = desk.page(PATH)
    page = words(markup)
    assert "2 days wait for their stamps, the oldest is 2026-11-19" in page
    assert "It was &lt;asleep&gt;. It is asked again by itself" in page
    assert "Tried 2 times" in page
    assert 'nav-count num">2<' in desk.page("/office/")


def test_an_administrator_asks_at_once_and_only_for_their_own_days(
    app: Flask, desk: Desk, org_id: str
) -> None:
    later = clock.now() + timedelta(hours=5)
    theirs = make_shop("Another")
    for org in (org_id, theirs):
        add(org, 1, tries=3, last_error="The authority answered 503.", next_try_at=later)
    admin = Desk(app, org_id, "admin")
    assert "Ask now" in admin.page(PATH)
    assert "Ask now" not in desk.page(PATH)
    assert desk.post(f"{PATH}/ask").status_code == 403
    asked: list[bool] = []
    app.extensions["baton-stamp"] = lambda: asked.append(True)
    assert "is being asked" in admin.press(f"{PATH}/ask")
    assert asked == [True]
    with reading() as session:
        due = {
            org: session.get_one(DayStamp, (org, TODAY - timedelta(days=1))).next_try_at
            for org in (org_id, theirs)
        }
    assert due[org_id] < later == due[theirs]


def test_other_shops_days_are_not_shown(desk: Desk, org_id: str) -> None:
    stamped(make_shop("Another"), 1)
    assert "No day is over yet" in words(desk.page(PATH))


def test_where_no_authority_is_set_the_page_says_how_and_the_menu_has_none(app: Flask, org_id: str) -> None:
    office = Desk(app, org_id)
    assert PATH not in office.page("/office/")
    assert "BATON_TSA_URL" in words(office.page(PATH))
    stamped(org_id, 1)
    assert "No authority is set any more" in words(office.page(PATH))


def test_the_menu_has_it_where_one_is_set(desk: Desk) -> None:
    assert f'href="{PATH}"' in desk.page("/office/")


def test_older_days_are_on_further_pages(desk: Desk, org_id: str) -> None:
    for days_ago in range(PAGE + 2):
        stamped(org_id, days_ago)
    assert desk.page(PATH).count("Stamps Ltd") == PAGE
    last = (TODAY - timedelta(days=PAGE - 1)).isoformat()
    assert f"before={last}" in desk.page(PATH)
    assert desk.page(PATH, before=last).count("Stamps Ltd") == 2
    assert desk.page(PATH, before="never").count("Stamps Ltd") == PAGE


def test_it_is_for_the_desk(app: Flask, org_id: str) -> None:
    assert Desk(app, org_id, "seller", seller="Ibu Sari").get(PATH).status_code == 403
