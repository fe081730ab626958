"""Packing and returning in Chromium, with no network from the first scan to the seal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.screens import Person, seed, shown
from tests.support.browser import Chromium
from tests.support.camera import Shot
from tests.support.quality import axe
from tests.support.server import Server

OTHERS = {
    "vases": (771, {"status": "confirmed", "fragile": True, "items": 3}),
    "battery": (772, {"status": "confirmed", "dangerous": True}),
    "back": (773, {"status": "in_transit"}),
}


@pytest.fixture
def person(browser: Chromium, live_server: Server, camera: Callable[..., Path]) -> Person:
    """Somebody with a phone whose camera sees a table without any tag."""
    shots = [Shot(None, seconds=0.2, seed=number) for number in range(1, 40)]
    browser.open(live_server.url, camera=camera(shots))
    return Person(browser, live_server.url)


def picture(person: Person, name: str) -> None:
    """Keep the screen for whoever wants to look: `BATON_LOOK=folder pytest …` is read by nothing else."""
    if folder := os.environ.get("LOOK"):
        person.page.wait_for_timeout(400)
        person.page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.timeout(600)
def test_a_parcel_is_packed_offline_with_its_checklist_its_count_and_a_photo(
    person: Person, live_server: Server
) -> None:
    shop = seed(live_server, others=OTHERS)
    person.enrol(shop.code)
    page = person.page
    person.browser.offline()
    person.press("Pack")
    person.type_code(shop.others["battery"])
    page.wait_for_selector("dialog >> text=call the office")
    picture(person, "dangerous")
    expect(
        page.locator("dialog.block button:visible"), "there is no way on here: that is the office's"
    ).to_have_count(1)
    person.press("Put it aside")
    person.type_code(shop.others["vases"])
    expect(page.locator(".verdict-flag:has-text('Fragile')")).to_be_visible()
    picture(person, "scan-fragile")
    person.press("Check and count")
    page.wait_for_selector(".counter")
    picture(person, "check-empty")
    page.click("[data-el=next]")
    page.wait_for_selector("text=Count what is inside")
    page.click("[data-el=more]")
    page.click("[data-el=more]")
    expect(page.locator("text=3 were ordered.").first).to_be_visible()
    page.get_by_text("Packed in several layers").click()
    picture(person, "check-short")
    assert axe(page) == []
    page.reload()
    page.wait_for_selector(".counter")
    expect(page.locator(".counter-n"), "what was counted survives").to_have_text("2 of 3")
    expect(page.get_by_label("Packed in several layers")).to_be_checked()
    page.click("[data-el=next]")
    page.wait_for_selector("dialog >> text=with another count than ordered")
    picture(person, "check-asked")
    person.press("Go on all the same")
    person.photograph()
    page.click("[data-el=next]")
    page.wait_for_selector(".done-mark")
    person.browser.offline(False)
    person.wait_for_state("Safe")
    told = shown(live_server, shop.others["vases"])
    assert told["status"] == "packed"
    anomalies = {anomaly["code"] for anomaly in told["anomalies"]}
    # A film of a camera may look like another film of it: the checks of photos have tests of their own.
    assert anomalies - {"skipped_confirm", "photo_poor", "photo_reused"} == {
        "count_mismatch",
        "pack_unchecked",
    }
    assert shown(live_server, shop.others["battery"])["status"] == "confirmed"


@pytest.mark.timeout(600)
def test_a_return_is_begun_and_ended_with_the_proof_of_a_handover(
    person: Person, live_server: Server
) -> None:
    shop = seed(live_server, others=OTHERS)
    code = shop.others["back"]
    person.enrol(shop.code)
    page = person.page
    person.browser.offline()
    for stage, reason in (
        ("I pick it up", "Could not be delivered"),
        ("I hand it to the seller", ""),
    ):
        person.press("Return")
        picture(person, "return-asked")
        person.press(stage)
        person.type_code(code)
        person.to_photos()
        person.photograph()
        expect(page.locator("[data-el=next]")).to_be_enabled(enabled=not reason)
        if reason:
            page.select_option("[data-el=reason]", label=reason)
            picture(person, "return-photo")
        person.to_signature()
        picture(person, "return-sign")
        person.sign()
        person.seal()
        person.go("")
        page.wait_for_selector("[data-el=runs] .run")
    person.browser.offline(False)
    person.go("outbox")
    page.wait_for_function("() => document.querySelectorAll('[data-el=state]').length === 2")
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-el=state]')].every((e) => e.textContent === 'Safe')"
    )
    told = shown(live_server, code)
    assert told["status"] == "returned"
    assert [event["kind"] for event in told["events"] if event["kind"] != "check"] == ["return", "return"]
    assert [blob["role"] for blob in told["blobs"]].count("signature") == 2
    assert "incomplete" not in {anomaly["code"] for anomaly in told["anomalies"]}
