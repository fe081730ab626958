"""The review desk in a real browser: judged by keys alone, pictures there before they are asked for."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Chromium
from tests.support.desk import PASSWORD, hand_over, make_desk_user
from tests.support.installation import Databases, make_settings, running_app
from tests.support.quality import axe
from tests.support.server import Server
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user

SECRET = "a secret of the tests"
WIDE = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False}


SETTINGS = {"BATON_SECRET_KEY": SECRET, "BATON_RATE_LIMITS": "0"}


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A shop of one test's own, which judges."""
    return fill(make_server(**SETTINGS))


@pytest.fixture(scope="module")
def still_server(tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Databases) -> Iterator[Server]:
    """The same for all tests that change nothing."""
    made = Server(tmp_path_factory.mktemp("server"), **SETTINGS)
    made.data.mkdir(parents=True)
    sqlite_databases.copy_to(made.data / "baton.db")
    yield fill(made)
    made.kill()


def fill(made: Server) -> Server:
    """Three handovers of three parcels each that wait for somebody; started."""
    with running_app(make_settings(made.data, secret_key=SECRET)) as app:
        org_id = make_shop("Toko Sari Rasa")
        make_desk_user(org_id, "office", "Olga Office", email="olga@example.com")
        phone = ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))
        for minute in range(3):
            hand_over(phone, org_id, make_parcels(org_id, 3, seed=minute), minute=minute, expected=4)
    made.start()
    wait_for_looks(made)
    return made


def wait_for_looks(server: Server) -> None:
    """Until the server has looked at every photo: what it finds moves a proof in the line that is being walked."""
    unseen = """SELECT count(*) FROM events AS e WHERE review_state = 'waiting'
        AND NOT EXISTS (SELECT 1 FROM proof_checks AS p WHERE p.event_id = e.id)"""
    until = time.monotonic() + 60
    with contextlib.closing(sqlite3.connect(server.data / "baton.db")) as look:
        while look.execute(unseen).fetchone()[0]:
            assert time.monotonic() < until, server.text()[-2000:]
            time.sleep(0.1)


def sign_in(browser: Chromium, server: Server, **options: object) -> Page:
    page = browser.open(f"{server.url}/office/sign-in?next=/office/review", **options)
    page.get_by_label("E-mail").fill("olga@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Review")).to_be_visible()
    # Until the scripts are there, a key does nothing and a link is only a link.
    page.wait_for_load_state("load")
    return page


def look(page: Page) -> None:
    """Look at the proof that has just come for as long as no verdict on it is taken."""
    page.wait_for_timeout(600)


def test_proofs_are_judged_by_keys_alone(browser: Chromium, server: Server) -> None:
    page = sign_in(browser, server, **WIDE)
    page.evaluate("window.notReloaded = true")
    proof = page.locator("#h-proof")
    expect(page.get_by_text("1 of 3")).to_be_visible()

    page.keyboard.press("j")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    expect(proof).to_be_focused()
    page.keyboard.press("k")
    expect(page.get_by_text("1 of 3")).to_be_visible()

    look(page)
    page.keyboard.press("a")
    expect(page.get_by_text("Accepted.")).to_be_visible()
    expect(page.get_by_text("1 of 2")).to_be_visible()

    look(page)
    page.keyboard.press("t")
    reason = page.locator("#f-retake-reason")
    expect(reason).to_be_focused()
    reason.select_option("photo_blurred")
    page.keyboard.press("Escape")
    expect(reason).to_be_hidden()
    page.keyboard.press("t")
    expect(reason).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("Show the ar, please: a and r are letters here")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Budi Santoso was asked for it again.")).to_be_visible()

    look(page)
    page.keyboard.press("r")
    page.locator("#f-reject-reason").select_option("count_wrong")
    page.locator("form:has(#f-reject-reason) button").click()
    expect(page.get_by_text("Nothing waits here")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True
    assert browser.complaints == []


def test_a_double_press_judges_one_proof_only(browser: Chromium, server: Server) -> None:
    page = sign_in(browser, server, **WIDE)
    # Both presses of a pair are made in the page itself: the second right when the next proof has come.
    page.evaluate("""() => document.addEventListener("htmx:afterSettle", () => {
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
      document.querySelector(".verdict button[data-key=a]")?.click();
    }, { once: true })""")
    page.keyboard.press("a")
    expect(page.get_by_text("1 of 2")).to_be_visible()
    look(page)
    expect(page.get_by_text("1 of 2")).to_be_visible()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("1 of 1")).to_be_visible()
    assert browser.complaints == []


