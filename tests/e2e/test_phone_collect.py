"""Collect by camera in Chromium with no network and crashes in between: sealed, and safe in the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.screens import Person, Shop, seed, shown
from tests.support.browser import Chromium
from tests.support.camera import Shot, hurried
from tests.support.server import Server
from tests.unit.phones import new_codes

STRANGER = new_codes(1, 99)[0]
OTHERS = {
    "cancelled": (2, {"status": "cancelled"}),
    "foreign": (3, {"status": "ready", "carrier": "nv", "tracking_number": "NV12345678"}),
    "barred": (4, {"status": "ready", "carrier": "jnt", "tracking_number": "JX8800000007", "fragile": True}),
}


def shop_of(server: Server) -> Shop:
    """Three tags and a label with a barcode on the run, one parcel of it cancelled; another carrier's beside it."""
    return seed(server, parcels=3, others=OTHERS, listed=["cancelled", "barred"], carrier="jnt")


def answer_sheets(person: Person, wanted: set[str], within: float = 60) -> None:
    """Answer each question of the scanner as a careful person would, until all that is `wanted` was asked."""
    page = person.page
    asked: set[str] = set()
    for _ in range(int(within * 10)):
        if page.locator("dialog.block").count():
            title = page.inner_text("dialog.block h2")
            asked.add(title)
            if title == "Unknown parcel":
                page.click("dialog [data-el=keep]")
            else:
                if title == "Cancelled":  # only a fact may be kept: it is gone already
                    expect(page.locator("dialog [data-el=keep]")).to_have_text(
                        "It has been handed over already"
                    )
                page.click("dialog [data-el=leave]")
        if wanted <= asked and person.scanned() == 4:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"asked {asked}, scanned {person.scanned()}")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["told that it is offline", "the server is dead"])
def test_a_run_is_collected_without_a_network_and_is_safe_in_the_end(
    way: str, live_server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    shop = shop_of(live_server)
    others = shop.others
    shots = hurried([*shop.parcels, others["cancelled"], others["foreign"], STRANGER])
    shots.append(Shot("JX8800000007", angle=3, kind="code128", seconds=2, seed=77))
    video = camera(shots)
    browser.open(live_server.url, camera=video)
    person = Person(browser, live_server.url)
    person.enrol(shop.code)
    if way == "the server is dead":
        live_server.kill()
    else:
        browser.offline()
    person.page.reload()
    person.page.click("text=A run of the tests")
    answer_sheets(person, {"Unknown parcel", "Cancelled", "Another carrier’s"})
    expect(person.page.locator("[data-el=of]")).to_have_text("of 4 + 1")
    person.to_photos()
    person.photograph(2)
    person.page.reload()  # a crash between the steps
    person.page.wait_for_selector(".thumb >> nth=1")
    person.to_signature()
    person.sign()
    person.page.reload()
    person.page.wait_for_selector("canvas")
    expect(person.page.locator("#sign-name")).to_have_value("Dewi Lestari")
    expect(person.page.locator("#pad-state")).to_have_text("signed")
    person.seal()
    expect(person.page.locator("#title")).to_have_text("Sealed")
    expect(person.page.locator("#unsent")).to_contain_text("1 unsent")
    browser.kill()
    if way == "the server is dead":
        live_server.start()
    browser.open(f"{live_server.url}/app/#/outbox", camera=video)
    person.wait_for_state("Safe")
    check_proof(live_server, shop, others["barred"])


def check_proof(server: Server, shop: Shop, barred: str) -> None:
    """One event each, with who signed and every picture byte for byte."""
    for code in [*shop.parcels, barred, STRANGER]:
        told = shown(server, code)
        assert [event["kind"] for event in told["events"] if event["kind"] != "check"] == ["collect"]
        assert told["status"] == "handed_over" or code == STRANGER
    told = shown(server, barred)
    roles = sorted(blob["role"] for blob in told["blobs"])
    assert roles.count("photo") == 2
    assert roles.count("signature") == 1
    assert all(blob["held"] for blob in told["blobs"])
    files = [path for path in (server.data / "blobs").rglob("*") if path.is_file()]
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert {blob["sha256"] for blob in told["blobs"]} <= digests
    for path in files:
        assert b"Exif" not in path.read_bytes()[:4096], "a photo says nothing but what it shows"


@pytest.mark.timeout(600)
def test_another_carriers_parcel_is_taken_only_with_a_reason(live_server: Server, browser: Chromium) -> None:
    shop = shop_of(live_server)
    browser.open(live_server.url)
    person = Person(browser, live_server.url)
    person.enrol(shop.code)
    person.page.click("text=A run of the tests")
    page = person.page
    person.type_code(shop.others["foreign"])
    page.click("dialog [data-el=keep]")
    page.click("dialog [data-el=keep]")
    expect(page.locator("dialog >> text=Choose a reason first").first).to_be_visible()
    page.get_by_label("The label was replaced").check(force=True)
    page.click("dialog [data-el=keep]")
    page.wait_for_selector("dialog", state="detached")
    expect(page.locator("[data-el=of]")).to_have_text("of 4 + 1")
    page.click("[data-el=list]")
    expect(page.locator("dialog [data-el=scanned]")).to_contain_text("another carrier’s")
    page.keyboard.press("Escape")
    page.click("[data-el=undo]")
    expect(page.locator("[data-el=of]")).to_have_text("of 4")
    expect(page.locator("[data-el=next]").first).to_be_disabled()
