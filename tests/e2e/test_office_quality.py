"""Every page of the office is open to everybody: axe finds nothing, wide and narrow, and Lighthouse agrees."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Chromium
from tests.support.desk import PASSWORD, hand_over, make_desk_user
from tests.support.installation import make_settings, running_app
from tests.support.ports import free_port
from tests.support.quality import axe, lighthouse
from tests.support.server import Server
from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user

SECRET = "a secret of the tests"
WIDE = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False}


@dataclass
class Stage:
    """A shop on a running server, with one parcel that has a whole story."""

    server: Server
    parcel: str


@pytest.fixture
def stage(make_server: Callable[..., Server]) -> Stage:
    server = make_server(BATON_SECRET_KEY=SECRET, BATON_RATE_LIMITS="0")
    with running_app(make_settings(server.data, secret_key=SECRET)) as app:
        org_id = make_shop("Toko Sari Rasa")
        make_desk_user(org_id, "admin", "Ani Admin", email="ani@example.com")
        courier = make_user(org_id, name="Budi Santoso", active=True)
        phone = ApiPhone(app.test_client(), org_id, courier)
        codes = make_parcels(org_id, 6, seller="Toko Sari", tracking_number=None)
        run = make_run(org_id, courier, codes)
        place = {"id": None, "lat": -6.1577, "lon": 106.9086, "accuracy_m": 9}
        event = hand_over(phone, org_id, codes[:5], run=run, expected=6, place=place, note="Di pos satpam")
        phone.send(phone.seal("void", [codes[1]], minute=600, ref=event, reason="mistake"))
        hand_over(phone, org_id, codes[:1], kind="deliver", minute=30, is_home=False)
        phone.send(unsent=2, unsent_blobs=1, head_seq=phone.seq + 2)
    return Stage(server.start(), codes[0])


def sign_in(browser: Chromium, stage: Stage, **options: object) -> Page:
    page = browser.open(f"{stage.server.url}/office/sign-in", **options)
    page.get_by_label("E-mail").fill("ani@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    return page


@pytest.mark.parametrize(
    "options",
    [{**WIDE, "color_scheme": "light"}, {"color_scheme": "dark"}],
    ids=["wide and light", "narrow and dark"],
)
def test_axe_finds_nothing_wrong_on_any_page(
    browser: Chromium, stage: Stage, options: dict[str, object]
) -> None:
    page = sign_in(browser, stage, **options)
    links = page.locator(".nav a").evaluate_all("links => links.map((link) => link.pathname)")
    assert len(links) > 6
    found: dict[str, list[str]] = {}
    for path in [*links, f"/office/parcels/{stage.parcel}", "/office/nothing-here"]:
        page.goto(stage.server.url + path)
        page.locator("details").evaluate_all("folds => folds.forEach((fold) => { fold.open = true; })")
        if wrong := axe(page):
            found[path] = wrong
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.setdefault(path, []).append("wider than the screen")
    assert found == {}


def test_the_parcel_page_scores_full_marks(browser: Chromium, stage: Stage) -> None:
    port = free_port()
    sign_in(browser, stage, devtools_port=port, **WIDE)
    scores = lighthouse(f"{stage.server.url}/office/parcels/{stage.parcel}", port, phone=False)
    assert scores.of == {"accessibility": 100, "best-practices": 100}, scores.lost


def test_a_page_prints_without_its_frame(browser: Chromium, stage: Stage) -> None:
    page = sign_in(browser, stage, **WIDE)
    page.goto(f"{stage.server.url}/office/parcels/{stage.parcel}")
    page.emulate_media(media="print")
    expect(page.locator(".sidebar")).to_be_hidden()
    expect(page.locator(".topbar")).to_be_hidden()
    assert re.search(r"/Type\s*/Page\b", page.pdf().decode("latin-1"))
