"""Tasks in Chromium: what the office asks for again, and both answers to it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screens import Person, Shop, ask_for_retake, seed, shown, to_pad
from tests.support.server import Server


@pytest.fixture
def asked(person: Person, server: Server) -> Shop:
    """One handover is home, and the office wants a better photo of it: the phone is on Tasks."""
    shop = seed(server)
    to_pad(person, shop.code, shop.parcels[0])
    person.sign()
    person.seal()
    person.wait_for_state("Safe")
    [collect] = told(server, shop)
    ask_for_retake(server, shop.org, collect["id"])
    person.go("outbox")
    person.page.click("[data-el=send]")
    person.page.wait_for_selector("#tasks-count:visible")
    person.go("tasks")
    person.page.wait_for_selector("text=The tag cannot be read")
    person.page.wait_for_selector(".task-picture:visible")
    return shop


def told(server: Server, shop: Shop) -> list[dict[str, Any]]:
    """What the server has of the parcel, but for its own checks."""
    events = shown(server, shop.parcels[0])["events"]
    return [event for event in events if event["kind"] != "check"]


def take_photo(person: Person) -> None:
    person.page.click("text=Take the photo again")
    person.photograph()


@pytest.mark.timeout(600)
def test_a_photo_the_office_could_not_use_is_taken_again(person: Person, server: Server, asked: Shop) -> None:
    take_photo(person)
    person.page.click("[data-el=next]")
    person.page.wait_for_selector(".done-mark")
    person.wait_for_state("Safe")
    assert [event["kind"] for event in told(server, asked)] == ["collect", "review", "report"]
    assert not shown(server, asked.parcels[0])["flags"]["damaged_reported"]
    person.go("tasks")
    person.page.wait_for_selector("text=Nothing asked of you")


@pytest.mark.timeout(600)
def test_a_parcel_that_is_gone_is_an_answer_that_waits_for_the_network_and_can_be_taken_back(
    person: Person, server: Server, asked: Shop
) -> None:
    page = person.page
    take_photo(person)
    person.go("tasks")
    person.browser.offline(True)
    tell_gone(page, "What you took for it here is thrown away.")
    expect(page.get_by_text("Answered; waiting for the office.")).to_be_visible()
    expect(page.get_by_role("button", name="The parcel is gone")).to_be_hidden()
    page.click("nav [data-tab=home]")
    page.wait_for_selector("[data-el=runs] .run")
    expect(page.locator("[data-el=resume]"), "the photo begun for it").to_be_hidden()

    page.click("nav [data-tab=outbox]")
    page.click(".item:has-text('No new photo')")
    person.press("Withdraw")
    page.click("dialog button:has-text('Scanned by mistake')")
    page.wait_for_selector(".toast:has-text('Withdrawn')")
    person.browser.offline(False)
    expect(page.locator("#unsent-text")).to_have_text("0 unsent")
    person.go("tasks")  # both came home in one batch, and the task is open as it was
    expect(page.get_by_text("Answered; waiting for the office.")).to_be_hidden()
    tell_gone(page)
    page.wait_for_selector("text=Nothing asked of you")
    assert [(event["kind"], event["marks"]) for event in told(server, asked)][2:] == [
        ("report", []),
        ("void", []),
        ("report", []),
    ]


def tell_gone(page: Page, also: str = "goes on with the photo it has") -> None:
    page.get_by_role("button", name="The parcel is gone").click()
    expect(page.locator("dialog")).to_contain_text(also)
    page.get_by_role("button", name="Tell the office").click()
