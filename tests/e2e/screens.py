"""Somebody with a phone: seeds a shop for them, and presses what they would press."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser import Chromium
from tests.support.programs import ROOT
from tests.support.server import Server

SEED = """
import json, sys
from tests.support.shop import make_order, make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.app import create_app
from webapp.services.enrol import make_enrolment
from webapp.services.keep_carriers import CarrierFacts, save_carrier
asked = json.loads(sys.argv[1])
app = create_app()
with app.app_context():
    org = make_shop()
    save_carrier(org, "jnt", CarrierFacts("J&T Express", tracking_pattern="JX[0-9]{10}"), is_new=True)
    save_carrier(org, "nv", CarrierFacts("Ninja Van", tracking_pattern="NV[0-9]{8}"), is_new=True)
    user = make_user(org, asked["role"], "Budi Santoso")
    parcels = make_parcels(org, asked["count"], asked["seed"], status=asked["status"], carrier=asked["carrier"])
    others = {name: make_parcels(org, 1, seed, **members)[0] for name, (seed, members) in asked["others"].items()}
    for number, (code, door) in enumerate(zip(parcels, asked["doors"]), start=1):
        make_order(org, str(999000000000000000 + number), [code], recipient=door[0], address=door[1])
    listed = parcels + [others[name] for name in asked["listed"]]
    run = make_run(org, user, listed, asked["kind"], carrier=asked["carrier"])
    codes = [make_enrolment(org, user, None, clock.now(), "http://x").code for _ in range(2)]
    print(json.dumps({"org": org, "user": user, "run": run, "code": codes[0], "spare": codes[1], "parcels": parcels,
                      "others": others}))
"""


RETAKE = """
import sys
from tests.support.desk import make_desk_user
from webapp import clock
from webapp.app import create_app
from webapp.services.review_proof import review_proof
app = create_app()
with app.app_context():
    org, event = sys.argv[1:]
    clerk = make_desk_user(org, "office", "Clerk of the tests")
    review_proof(org, clerk, event, "retake", clock.now(), reason="tag_unreadable")
"""
SEEDS = count(1000)
KEPT = """async (member) => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const draft = await phone.loadDraft();
  phone.close();
  return Boolean(draft?.[member]?.length);
}"""


@dataclass(frozen=True, slots=True)
class Shop:
    """What was seeded: ids, one-time codes, the run's parcels, and `others` by the name they were asked for."""

    org: str
    run: str
    code: str
    spare: str
    parcels: list[str]
    others: dict[str, str]


def seed(server: Server, kind: str = "collect", parcels: int = 4, **asked: Any) -> Shop:
    """A shop with one run of that many parcels. `others` are `{name: (seed, members)}`, `listed` of them on the run;
    `doors` are the recipient and address of each parcel.
    """
    # Codes of its own for each shop: the command line tells of the first parcel that has the code.
    defaults = {
        "role": "courier",
        "seed": next(SEEDS),
        "status": "ready",
        "others": {},
        "listed": [],
        "carrier": None,
        "doors": [],
    }
    given = json.dumps({**defaults, "kind": kind, "count": parcels, **asked})
    made = json.loads(inside(server, SEED, given).splitlines()[-1])
    return Shop(made["org"], made["run"], made["code"], made["spare"], made["parcels"], made["others"])


def ask_for_retake(server: Server, org: str, event: str) -> None:
    """The office turns a proof down and asks for a new photo."""
    inside(server, RETAKE, org, event)


