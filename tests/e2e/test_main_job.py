"""The main job on real input, from the export to the proof in the office, through dead networks and dead batteries."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screens import Person
from tests.support.browser import Chromium
from tests.support.camera import hurried
from tests.support.server import Server
from tests.unit.phones import new_codes

READY = 6
EMAIL, PASSWORD = "office@shop.test", "a password of the tests"


def write_export(path: Path) -> Path:
    """Six orders that wait for their collection and one that the buyer cancelled, as Seller Center writes them."""
    # Of a day whose number tells the order of day and month, and not so old that the clock has a say.
    placed = max(day for back in range(1, 32) if (day := datetime.now(UTC) - timedelta(days=back)).day > 12)
    now = datetime.now(UTC).strftime("%d/%m/%Y %H:%M:%S")
    heading = (
        "Order ID",
        "Order Status",
        "Order Substatus",
        "SKU ID",
        "Product Name",
        "Quantity",
        "Created Time",
    )
    heading += (
        "RTS Time",
        "Cancelled Time",
        "Tracking ID",
        "Shipping Provider Name",
        "Package ID",
        "Recipient",
    )
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, heading)
        out.writeheader()
        out.writerow({name: f"About {name}" for name in heading})
        for number in range(READY + 1):
            is_cancelled = number == READY
            out.writerow(
                {
                    "Order ID": f"57646075230342391{number}\t",
                    "Order Status": "Canceled" if is_cancelled else "To ship",
                    "Order Substatus": "Canceled" if is_cancelled else "Awaiting collection",
                    "SKU ID": f"17293844567890123{number}",
                    "Product Name": "A thing of the tests",
                    "Quantity": "1",
                    "Created Time": f"{placed:%d/%m/%Y} 08:00:00",
                    "RTS Time": "" if is_cancelled else f"{placed:%d/%m/%Y} 09:00:00",
                    "Cancelled Time": now if is_cancelled else "",
                    "Tracking ID": f"TT00000000{number}",
                    "Shipping Provider Name": "Test Express",
                    "Package ID": f"11593844567890123{number}",
                    "Recipient": "A recipient of the tests",
                }
            )
    return path


class Shop:
    """The installation, its people and its parcels, told by `baton` itself."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.told(
            "user",
            "add",
            "--name",
            "Test office",
            "--role",
            "admin",
            "--email",
            EMAIL,
            "--password",
            PASSWORD,
        )
        self.courier = self.told("user", "add", "--name", "Test courier", "--role", "courier")["id"]
        imported = self.told("import", str(write_export(folder / "export.csv")))
        assert (imported["orders"], imported["rejected"]) == (READY + 1, [])
        self.ready = [p["code"] for p in self.told("parcels", "--status", "ready")["parcels"]]
        (self.cancelled,) = [p["code"] for p in self.told("parcels", "--status", "cancelled")["parcels"]]
        assert len(self.ready) == READY
        (self.unknown,) = new_codes(1, seed=77)

    def told(self, *arguments: str) -> Any:
        return json.loads(self.server.baton(*arguments, "--json"))

    def enrolment(self) -> str:
        code: str = self.told("enrol", "--user", self.courier)["code"]
        return code


def sign_in(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/office/sign-in")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Board")


def make_todays_runs(page: Page, server: Server, courier: str) -> None:
    """One press in the office: everything that is ready becomes today's runs."""
    page.goto(f"{server.url}/office/runs")
    form = page.locator("form[action='/office/runs/today']").first
    person = form.locator("select[name=user_id]")
    if person.count():
        person.select_option(courier)
    form.locator("button[type=submit]").click()
    expect(page.locator("body")).to_contain_text("Test courier")


@pytest.fixture
def shop(live_server: Server, tmp_path: Path) -> Shop:
    return Shop(live_server, tmp_path)


@pytest.fixture
def office(shop: Shop, make_browser: Callable[[], Chromium]) -> Page:
    page = make_browser().open(viewport={"width": 1280, "height": 800}, is_mobile=False, has_touch=False)
    sign_in(page, shop.server)
    make_todays_runs(page, shop.server, shop.courier)
    return page


