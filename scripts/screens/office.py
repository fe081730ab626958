"""The office of the same day: looks at the proof, asks for a retake, imports a file, and shows every page."""

from __future__ import annotations

import csv
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page

from scripts.screens.studio import Studio
from tests.support.browser import Chromium
from tests.support.server import Server
from webapp.services.demo.export import write_export
from webapp.services.demo.load import ADMIN_EMAIL

WIDE = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False, "locale": "en-GB"}
NARROW = {"device_scale_factor": 2, "locale": "en-GB"}
PLAIN = {
    "board": "",
    "parcels": "parcels",
    "orders": "orders",
    "review": "review",
    "runs": "runs",
    "run-new": "runs/new",
    "prepare": "prepare",
    "prepare-proposals": "prepare/proposals",
    "packing": "packing",
    "cases": "cases",
    "case-new": "cases/new",
    "import": "import",
    "tags": "tags",
    "phones": "phones",
    "notices": "notices",
    "notice-settings": "notices/settings",
    "people": "people",
    "places": "places",
    "carriers": "carriers",
    "carrier": "carriers/new?like=spx",
    "carrier-feed": "carriers/demo-express/feed",
    "shipped": "shipped",
    "stock": "stock",
    "deadlines": "deadlines",
    "exceptions": "exceptions",
    "rules": "rules",
    "rule": "rules/deemed_cancelled",
    "stamps": "stamps",
    "privacy": "privacy",
    "error": "nothing-here",
}
TROUBLES = {
    "quarantine": "quarantine",
    "rescue": "rescue",
    "phones-unsent": "phones/unsent",
}
LABEL = """Demo Recipient
12 Demo Street, Demo City
Add us on WhatsApp: +60 00-0000 000
www.demo-shop.example for 20 % off
Standard shipping 1.2 kg"""
WITH_PHOTOS = {"parcel", "review", "quarantine-item"}


