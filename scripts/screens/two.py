"""Two people on one phone far from any network: who has what unsent, and the file that brings it to the office."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page

from scripts.screens.phone import SHARP, THEMES, sign
from scripts.screens.scene import film
from scripts.screens.studio import Studio
from tests.e2e.screens import Person
from tests.support.browser import Chromium
from tests.support.server import Server

SECOND = "Demo driver"
CODES = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const [{ parcels }] = phone.runs();
  phone.close();
  return parcels;
}"""


class SharedPhone:
    """The courier's phone of that day, in the evening."""

    def __init__(self, browser: Chromium, server: Server, folder: Path, studio: Studio) -> None:
        self.browser = browser
        self.server = server
        self.folder = folder
        self.studio = studio
        self.person = Person(browser, server.url)

    def work(self) -> Path:
        """The driver delivers on the courier's phone, the courier collects; gives the file that holds both."""
        self._open()
        self._add(SECOND)
        self._work_away(2, "Demo Recipient")
        self._switch("Demo courier")
        self._work_away(1, "Demo Seller")
        self._show_people()
        return self._rescue()

    def come_home(self) -> None:
        """The network is back: everything goes to the office, whoever is signed in."""
        self.browser.offline(False)
        self.person.go("people")
        self.person.page.wait_for_function(
            """() => {
              const told = [...document.querySelectorAll(".person [data-el=unsent]")];
              return told.length > 0 && told.every((e) => e.textContent === "0 unsent");
            }""",
            timeout=60_000,
        )
        self.browser.close()

    def _open(self, code: str | None = None) -> None:
        """The phone again; with this parcel before its camera it has no network."""
        camera = film(self.folder / f"evening-{code}.mjpeg", [code]) if code else None
        self.browser.open(camera=camera, **SHARP)
        self.browser.offline(camera is not None)
        self._page.goto(f"{self.server.url}/app/")
        self._page.wait_for_selector("[data-el=runs] .run")

    @property
    def _page(self) -> Page:
        return self.person.page

    def _add(self, name: str) -> None:
        code = json.loads(self.server.baton("enrol", "--user", name, "--json"))["code"]
        self._page.click("#who")
        self.person.press("Add a person")
        self._page.fill("#enrol-code", code)
        self.person.press("Connect")
        self._page.wait_for_selector(f"#who:has-text('{name}')")
        self._page.wait_for_selector("[data-el=runs] .run")

    def _switch(self, name: str) -> None:
        self.person.go("people")
        self._page.click(f".person-choose:has-text('{name}')")
        self._page.wait_for_selector("[data-el=runs] .run")

    def _work_away(self, parcels: int, name: str) -> None:
        """Hand over the last parcels of this person's run, one by the camera and the others typed."""
        codes = self._page.evaluate(CODES)[-parcels:]
        self.browser.close()
        self._open(codes[0])
        page = self._page
        page.locator(".run").first.click()
        for number, code in enumerate(codes, 1):
            if number > 1:
                self.person.type_code(code)
            page.wait_for_function(
                "(n) => document.querySelector('[data-el=n]')?.textContent === String(n)",
                arg=number,
                timeout=60_000,
            )
        self.person.to_photos()
        self.person.photograph()
        self.person.to_signature()
        sign(self.person, name)
        self.person.seal()
        self.person.go("")
        page.wait_for_selector(".run")

    def _show_people(self) -> None:
        self._page.click("#who")
        self._page.wait_for_selector(".person >> nth=1")
        self.studio.shoot(self._page, "phone-people", THEMES)

    def _rescue(self) -> Path:
        page = self._page
        self.person.go("rescue")
        page.wait_for_selector("[data-el=people] .choice >> nth=2")
        self.studio.shoot(page, "phone-rescue", THEMES)
        page.click("[data-el=write]")
        with page.expect_download() as caught:
            page.click("[data-el=save]")
        path = self.folder / caught.value.suggested_filename
        caught.value.save_as(path)
        page.wait_for_selector("text=Saved among this phone’s downloads")
        self.studio.shoot(page, "phone-rescue-file", THEMES)
        return path
