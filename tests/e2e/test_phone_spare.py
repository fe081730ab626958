"""A phone whose browser throws its database away: killed in mid-write, Chromium takes what it wrote for damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.chaos.test_browser_killed import ENROL
from tests.e2e.screens import Person, seed, shown
from tests.e2e.test_phone_worker import SEAL
from tests.support.browser import Chromium
from tests.support.server import Server
from tests.support.tagged import tagged

ENOUGH_BYTES = 20_000
# Some of the log, and no more than what stood there.
FILL = """async () => {
  const { Store } = await import("/static/js/storage/store.js");
  const { setMeta } = await import("/static/js/storage/meta.js");
  const store = new Store();
  await store.open();
  await setMeta(store, "", "heartbeat", "x".repeat(7_000));
  store.close();
}"""
# What the browser's own store has, past Baton.
STANDS = """() => new Promise((done, failed) => {
  const request = indexedDB.open("baton");
  request.onerror = () => failed(request.error);
  request.onsuccess = () => {
    const counted = request.result.transaction("events").objectStore("events").count();
    counted.onsuccess = () => {
      request.result.close();
      done(counted.result);
    };
  };
})"""
KEPT_TWO = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const draft = await phone.loadDraft();
  phone.close();
  return draft?.scans.length === 2;
}"""


@pytest.fixture
def chromium(playwright: Playwright, tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(playwright, tmp_path / "profile")
    yield browser
    browser.close()


def handovers(server: Server, code: str) -> list[dict[str, Any]]:
    """What phones told of a parcel."""
    return [event for event in shown(server, code)["events"] if event["kind"] != "check"]


@pytest.mark.timeout(600)
def test_a_store_the_browser_threw_away_comes_back_with_all_that_was_not_sent(
    chromium: Chromium, live_server: Server, tmp_path: Path
) -> None:
    shop = seed(live_server, parcels=4)
    picture = tmp_path / "parcels.jpg"
    picture.write_bytes(tagged(*shop.parcels[:2]))
    chromium.open()
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    live_server.pause()
    person.go("scan/collect")
    person.type_code(shop.parcels[0])
    person.type_code(shop.parcels[1])
    person.to_photos()
    person.choose_file(picture)
    person.to_signature()
    person.sign()
    person.seal()
    person.go("scan/collect")
    person.type_code(shop.parcels[2])
    person.wait_until_kept("scans")

    chromium.kill()
    chromium.tear()
    chromium.open(f"{live_server.url}/app/")  # goes on behind the torn record
    chromium.page.click("[data-el=resume-go]")
    assert not chromium.is_store_new()
    person.type_code(shop.parcels[3])
    chromium.page.wait_for_function(KEPT_TWO)
    chromium.kill()
    chromium.open(f"{live_server.url}/app/")  # and now takes it for damage
    chromium.page.wait_for_selector("[data-el=resume]:visible")
    assert chromium.is_store_new(), "nothing was thrown away: this trial tries nothing"
    chromium.page.click("nav [data-tab=me]")
    expect(chromium.page.locator("[data-el=brought]")).to_have_text(re.compile(r"1 handover\s· 4 pictures$"))
    expect(chromium.page.locator("[data-el=signed]")).to_contain_text("signed", ignore_case=True)

    chromium.page.click("nav [data-tab=home]")
    chromium.page.click("[data-el=resume-go]")
    chromium.page.wait_for_function("() => document.querySelector('[data-el=n]')?.textContent === '2'")
    person.to_photos()
    person.choose_file(picture)
    person.to_signature()
    person.sign()
    person.seal()
    live_server.resume()
    person.wait_for_state("Safe")
    person.go("me")
    chromium.page.wait_for_selector("[data-el=shift]:has-text('0 unsent: safe to hand back')")
    told = [handovers(live_server, code) for code in shop.parcels]
    # The same phone, the same key, one chain: nothing is marked as unsigned, as a gap or as a fork.
    assert [[(event["seq"], event["marks"]) for event in events] for events in told] == [
        [(1, [])],
        [(1, [])],
        [(2, [])],
        [(2, [])],
    ]
    (phone,) = json.loads(live_server.baton("devices", "--json"))["devices"]
    assert (phone["high_seq"], phone["unsent_blobs"]) == (2, 0)


@pytest.mark.timeout(600)
def test_a_store_that_silently_went_back_is_made_again_what_it_was(
    chromium: Chromium, live_server: Server
) -> None:
    shop = seed(live_server, parcels=3)
    office = (
        f"{live_server.url}/office/sign-in"  # of the phone's origin, but no page of the app: nothing is sent
    )

    def start() -> Page:
        return chromium.open(office, service_workers="block")

    page = start()
    page.evaluate(ENROL, shop.code)
    page.evaluate(SEAL, [shop.parcels[0]])
    chromium.kill()
    while chromium.left_in_block() < ENOUGH_BYTES:
        start().evaluate(FILL)
        chromium.kill()
    chromium.tear_behind_head()
    page = start()
    page.evaluate(SEAL, [shop.parcels[1]])
    assert page.evaluate(STANDS) == 2
    chromium.kill()
    page = start()
    assert page.evaluate(STANDS) == 1, "the store did not go back: this trial tries nothing"

    page.evaluate(SEAL, [shop.parcels[2]])
    page.goto(f"{live_server.url}/app/#/me")
    page.wait_for_selector("[data-el=shift]:has-text('0 unsent: safe to hand back')")
    expect(page.locator("[data-el=brought]")).to_have_text(re.compile("2 handovers$"))
    told = [[(it["seq"], it["marks"]) for it in handovers(live_server, code)] for code in shop.parcels]
    # An attempt without a photo is incomplete; no number is there twice, and none is missing.
    assert told == [[(1, ["incomplete"])], [(2, ["incomplete"])], [(3, ["incomplete"])]]
