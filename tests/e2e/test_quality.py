"""The phone's screens score full marks in Lighthouse, and axe finds nothing on what no other test looks at."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screens import Person, seed
from tests.support.browser import Chromium
from tests.support.camera import Shot
from tests.support.ports import free_port
from tests.support.quality import axe, lighthouse
from tests.support.server import Server
from tests.unit.phones import new_codes
from webapp.services.demo.load import ADMIN_EMAIL
from webapp.services.importing.reading.columns import HEADINGS

FULL = {"accessibility": 100, "best-practices": 100}
WIDE = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False}
PASSWORD = "a password of the tests"


@pytest.mark.timeout(600)
def test_home_scan_and_outbox_score_full_marks(
    browser: Chromium, live_server: Server, camera: Callable[..., Path]
) -> None:
    port = free_port()
    browser.open(live_server.url, camera=camera([Shot(None, seconds=0.4)]), devtools_port=port)
    shop = seed(live_server)
    Person(browser, live_server.url).enrol(shop.code)
    found = {}
    for screen in ("", f"scan/collect?run={shop.run}", "outbox"):
        scores = lighthouse(f"{live_server.url}/app/#/{screen}", port)
        if scores.of != FULL:
            found[screen or "home"] = (scores.of, scores.lost)
    assert found == {}


@pytest.mark.parametrize("theme", ["light", "dark", "outdoor"])
def test_axe_finds_nothing_on_the_sheets_that_stop_somebody(
    theme: str, browser: Chromium, live_server: Server, camera: Callable[..., Path]
) -> None:
    page = browser.open(f"{live_server.url}/app/", camera=camera([Shot(None, seconds=0.4)]))
    page.evaluate("(theme) => localStorage.setItem('baton.theme', theme)", theme)
    shop = seed(live_server, others={"cancelled": (77, {"status": "cancelled"})}, listed=["cancelled"])
    person = Person(browser, live_server.url)
    person.enrol(shop.code)
    found = {}
    page.click("text=A run of the tests")
    for name, code in {"unknown": new_codes(1, seed=77)[0], **shop.others}.items():
        page.click("[data-el=type]")
        page.fill("#type-code", code)
        page.click("dialog >> text=Add")
        page.wait_for_selector("dialog.block")
        found[name] = axe(page)
        page.click("dialog [data-el=leave]")
    person.type_code(shop.parcels[0])
    page.click("[data-el=next]")
    page.wait_for_selector("dialog[open]")
    found["missing"] = axe(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    for screen in ("scan/pack", "scan/report"):
        page.goto(f"{live_server.url}/app/#/{screen}")
        page.wait_for_selector("dialog[open]")
        found[f"another unfinished, {screen}"] = axe(page)
        page.keyboard.press("Escape")
        page.wait_for_selector("[data-el=runs] .run")  # it leads Home, a moment later
    assert {screen: wrong for screen, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_door_an_order_and_an_import(
    scheme: str, make_server: Callable[..., Server], browser: Chromium, tmp_path: Path
) -> None:
    server = make_server(BATON_RATE_LIMITS="0").start("--demo")
    server.baton("user", "password", "--user", "Demo admin", "--password", PASSWORD)
    page = browser.open(f"{server.url}/office/", color_scheme=scheme, **WIDE)
    found = {"sign in": axe(page)}
    sign_in(page, "not the password")
    expect(page.locator(".notice", has_text="password")).to_be_visible()
    found["refused"] = axe(page)
    sign_in(page, PASSWORD)
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    page.goto(f"{server.url}/office/orders")
    page.locator("main a[href^='/office/orders/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order")
    found["order"] = axe(page)
    page.goto(f"{server.url}/office/import")
    page.set_input_files("#f-file", broken_export(tmp_path / "orders.csv"))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("button", name="Discard")).to_be_visible(timeout=30_000)
    found["preview with a bad row"] = axe(page)
    page.goto(f"{server.url}/office/import")
    found["files"] = axe(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def sign_in(page: Page, password: str) -> None:
    page.fill("input[name=email]", ADMIN_EMAIL)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def broken_export(path: Path) -> Path:
    """One good order and one whose number a spreadsheet has spoiled."""
    row = dict.fromkeys(HEADINGS.values(), "")
    row |= {
        "Order ID": "576460752303423919\t",
        "Order Status": "To ship",
        "Order Substatus": "Awaiting collection",
        "SKU ID": "1729384456789012301",
        "Product Name": "A thing of the tests",
        "Quantity": "1",
        "Created Time": "13/01/2026 08:00:00",
        "Package ID": "1159384456789012301",
        "Recipient": "A recipient of the tests",
    }
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, list(row))
        out.writeheader()
        out.writerows([row, row | {"Order ID": "5.76E+17"}])
    return path
