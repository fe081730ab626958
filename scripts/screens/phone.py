"""The courier's day on a phone: one handover that arrives, a retake that is asked for, one that waits for a network."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

from scripts.screens.scene import film
from scripts.screens.studio import Studio
from sync.protocol.codes import new_code
from sync.rules.pack import zone_of
from tests.e2e.screens import Person
from tests.support.browser import Chromium
from tests.support.server import Server

# A courier's phone is set to where the shop is: its day is the shop's.
SHARP = {"device_scale_factor": 2, "locale": "en-GB", "timezone_id": zone_of("guide").key}
MISSING = 2  # of the run in the first handover; the second one has one of them
FILM_SECONDS = 1.0  # for which each parcel is held before the camera
THEMES = ("light", "dark")
OUTDOOR = (*THEMES, "outdoor")
CODES = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const codes = phone.runs().find(({ kind }) => kind === "collect").parcels;
  phone.close();
  return codes;
}"""


def work(
    browser: Chromium, server: Server, code: str, folder: Path, studio: Studio, office: Callable[[], None]
) -> None:
    """The whole day; `office` is called when the first handover is safe, and asks for a retake of it."""
    person = Person(browser, server.url)
    codes = _enrol(person, code, studio)
    browser.close()
    video = film(folder / "camera.mjpeg", codes[:-MISSING], FILM_SECONDS)
    browser.open(f"{server.url}/app/", camera=video, **SHARP)
    _scan(person, len(codes) - MISSING, studio)
    _photograph_and_sign(person, studio)
    person.seal()
    person.wait_for_state("Safe", within=60)
    office()
    _retake(person, studio)
    browser.close()
    browser.open(f"{server.url}/app/", camera=film(folder / "one.mjpeg", codes[-MISSING:][:1]), **SHARP)
    _other_doors(person, studio)
    _without_network(person, studio)


def _enrol(person: Person, code: str, studio: Studio) -> list[str]:
    page = person.browser.open(f"{person.url}/app/", **SHARP)
    page.wait_for_selector("#enrol-code")
    studio.shoot(page, "phone-enrol", THEMES)
    person.enrol(code)
    codes: list[str] = page.evaluate(CODES)
    return codes


def _scan(person: Person, wanted: int, studio: Studio) -> None:
    page = person.page
    page.locator(".run").first.click()
    page.wait_for_function(
        "(n) => document.querySelector('[data-el=n]')?.textContent === String(n)",
        arg=wanted,
        timeout=120_000,
    )
    page.evaluate("document.querySelector('video').pause()")
    page.wait_for_timeout(300)
    studio.shoot(page, "phone-scan", OUTDOOR, photos=True)
    page.click("[data-el=list]")
    studio.shoot(page, "phone-list", THEMES)
    page.keyboard.press("Escape")
    page.click("[data-el=type]")
    page.fill("#type-code", "7k2m-9qvx")
    studio.shoot(page, "phone-type", THEMES)
    unknown = new_code(random.Random(20261122).randrange)  # noqa: S311 (nothing here is a secret)
    page.fill("#type-code", unknown)
    page.click("dialog >> text=Add")
    page.wait_for_selector("dialog.block")
    studio.shoot(page, "phone-block", THEMES)
    page.click("dialog [data-el=leave]")
    page.evaluate("document.querySelector('video').play()")


def _photograph_and_sign(person: Person, studio: Studio) -> None:
    page = person.page
    person.to_photos()
    person.photograph()
    page.wait_for_timeout(2 * FILM_SECONDS * 1000)  # the next parcel is before the camera
    person.photograph()
    page.evaluate("document.querySelector('video')?.pause()")
    studio.shoot(page, "phone-photo", THEMES, photos=True)
    page.evaluate("document.querySelector('video')?.play()")
    person.to_signature()
    sign(person, "Demo Seller")
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    studio.shoot(page, "phone-sign", THEMES)


def sign(person: Person, name: str) -> None:
    """Answer, write the name, and sign as a person does: loops that lean and run out."""
    page = person.page
    page.get_by_label("All intact").check(force=True)
    page.fill("#sign-name", name)
    page.locator("[data-el=pad]").scroll_into_view_if_needed()
    box = page.locator("[data-el=pad]").bounding_box()
    if box is None:
        raise SystemExit("screens: the pad has no size")
    left, middle = box["x"] + 50, box["y"] + box["height"] * 0.55
    for step in range(150):
        turn = step / 150
        angle = turn * 5.5 * 2 * math.pi
        height = (74 - 58 * turn) * (1 if step > 26 else 1.25)
        x = left + 190 * turn + (20 - 6 * turn) * math.cos(angle) - 14 * math.sin(angle)
        page.mouse.move(x, middle + height * math.sin(angle) * 0.6 - 18 * turn)
        if step == 0:
            page.mouse.down()
    page.mouse.move(left + 235, middle - 34)
    page.mouse.up()
    person.wait_until_kept("pad")


def _retake(person: Person, studio: Studio) -> None:
    page = person.page
    page.goto(f"{person.url}/app/#/tasks")
    page.reload()
    page.wait_for_selector("[data-el=items] [data-el=go]", timeout=30_000)
    studio.shoot(page, "phone-tasks", THEMES, photos=True)
    person.go("me")
    page.wait_for_selector("text=0 unsent: safe to hand back")
    studio.shoot(page, "phone-me", THEMES)


def _other_doors(person: Person, studio: Studio) -> None:
    """Return, and Pack and Problem with the parcel before the camera; none is sealed."""
    page = person.page
    person.go("")
    person.press("Return")
    page.wait_for_selector("text=I hand it to the seller")
    studio.shoot(page, "phone-return", THEMES)
    for kind, name in (("pack", "phone-pack"), ("report", "phone-problem")):
        person.go(f"scan/{kind}")
        page.wait_for_function(
            "() => document.querySelector('[data-el=n]')?.textContent === '1'", timeout=60_000
        )
        if kind == "pack":
            person.press("Check and count")
            page.wait_for_selector(".counter")
            studio.shoot(page, "phone-check", THEMES)
            page.go_back()
            page.wait_for_selector("video")
        if kind == "report":
            person.to_photos()
            person.photograph()
            page.locator("#photo-reason").select_option(index=1)
        page.evaluate("document.querySelector('video').pause()")
        page.wait_for_timeout(300)
        studio.shoot(page, name, THEMES, photos=True)
        person.go("")
        page.click("[data-el=discard]")
        page.click("dialog button[value=yes]")
        page.wait_for_selector("[data-el=resume]", state="hidden")


def _without_network(person: Person, studio: Studio) -> None:
    page = person.page
    person.browser.offline()
    page.reload()
    page.locator(".run").first.click()
    page.wait_for_function("() => document.querySelector('[data-el=n]')?.textContent === '1'", timeout=60_000)
    person.to_photos()
    person.photograph()
    person.to_signature()
    sign(person, "Demo Clerk")
    person.seal()
    page.wait_for_timeout(500)
    studio.shoot(page, "phone-done", THEMES)
    person.go("outbox")
    page.wait_for_selector("[data-tab=outbox][aria-current]")
    page.wait_for_timeout(300)
    studio.shoot(page, "phone-outbox", THEMES)
    person.go("")
    page.wait_for_selector(".run")
    studio.shoot(page, "phone-home", OUTDOOR)
    person.browser.offline(False)
    person.go("outbox")
    page.click("text=Send now")
    page.wait_for_selector("#unsent:has-text('0 unsent')")
