"""A new version of the app under an old page, with a full queue, in mid-flush: no row is lost, none counts twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.e2e.screens import KEPT, Person, seed
from tests.e2e.test_phone_worker import SEAL, until
from tests.support.browser import Chromium
from tests.support.release import NEXT, Release
from tests.support.server import Server

WAITING = "async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting)"
LOOK = "async () => { await (await navigator.serviceWorker.getRegistration()).update(); }"
TAKE = "async () => (await navigator.serviceWorker.getRegistration()).waiting.postMessage({ type: 'skip-waiting' })"
COUNTS = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const counts = await phone.counts();
  const { length } = await phone.outbox();
  phone.close();
  return [length, counts.unsent];
}"""


@pytest.fixture
def chromium(playwright: Playwright, tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(playwright, tmp_path / "profile")
    yield browser
    browser.close()


@pytest.fixture
def release(live_server: Server) -> Iterator[Release]:
    made = Release(live_server.port)
    yield made
    made.close()


def version(page: Page) -> str:
    """What the page was started from."""
    return page.get_attribute('meta[name="baton-version"]', "content") or ""


def arrived(server: Server, parcels: list[str]) -> list[int]:
    """How many events the server has of each parcel."""
    told = [json.loads(server.baton("show", code, "--json"))["events"] for code in parcels]
    return [len([event for event in events if event["kind"] != "check"]) for events in told]


@pytest.mark.timeout(600)
def test_a_new_version_under_a_full_queue_in_mid_flush_loses_no_row_and_counts_none_twice(
    chromium: Chromium, live_server: Server, release: Release
) -> None:
    shop = seed(live_server, parcels=6)
    chromium.open()
    person = Person(chromium, release.url)
    person.enrol(shop.code)
    page = person.page
    release.version = version(page)

    release.lose_answers()
    for _ in range(4):
        page.evaluate(SEAL, shop.parcels)
    page.evaluate("dispatchEvent(new Event('online'))")
    assert release.lost.wait(20), "a flush is under way, and what it sent is with the server"
    release.release()
    page.evaluate(LOOK)
    until(page, WAITING)
    assert version(page) == release.version, "it waits"
    page.evaluate(SEAL, shop.parcels)
    assert page.evaluate(COUNTS) == [30, 30], "the old page works on"

    with page.expect_navigation():
        page.evaluate(TAKE)
    assert version(page) == NEXT
    assert page.evaluate(COUNTS) == [30, 30]
    release.losing.clear()
    for _ in range(60):
        page.wait_for_timeout(500)
        if page.evaluate(COUNTS) == [30, 0]:
            break
    assert page.evaluate(COUNTS) == [30, 0]
    assert arrived(live_server, shop.parcels) == [5] * 6
    (phone,) = json.loads(live_server.baton("devices", "--json"))["devices"]
    assert (phone["head_seq"], phone["high_seq"], phone["unsent"]) == (30, 30, 0)


@pytest.mark.timeout(600)
def test_a_tab_that_is_capturing_goes_on_with_its_own_version_until_it_has_sealed(
    chromium: Chromium, live_server: Server, release: Release
) -> None:
    shop = seed(live_server, parcels=4)
    chromium.open()
    person = Person(chromium, release.url)
    person.enrol(shop.code)
    old = person.page
    release.version = version(old)
    assert chromium.context is not None
    other = chromium.context.new_page()  # it knows of no handover when the first tab begins one
    other.goto(f"{release.url}/app/#/me")
    other.wait_for_selector("h1:has-text('Me')")
    old.bring_to_front()
    old.click("[data-kind=collect]")
    old.click("[data-el=type]")
    old.fill("#type-code", shop.parcels[0])
    old.click("dialog >> text=Add")
    old.wait_for_function(KEPT, arg="scans")
    old.evaluate("window.isTheSame = true")

    release.release()
    other.evaluate(LOOK)
    until(other, WAITING)
    with other.expect_navigation():
        other.evaluate(TAKE)
    assert version(other) == NEXT
    other.close()

    assert old.evaluate("window.isTheSame") is True
    person.type_code(shop.parcels[1])
    old.wait_for_function("() => document.querySelector('[data-el=n]')?.textContent === '2'")
    named = (
        "async () => (await (await fetch('/static/js/outbox/context.js')).text()).includes('baton-web/0.1.0')"
    )
    assert old.evaluate(named), "the old page's own files are still there"
    old.goto(f"{release.url}/app/#/")  # back on Home: the handover waits there, so it is not loaded anew yet
    old.wait_for_selector("[data-el=resume]:not([hidden])")
    assert old.evaluate("window.isTheSame") is True
    person.press("Discard")
    old.click("dialog >> text=Discard >> nth=-1")
    old.click("nav [data-tab=outbox]")
    # The change of screen is a navigation too: what counts is the page that is loaded after it.
    old.wait_for_selector(f'meta[name="baton-version"][content="{NEXT}"]', state="attached", timeout=60_000)