class Office:
    """One desk. `pages` are the addresses below /office/ of what the day has made, by the picture's name.

    `troubles` are those of what went wrong in the evening.
    """

    def __init__(self, server: Server, password: str, studio: Studio) -> None:
        self.server = server
        self.password = password
        self.studio = studio
        self.pages = dict(PLAIN)
        self.troubles = dict(TROUBLES)

    def at(self, path: str) -> str:
        """The address of a page."""
        return f"{self.server.url}/office/{path}"

    def open(self, browser: Chromium, width: str) -> Page:
        """Sign in, with a picture of the door."""
        page = browser.open(self.at(""), **(WIDE if width == "wide" else NARROW))
        self.studio.shoot(page, f"office-sign-in-{width}")
        page.fill("input[name=email]", ADMIN_EMAIL)
        page.fill("input[name=password]", self.password)
        page.click("button[type=submit]")
        page.wait_for_selector("h1:has-text('Board')")
        return page

    def ask_for_a_retake(self, page: Page) -> None:
        """Look at the first handover on the review desk and ask for a better photo of it."""
        page.goto(self.at("review"))
        page.wait_for_load_state("networkidle")
        self.pages["parcel"] = _below(page.locator("#desk a[href^='/office/parcels/']").last)
        self.studio.shoot(page, "office-review-wide", photos=True)
        page.click("details[data-key=t] > summary")
        page.locator("#f-retake-reason").select_option(index=1)
        page.fill(
            "#f-retake-note", "The tag of the second parcel is in the shade. Please hold it to the light."
        )
        page.locator("details[open] button[type=submit]").click()
        page.wait_for_load_state("networkidle")

    def prepare(self, page: Page) -> None:
        """Make what the pictures need: a file with bad rows, an enrolment code; find an order and a run."""
        page.goto(self.at("import"))
        with tempfile.TemporaryDirectory() as folder:
            page.set_input_files("#f-file", _export(Path(folder)))
            page.click("text=Look at it")
            page.wait_for_selector("button:has-text('Discard')", timeout=60_000)
        self.pages["import-preview"] = _path(page)
        for name, listing, link in (
            ("order", self.pages["parcel"], "main a[href^='/office/orders/']"),
            ("run", "runs", "main td a[href^='/office/runs/'], main th a[href^='/office/runs/']"),
        ):
            page.goto(self.at(listing))
            page.wait_for_load_state("networkidle")
            self.pages[name] = _below(page.locator(link).first)
        self._open_a_case(page)
        self._check_a_label(page)

    def _open_a_case(self, page: Page) -> None:
        """Damage on the way, with a proof attached to it."""
        page.goto(self.at("cases/new"))
        page.locator("#f-kind").select_option("damage")
        page.fill("#f-title", "the parcel was damaged on its way")
        page.fill("#f-words", "The buyer's photo shows a torn lid; ours of the handover shows it whole.")
        page.fill("#f-parcels", self.pages["parcel"].rpartition("/")[2])
        page.click("button:has-text('Open the case')")
        page.wait_for_selector("h1:has-text('damaged')")
        self.pages["case"] = _path(page)
        page.click("summary:has-text('Write a letter')")
        page.click("button:has-text('Keep the letter')")
        page.wait_for_selector("text=As a PDF")

    def _check_a_label(self, page: Page) -> None:
        """A label's text with what must not be on it."""
        page.goto(self.at(f"{self.pages['parcel']}/label"))
        page.locator("textarea[name=text]").fill(LABEL)
        page.locator("form:has(textarea[name=text]) button[type=submit]").click()
        page.wait_for_url("**/office/labels/**")
        self.pages["label"] = _path(page)

    def read_in(self, page: Page, file: Path) -> None:
        """Read a phone's rescue file in."""
        page.goto(self.at("rescue"))
        page.set_input_files("#f-file", file)
        page.click("button:has-text('Read it in')")
        page.wait_for_selector("#h-events")
        self.troubles["rescue-file"] = _path(page)

    def settle_one(self, page: Page) -> None:
        """Take in one of the records that a signed-out phone sent, and find the other to show."""
        page.goto(self.at("quarantine?reason=device_revoked"))
        held = page.locator("th a[href^='/office/quarantine/']")
        self.troubles["quarantine-item"] = _below(held.first)
        page.goto(self.at(_below(held.last)))
        page.fill("#f-accept", "The seller has the same handover on paper; the photos show both tags.")
        page.click("button:has-text('Take it in')")
        page.wait_for_selector("#h-done")

    def show_all(self, page: Page, width: str) -> None:
        """A picture of every page."""
        page.goto(self.at("phones/enrol"))
        page.locator("select[name=user_id]").select_option(index=2)
        page.click("button:has-text('Show the code')")
        page.wait_for_selector(".enrol-qr")
        self.pages["enrol-qr"] = _path(page)  # shown only in the browser that made it
        for name, path in self.pages.items():
            if name == "review" and width == "wide":
                continue  # it was taken while the proof still waited
            self._show(page, name, path, width)

    def show_troubles(self, page: Page, width: str) -> None:
        """A picture of every page of what went wrong."""
        for name, path in self.troubles.items():
            self._show(page, name, path, width)

    def _show(self, page: Page, name: str, path: str, width: str) -> None:
        page.goto(self.at(path))
        page.wait_for_load_state("networkidle")
        self.studio.shoot(page, f"office-{name}-{width}", photos=name in WITH_PHOTOS)


def _below(link: Locator) -> str:
    """Where a link leads, below /office/."""
    return str(link.get_attribute("href")).removeprefix("/office/").partition("?")[0]


def _path(page: Page) -> str:
    return urlsplit(page.url).path.removeprefix("/office/")


def _export(folder: Path) -> Path:
    """The demo's export of another day: some orders are new, one row has a spoiled number, one a broken time."""
    path = folder / "Orders of the evening (demo).csv"
    write_export(path, datetime.now(UTC), UTC)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows[-14:]):
        row["Order ID"] = f"9990000000900000{number:02d}\t"
        row["Tracking ID"] = row["Package ID"] = ""
    rows[6]["Order ID"] = "5.76E+17"
    rows[9]["Created Time"] = "yesterday"
    rows[12]["Quantity"] = "a few"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return path