def inside(server: Server, script: str, *arguments: str) -> str:
    """Run a script on the server's installation, beside it; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**server.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Person:
    """One person at one phone's screens; every method ends when the screen shows that it is done."""

    def __init__(self, browser: Chromium, url: str) -> None:
        self.browser = browser
        self.url = url

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.browser.page

    def go(self, route: str) -> None:
        """Go to a screen by its address: `outbox`, `scan/collect`."""
        self.page.goto(f"{self.url}/app/#/{route}")

    def enrol(self, code: str) -> None:
        """Open the office's link and wait for Home, its list and a worker that can start it without a network."""
        self.page.goto(f"{self.url}/app/#/enrol/{code}")
        self.page.wait_for_selector("[data-el=runs] .run")
        self.page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")

    def press(self, name: str) -> None:
        """Press the button or link that a person would call so."""
        self.page.locator(f"button:has-text('{name}'):visible, a:has-text('{name}'):visible").last.click()

    def type_code(self, code: str) -> None:
        """Type a code on Scan; the sheet closes when it was taken."""
        self.page.click("[data-el=type]")
        self.page.fill("#type-code", code)
        self.page.click("dialog [type=submit]")

    def scanned(self) -> int:
        """How many parcels of the run are scanned, as the screen says."""
        return int(self.page.inner_text("[data-el=n]"))

    def to_photos(self) -> None:
        """On from Scan, missing parcels or not."""
        self.page.click("[data-el=next]")
        self.page.wait_for_selector(".shutter, dialog[open]")
        if self.page.locator("dialog[open]").count():
            self.page.click("dialog [value=on]")
        self.page.wait_for_selector(".shutter")

    def photograph(self, times: int = 1) -> None:
        """Press the shutter and see the photo among those taken."""
        for _ in range(times):
            before = self.page.locator(".thumb").count()
            for _ in range(20):  # the video stands still for a second: the very same picture is refused
                self.page.click(".shutter:not([disabled])")
                with suppress(PlaywrightTimeout):
                    self.page.wait_for_selector(f".thumb >> nth={before}", timeout=5_000)
                    break
            self.page.wait_for_selector(f".thumb >> nth={before}")
        self.wait_until_kept("photos")

    def choose_file(self, picture: Path) -> None:
        """Take a photo with the phone's own camera app instead."""
        before = self.page.locator(".thumb").count()
        self.page.set_input_files("[data-el=file]", picture)
        self.page.wait_for_selector(f".thumb >> nth={before}")

    def to_signature(self) -> None:
        """On from Photo."""
        self.page.click("[data-el=next]")
        self.page.wait_for_selector("canvas")

    def draw(self) -> None:
        """Sign the pad with one wavy line."""
        self.page.locator("[data-el=pad]").scroll_into_view_if_needed()
        box = self.page.locator("[data-el=pad]").bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 40, box["y"] + 90)
        self.page.mouse.down()
        for step in range(24):
            self.page.mouse.move(box["x"] + 40 + step * 8, box["y"] + 90 + (step % 4) * 9)
        self.page.mouse.up()

    def sign(self, name: str = "Dewi Lestari") -> None:
        """Answer, write the name, sign."""
        self.page.locator("[name=intact][value=yes]").check(force=True)
        self.page.fill("#sign-name", name)
        self.draw()
        self.wait_until_kept("pad")

    def wait_until_kept(self, member: str) -> None:
        """Wait until the stored draft has something in this member: a crash costs nothing from here on."""
        self.page.wait_for_function(KEPT, arg=member)

    def seal(self) -> None:
        """Seal and see it sealed."""
        self.page.click("[data-el=seal]")
        self.page.wait_for_selector(".done-mark")

    def wait_for_state(self, word: str, within: float = 30) -> None:
        """Wait until Done's or Outbox's newest item says this state."""
        self.page.wait_for_function(
            "(word) => [...document.querySelectorAll('#title, [data-el=state]')].some((e) => e.textContent === word)",
            arg=word,
            timeout=within * 1000,
        )


def to_pad(person: Person, code: str, parcel: str) -> None:
    """Enrol and go to the pad with one parcel typed and one photo taken."""
    person.enrol(code)
    person.page.click("text=A run of the tests")
    person.type_code(parcel)
    person.to_photos()
    person.photograph()
    person.to_signature()


def shown(server: Server, code: str) -> dict[str, Any]:
    """What the office's command line tells of a parcel."""
    told: dict[str, Any] = json.loads(server.baton("show", code, "--json"))
    return told