def test_a_refused_verdict_is_shown_where_it_was_given(browser: Chromium, still_server: Server) -> None:
    page = sign_in(browser, still_server, **WIDE)
    for _ in range(2):
        look(page)
        page.keyboard.press("r")
        page.locator("#f-reject-reason").select_option("other")
        page.locator("form:has(#f-reject-reason) button").click()
        expect(page.get_by_text("Say why: choose a reason")).to_be_visible()
        expect(page.locator("#f-reject-reason")).to_be_focused()
        page.keyboard.press("Escape")
    expect(page.get_by_text("1 of 3")).to_be_visible()


def test_the_next_proofs_pictures_come_while_this_one_is_looked_at(
    browser: Chromium, still_server: Server
) -> None:
    asked: list[str] = []
    page = browser.open("about:blank", **WIDE)
    page.on("request", lambda request: asked.append(request.url.partition("?")[0]))
    page.goto(f"{still_server.url}/office/sign-in?next=/office/review")
    page.get_by_label("E-mail").fill("olga@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")
    page.wait_for_function("document.querySelector('template[data-prefetch]')")
    [photo, *_] = page.locator("template[data-prefetch]").evaluate(
        "it => [...it.content.querySelectorAll('img')].map((img) => new URL(img.getAttribute('src'), location).href)"
    )
    until_asked = time.monotonic() + 30
    while photo.partition("?")[0] not in asked:
        assert time.monotonic() < until_asked, f"{photo} is not among {asked}"
        page.wait_for_timeout(100)
    already = set(asked)
    page.keyboard.press("j")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    [photo, *_] = page.locator(".desk-photos a").evaluate_all("links => links.map((link) => link.href)")
    assert photo in already


def test_a_picture_opens_large_and_closes_where_it_was(browser: Chromium, still_server: Server) -> None:
    page = sign_in(browser, still_server, **WIDE)
    page.locator(".desk-photos a").first.click()
    expect(page.locator("#zoom")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#zoom img")).to_have_attribute("alt", "Signature of Ibu Sari")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(page.locator("#zoom")).to_be_hidden()
    expect(page.get_by_text("1 of 3")).to_be_visible()


def test_a_page_on_a_phone_fits_and_opens_to_everybody(browser: Chromium, still_server: Server) -> None:
    page = sign_in(browser, still_server)
    found: dict[str, list[str]] = {}
    for path in ("/office/", "/office/parcels", "/office/orders", "/office/review"):
        page.goto(still_server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.get_by_role("button", name="Menu").click()
        expect(page.get_by_role("link", name="Parcels").first).to_be_visible()
        page.keyboard.press("Escape")
        found[path] = axe(page)
    assert not any(found.values()), found


def test_without_javascript_a_proof_is_judged_all_the_same(
    browser: Chromium, server: Server, tmp_path: Path
) -> None:
    page = sign_in(browser, server, java_script_enabled=False, **WIDE)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted.")).to_be_visible()
    page.locator("summary", has_text="Reject").click()
    page.locator("#f-reject-reason").select_option("photo_blurred")
    page.get_by_role("button", name="Reject with this reason").click()
    expect(page.get_by_text("Rejected.")).to_be_visible()
    page.goto(f"{server.url}/office/parcels")
    page.get_by_label("Code, tracking number or order").fill("nonsense")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Nothing fits")).to_be_visible()


def test_the_list_narrows_in_place_and_the_way_back_restores_it(
    browser: Chromium, still_server: Server
) -> None:
    page = sign_in(browser, still_server, **WIDE)
    page.goto(f"{still_server.url}/office/parcels")
    expect(page.get_by_text("9 parcels")).to_be_visible()
    page.get_by_label("Code, tracking number or order").fill("nonsense")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    assert page.url == f"{still_server.url}/office/parcels?q=nonsense"
    page.go_back()
    expect(page.get_by_text("9 parcels")).to_be_visible()
    assert browser.complaints == []
