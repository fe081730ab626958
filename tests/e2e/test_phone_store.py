"""A phone whose database will not open, in Chromium: it says so, begins a new one beside it, and loses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.e2e.screens import Person, seed
from tests.e2e.test_phone_spare import handovers
from tests.e2e.test_phone_worker import SEAL
from tests.support.browser import Chromium
from tests.support.server import Server
from tests.support.tagged import tagged

# What Chromium answers when the files under a database are damaged.
BROKEN = """
if (localStorage.getItem("broken")) {
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (name, ...rest) {
    if (name === "baton") throw new DOMException("Internal error opening backing store", "UnknownError");
    return open.call(this, name, ...rest);
  };
}
"""
# How often the browser was asked to keep what is stored; this one says no.
COUNT_ASKED = """
window.asked = 0;
StorageManager.prototype.persist = async () => {
  window.asked += 1;
  return false;
};
"""


@pytest.fixture
def chromium(playwright: Playwright, tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(playwright, tmp_path / "profile")
    yield browser
    browser.close()


@pytest.mark.timeout(600)
def test_a_store_that_will_not_open_is_kept_and_its_work_comes_home_when_it_does(
    chromium: Chromium, live_server: Server
) -> None:
    shop = seed(live_server, parcels=2)
    chromium.open()
    assert chromium.context is not None
    chromium.context.add_init_script(BROKEN)
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    page = person.page
    live_server.pause()
    page.evaluate(SEAL, [shop.parcels[0]])
    page.evaluate("localStorage.setItem('broken', 'yes')")
    page.reload()
    page.wait_for_selector("h2:has-text('This phone’s storage will not open.')")
    live_server.resume()
    person.press("Begin a new store")
    page.click("dialog >> button[value=yes]")
    page.wait_for_selector("h2:has-text('Connect this phone')")
    page.wait_for_selector(".toast:has-text('The old one is kept')")
    page.fill("#enrol-code", shop.spare)
    person.press("Connect")
    page.wait_for_selector("[data-el=runs] .run")
    page.evaluate(SEAL, [shop.parcels[1]])
    page.click("nav [data-tab=me]")
    page.wait_for_selector("[data-el=lost]:has-text('did not open')")
    page.wait_for_function("() => document.querySelector('#unsent-text').textContent === '0 unsent'")
    page.wait_for_selector("[data-el=shift]:has-text('Do not hand this phone back yet')")
    expect(page.locator("[data-el=shift-text]")).to_have_text(
        re.compile("^An older store of this phone did not open")
    )
    page.click("nav [data-tab=outbox]")
    page.wait_for_selector("[data-el=sum]:has-text('an older store of this phone did not open')")
    page.click("nav [data-tab=me]")
    assert count(live_server, shop.parcels[0]) == 0

    page.evaluate("localStorage.removeItem('broken')")
    page.reload()
    page.wait_for_function(
        "() => JSON.parse(localStorage.getItem('baton-stores')).lost[0].isEmpty", timeout=60_000
    )
    page.wait_for_selector("[data-el=shift]:has-text('0 unsent: safe to hand back')")
    assert [count(live_server, code) for code in shop.parcels] == [1, 1]
    phones = json.loads(live_server.baton("devices", "--json"))["devices"]
    assert sorted(phone["high_seq"] for phone in phones) == [1, 1]


@pytest.mark.timeout(600)
def test_files_that_open_no_more_cost_nothing_where_there_is_a_second_copy(
    chromium: Chromium, live_server: Server, tmp_path: Path
) -> None:
    shop = seed(live_server, parcels=3)
    picture = tmp_path / "parcels.jpg"
    picture.write_bytes(tagged(*shop.parcels[:2]))
    chromium.open()
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    live_server.pause()

    def hand_over(*codes: str) -> None:
        for code in codes:
            person.type_code(code)
        person.to_photos()
        person.choose_file(picture)
        person.to_signature()
        person.sign()
        person.seal()

    person.go("scan/collect")
    hand_over(shop.parcels[0])
    person.go("scan/collect")
    person.type_code(shop.parcels[1])
    person.wait_until_kept("scans")

    chromium.kill()
    mend = chromium.wall_up()
    chromium.open(f"{live_server.url}/app/")
    chromium.page.wait_for_selector("h2:has-text('This phone’s storage will not open.')")
    person.press("Begin a new store")
    chromium.page.wait_for_selector("dialog:has-text('goes on in the new store')")
    chromium.page.click("dialog >> button[value=yes]")
    chromium.page.click("[data-el=resume-go]")  # the same person, the same work, no code asked for
    chromium.page.wait_for_function("() => document.querySelector('[data-el=n]')?.textContent === '1'")
    hand_over()
    live_server.resume()
    person.wait_for_state("Safe")
    person.go("me")
    chromium.page.wait_for_selector("[data-el=shift]:has-text('0 unsent: safe to hand back')")
    expect(chromium.page.locator("[data-el=brought]")).to_have_text(re.compile(r"1 handover\s· 3 pictures$"))
    expect(chromium.page.locator("[data-el=lost]")).to_be_hidden()

    # The disk gives the old files again, with what was unsent then: nothing goes twice, and nothing is alarming.
    chromium.close()
    mend()
    chromium.open(f"{live_server.url}/app/#/me")
    chromium.page.wait_for_function(
        "() => JSON.parse(localStorage.getItem('baton-stores')).current === 'baton-bucket-1'"
    )
    chromium.page.wait_for_selector("[data-el=shift]:has-text('0 unsent: safe to hand back')")
    person.go("scan/collect")
    hand_over(shop.parcels[2])
    person.wait_for_state("Safe")
    told = [handovers(live_server, code) for code in shop.parcels]
    assert [[(event["seq"], event["marks"]) for event in events] for events in told] == [
        [(1, [])],
        [(2, [])],
        [(3, [])],
    ]
    (phone,) = json.loads(live_server.baton("devices", "--json"))["devices"]
    assert (phone["high_seq"], phone["unsent_blobs"]) == (3, 0)


@pytest.mark.timeout(600)
def test_the_browser_is_asked_to_keep_the_work_without_a_press(
    chromium: Chromium, live_server: Server
) -> None:
    shop = seed(live_server)
    chromium.open()
    chromium.page.add_init_script(COUNT_ASKED)
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    assert person.page.evaluate("window.asked") == 1
    person.page.evaluate("dispatchEvent(new Event('appinstalled'))")
    assert person.page.evaluate("window.asked") == 2


def count(server: Server, code: str) -> int:
    """How many events the server has of a parcel."""
    told = json.loads(server.baton("show", code, "--json"))["events"]
    return len([event for event in told if event["kind"] != "check"])
