"""A driver's list in Chromium: whose door comes next, and the way there, with no network."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.screens import Person, seed
from tests.support.browser import Chromium
from tests.support.server import Server

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
COMPUTER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
NAME, ADDRESS = "Recipient of the tests", "Jalan Kenanga 5, RT 02 & RW 03, 12810"
FIND = "?q=Jalan%20Kenanga%205%2C%20RT%2002%20%26%20RW%2003%2C%2012810"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("agent", "way"),
    [(ANDROID, f"geo:0,0{FIND}"), (IPHONE, f"https://maps.apple.com/{FIND}"), (COMPUTER, None)],
    ids=["android", "iphone", "computer"],
)
def test_the_list_of_a_delivery_run_names_each_door_and_leads_there(
    make_browser: Callable[[], Chromium], server: Server, table: Path, agent: str, way: str | None
) -> None:
    others = [("Another of the tests", "Jalan Melati 12, 12810"), ("A third of the tests", "")]
    doors = [*others, (NAME, ADDRESS), ("A fourth of the tests", "Jalan Melati 2, 12810")]
    shop = seed(server, kind="deliver", role="driver", status="out_for_delivery", doors=doors)
    browser = make_browser()
    page = browser.open(
        server.url, camera=table, user_agent=agent, permissions=["clipboard-read", "clipboard-write"]
    )
    person = Person(browser, server.url)
    person.enrol(shop.code)
    browser.offline()
    page.click("text=A run of the tests")
    page.click("[data-el=list]")
    names = page.locator("dialog [data-el=missing] [data-el=who]")
    expect(names).to_have_text(
        [NAME, "A fourth of the tests", "Another of the tests", "A third of the tests"]
    )
    door = row(page, NAME)
    expect(door).to_contain_text(ADDRESS)
    ways = door.get_by_role("link", name=f"Map to {NAME}")
    if way is None:
        expect(ways).to_have_count(0)
    else:
        expect(ways).to_have_attribute("href", way)
    door.get_by_role("button", name=f"Copy the address of {NAME}").click()
    expect(door.locator("[data-el=copy-icon]")).to_have_attribute("href", re.compile("#check$"))
    expect(door.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == ADDRESS
    expect(row(page, "A third of the tests").get_by_role("button")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.click("dialog >> text=Close")
    person.type_code(shop.parcels[2])
    page.click("[data-el=list]")
    expect(row(page, NAME).get_by_role("link")).to_have_count(0)
    expect(row(page, NAME).get_by_role("button")).to_have_count(1)  # to take it off


def row(page: Page, name: str) -> Locator:
    return page.locator("dialog .scan-row", has_text=name)