def leave_out(person: Person, wanted: set[str], within: float = 120) -> None:
    """Scan until all that is ready is in, and put aside what the phone says to put aside."""
    page, asked = person.page, set()
    end = time.monotonic() + within
    while person.scanned() < READY or not wanted <= asked or page.locator("dialog.block").count():
        assert time.monotonic() < end, f"scanned {person.scanned()}, asked {asked}"
        if page.locator("dialog.block").count():
            asked.add(page.inner_text("dialog.block h2"))
            page.click("dialog [data-el=leave]")
        page.wait_for_timeout(100)


def cut_by_airplane_mode(browser: Chromium, server: Server) -> None:
    browser.offline()


def cut_by_a_dead_server(browser: Chromium, server: Server) -> None:
    server.kill()  # the browser goes on believing that it is online


@pytest.mark.timeout(600)
@pytest.mark.parametrize("cut", [cut_by_airplane_mode, cut_by_a_dead_server])
def test_a_handover_made_without_a_network_survives_everything_and_is_seen_by_the_office(
    shop: Shop,
    office: Page,
    browser: Chromium,
    camera: Callable[..., Path],
    cut: Callable[[Chromium, Server], None],
) -> None:
    server = shop.server
    video = camera(hurried([*shop.ready, shop.unknown, shop.cancelled], seconds=0.7))
    browser.open(camera=video)
    person = Person(browser, server.url)
    person.enrol(shop.enrolment())

    cut(browser, server)
    browser.page.reload()  # the shell starts from what the phone keeps
    browser.page.locator(".run").first.click()
    leave_out(person, {"Unknown parcel", "Cancelled"})
    person.to_photos()
    person.photograph(2)
    person.to_signature()
    person.sign("A seller of the tests")
    person.seal()
    number = int(browser.page.inner_text(".done-no [data-el=no]").split("-")[0])

    browser.kill()
    if server.process is None:
        server.start()
    page = browser.open(f"{server.url}/app/#/outbox", camera=video)
    person.wait_for_state("Safe", within=90)

    for code in shop.ready:
        told = shop.told("show", code)
        assert told["status"] == "handed_over"
        handovers = [event for event in told["events"] if event["kind"] == "collect"]
        assert [event["seq"] for event in handovers] == [number]
        assert {blob["role"] for blob in told["blobs"]} >= {"photo", "signature"}
        assert all(blob["held"] for blob in told["blobs"])
        # What the checks say of a film of a camera is not what this is about.
        rest = {a["code"] for a in told["anomalies"] if not a["code"].startswith("photo_")}
        assert rest <= {"skipped_pack", "skipped_confirm"}
    assert shop.told("show", shop.cancelled)["status"] == "cancelled"
    photos = {blob["sha256"] for blob in told["blobs"] if blob["role"] in {"photo", "signature"}}
    assert hashed_by_phone(page, photos) == {digest: digest for digest in photos}
    assert_the_office_sees(office, shop, told["code"], photos)
    assert shop.told("rebuild", "--check")["differing"] == []
    assert [phone["unsent"] for phone in shop.told("devices")["devices"]] == [0]


def hashed_by_phone(page: Page, digests: set[str]) -> dict[str, str]:
    """What the phone still keeps under each digest, hashed anew in the browser."""
    found: dict[str, str] = page.evaluate(
        """async (digests) => {
          const { openPhone } = await import("/static/js/outbox/phone.js");
          const phone = await openPhone({ auto: false });
          const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("");
          const out = {};
          for (const digest of digests) {
            const bytes = await phone.blob(digest);
            out[digest] = bytes && hex(await crypto.subtle.digest("SHA-256", bytes));
          }
          phone.close();
          return out;
        }""",
        sorted(digests),
    )
    return found


def assert_the_office_sees(office: Page, shop: Shop, code: str, photos: set[str]) -> None:
    """Status, signature and photos on the parcel's page, and the photos byte for byte."""
    office.goto(f"{shop.server.url}/office/parcels/{code}")
    expect(office.locator("body")).to_contain_text("Handed over")
    expect(office.locator("body")).to_contain_text("A seller of the tests")
    shown = office.locator("img[src*='/office/photos/']").evaluate_all("found => found.map(i => i.src)")
    digests = {found[1] for src in shown if (found := re.search(r"/photos/([0-9a-f]{64})", src))}
    assert photos <= digests
    for sha256 in photos:
        answer = office.request.get(f"{shop.server.url}/office/photos/{sha256}")
        assert hashlib.sha256(answer.body()).hexdigest() == sha256
