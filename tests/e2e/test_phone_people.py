"""Two people on one phone in Chromium: both seal offline, one signs out, each one's work comes home as theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.e2e.screens import Person, Shop, inside, seed
from tests.support.browser import Chromium
from tests.support.server import Server

SECOND = """
import json, sys
from tests.support.shop import make_run, make_user
from webapp import clock
from webapp.app import create_app
from webapp.services.enrol import make_enrolment
app = create_app()
with app.app_context():
    org, *parcels = sys.argv[1:]
    user = make_user(org, "courier", "Sri Wahyuni")
    make_run(org, user, parcels, "collect")
    print(json.dumps({"user": user, "code": make_enrolment(org, user, None, clock.now(), "http://x").code}))
"""
# The screens of a handover are tried elsewhere; here its owner is what matters.
SEAL = """async (code) => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone();
  const draft = phone.newDraft("attempt", { reason: "nobody_home" });
  draft.scans = [{ code, raw: code, verdict: "known", at: draft.startedAt, typed: false, override: null }];
  await phone.seal(draft);
  const { device } = phone.identity;
  phone.close();
  return device;
}"""


@pytest.fixture
def chromium(playwright: Playwright, tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(playwright, tmp_path / "profile")
    yield browser
    browser.close()


def second_person(server: Server, shop: Shop) -> str:
    """Somebody else of the same shop, with a run of the last parcel; gives their code."""
    made: dict[str, str] = json.loads(inside(server, SECOND, shop.org, shop.parcels[-1]).splitlines()[-1])
    return made["code"]


def add(person: Person, code: str, name: str) -> None:
    """From Home: the name in the header, Add a person, the code typed."""
    person.page.click("#who")
    person.press("Add a person")
    person.page.fill("#enrol-code", code)
    person.press("Connect")
    person.page.wait_for_selector(f"#who:has-text('{name}')")


def switch(person: Person, name: str) -> None:
    """From Home by the header."""
    person.page.click("#who")
    person.page.click(f".person-choose:has-text('{name}')")
    person.page.wait_for_selector(f"#who:has-text('{name}')")


def runs(page: Page) -> list[str]:
    """The parcels done and listed on Home's cards."""
    page.wait_for_selector("[data-el=runs] .run")
    return page.locator("[data-el=runs] [data-el=count]").all_inner_texts()


def told(server: Server, code: str) -> list[tuple[str, str]]:
    """Kind and device of each event the server has of a parcel."""
    shown = json.loads(server.baton("show", code, "--json"))
    return [(event["kind"], event["device"]) for event in shown["events"]]


@pytest.mark.timeout(600)
def test_two_people_on_one_phone_seal_offline_and_each_ones_work_comes_home_as_theirs(
    chromium: Chromium, live_server: Server
) -> None:
    shop = seed(live_server, parcels=4)
    chromium.open()
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    page = person.page
    assert runs(page) == ["0/4"]
    add(person, second_person(live_server, shop), "Sri Wahyuni")
    assert runs(page) == ["0/1"]

    chromium.offline()
    hers = page.evaluate(SEAL, shop.parcels[3])
    page.wait_for_selector("#unsent-text:has-text('1 unsent')")
    person.press("Collect")  # her only run
    person.type_code(shop.parcels[3])
    page.wait_for_function("() => document.querySelector('[data-el=n]')?.textContent === '1'")
    person.wait_until_kept("scans")
    page.goto(f"{live_server.url}/app/#/people")
    page.click(".person-choose:has-text('Budi')")
    page.wait_for_selector(".toast:has-text('kept for Sri Wahyuni')")
    page.wait_for_selector("#who:has-text('Budi')")
    assert runs(page) == ["0/4"]
    expect(page.locator("[data-el=resume]")).to_be_hidden()
    his = page.evaluate(SEAL, shop.parcels[0])
    assert his != hers

    switch(person, "Sri Wahyuni")
    page.wait_for_selector("[data-el=resume]:not([hidden])")
    switch(person, "Budi Santoso")
    page.click("nav [data-tab=me]")
    person.press("Sign out")
    page.wait_for_selector("h1:has-text('People')")
    expect(page.locator("#unsent")).to_be_hidden()
    expect(page.locator(".person")).to_have_count(2)
    page.goto(f"{live_server.url}/app/#/outbox")
    page.wait_for_selector("h1:has-text('People')")

    chromium.offline(False)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.person [data-el=unsent]')].map((e) => e.textContent).sort().join()"
        " === '0 unsent,1 handover unfinished'",
        timeout=30_000,
    )
    assert told(live_server, shop.parcels[0]) == [("attempt", his)]
    assert told(live_server, shop.parcels[3]) == [("attempt", hers)]
    devices = {d["id"]: d for d in json.loads(live_server.baton("devices", "--json"))["devices"]}
    assert [devices[one]["high_seq"] for one in (his, hers)] == [1, 1]
    assert json.loads(live_server.baton("quarantine", "--json"))["quarantine"] == []


@pytest.mark.timeout(600)
def test_connecting_again_says_where_the_unfinished_handover_is(
    chromium: Chromium, live_server: Server
) -> None:
    shop = seed(live_server)
    chromium.open()
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    page = person.page
    page.click("text=A run of the tests")
    person.type_code(shop.parcels[0])
    page.wait_for_function("() => document.querySelector('[data-el=n]').textContent === '1'")
    person.wait_until_kept("scans")
    person.go("enrol")
    page.fill("#enrol-code", shop.spare)
    person.press("Connect")
    page.wait_for_selector(
        ".toast:has-text('The unfinished handover is kept for Budi Santoso. It is under People')"
    )
    expect(page.locator("[data-el=resume]")).to_be_hidden()
    page.click("#who")
    page.click(".person:has-text('1 handover unfinished') >> .person-choose")
    page.wait_for_selector("[data-el=resume]:not([hidden])")


@pytest.mark.timeout(600)
def test_removing_somebody_with_unsent_work_asks_for_its_number_and_leaves_the_other_alone(
    chromium: Chromium, live_server: Server
) -> None:
    shop = seed(live_server, parcels=2)
    chromium.open()
    person = Person(chromium, live_server.url)
    person.enrol(shop.code)
    add(person, second_person(live_server, shop), "Sri Wahyuni")
    chromium.offline()
    page = person.page
    page.evaluate(SEAL, shop.parcels[1])
    switch(person, "Budi")
    page.click("#who")
    page.click("[aria-label='Remove Sri Wahyuni from this phone']")
    go = page.locator("dialog [data-el=go]")
    for words, is_open in (("", False), ("2", False), ("1", True)):
        page.fill("#remove-number", words)
        expect(go).to_be_enabled(enabled=is_open)
    go.click()
    page.wait_for_function("() => document.querySelectorAll('.person').length === 1")
    page.click("[aria-label='Remove Budi Santoso from this phone']")
    page.click("dialog button[value=yes]")
    page.wait_for_selector("h2:has-text('Connect this phone')")
    assert told(live_server, shop.parcels[1]) == []
