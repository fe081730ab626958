"""The phone in each of its languages, with no network: no English is left on any screen, and nothing is too long."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screens import Person, seed
from tests.support.browser import Chromium
from tests.support.camera import Shot
from tests.support.programs import ROOT
from tests.support.server import Server

WORDS = ROOT / "webapp" / "static" / "words"
LANGUAGES = sorted(path.stem for path in WORDS.glob("*.json"))
# Every text that is shown or read out, and each button or chip whose words do not fit into it.
READ = """() => {
  const said = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (data.trim() && !parentElement.closest("noscript, script, [hidden], .mono")) said.push(data.trim());
  }
  for (const name of ["aria-label", "placeholder", "alt"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (!element.closest("[hidden]")) said.push(element.getAttribute(name));
    }
  }
  const boxes = [...document.querySelectorAll(".btn, .chip, .tabs a, .choice span, h2, label")].filter(
    (box) => box.checkVisibility() && !box.closest(".visually-hidden"));
  const isOut = (box) => {
    const { left, right } = box.getBoundingClientRect();
    const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      if (texts.currentNode.parentElement.closest(".visually-hidden")) continue;
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      if ([...range.getClientRects()].some((line) => line.right > right + 1 || line.left < left - 1)) return true;
    }
    return false;
  };
  const cut = [...document.querySelectorAll("h1")].filter(
    ({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 2);
  const long = [...boxes.filter(isOut), ...cut].map((box) => box.textContent.trim());
  const isWide = document.documentElement.scrollWidth > innerWidth;
  return { said, long, isWide };
}"""


@pytest.fixture
def person(browser: Chromium, live_server: Server, camera: Callable[..., Path]) -> Person:
    """Somebody with a phone whose camera sees a table without any tag, not enrolled yet."""
    shots = [Shot(None, seconds=0.2, seed=number) for number in range(1, 40)]
    browser.open(live_server.url, camera=camera(shots))
    return Person(browser, live_server.url)


class Reader:
    """Reads each screen; `found` has what is wrong by its name."""

    def __init__(self, page: Page, language: str) -> None:
        words: dict[str, str] = json.loads((WORDS / f"{language}.json").read_text("utf-8"))
        own = {*words.values(), "Phone"}  # the name this phone was given when it was connected
        self._page = page
        self._language = language
        self._english = [
            re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(key)))
            for key, said in words.items()
            if said != key and key not in own and re.search(r"[A-Za-z]{3}", re.sub(r"\{\w+\}", "", key))
        ]
        self.found: dict[str, Any] = {}

    def read(self, screen: str) -> None:
        """Note what of this screen is English, or does not fit."""
        self._page.wait_for_timeout(150)
        seen = self._page.evaluate(READ)
        english = [said for said in seen["said"] if any(key.fullmatch(said) for key in self._english)]
        wrong = {"english": english, "too long": seen["long"], "wide": [screen] if seen["isWide"] else []}
        if any(wrong.values()):
            self.found[screen] = {name: what for name, what in wrong.items() if what}
        if folder := os.environ.get("LOOK"):  # for whoever wants to look: nothing else reads it
            self._page.screenshot(path=f"{folder}/{self._language}-{screen}.png")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_speaks_it_offline_and_nothing_is_too_long(
    language: str, person: Person, live_server: Server
) -> None:
    others = {"gone": (8800, {"status": "cancelled"})}
    shop = seed(live_server, others=others)
    page = person.page
    person.enrol(shop.code)
    person.go("me")
    page.select_option("[data-el=language]", language)
    page.wait_for_function("(code) => document.documentElement.lang === code", arg=language)
    person.browser.offline()
    reader = Reader(page, language)
    page.wait_for_selector("[data-tab=me][aria-current]")
    reader.read("me")
    page.reload()
    page.wait_for_selector("[data-tab=me][aria-current]")
    reader.read("me again, from nothing but the phone")
    for screen in ("people", "rescue", "tasks", "outbox", "enrol"):
        person.go(screen)
        page.wait_for_selector("#screen > *")
        reader.read(screen)
    person.go("")
    page.wait_for_selector(".run")
    reader.read("home")
    page.click("[data-kind=return]")
    page.wait_for_selector("dialog")
    reader.read("return")
    page.keyboard.press("Escape")
    page.click(".run")
    page.wait_for_selector("[data-el=type]")
    reader.read("scan")
    page.click("[data-el=type]")
    page.click("dialog [type=submit]")
    reader.read("type")
    page.keyboard.press("Escape")
    person.type_code(shop.parcels[0])
    person.type_code(shop.parcels[1])
    reader.read("scanned")
    person.type_code(shop.others["gone"])
    page.wait_for_selector("dialog.block")
    reader.read("block")
    page.click("dialog [value=leave]")
    page.click("[data-el=list]")
    page.wait_for_selector("dialog[open] [data-el=close]")
    reader.read("list")
    page.keyboard.press("Escape")
    page.click("[data-el=next]")
    page.wait_for_selector("dialog [value=on]")
    reader.read("missing")
    page.keyboard.press("Escape")
    person.to_photos()
    reader.read("photo")
    person.photograph()
    reader.read("photographed")
    page.click(".thumb")
    page.wait_for_selector("dialog[open]")
    reader.read("one photo")
    page.keyboard.press("Escape")
    person.to_signature()
    page.click("[data-el=seal]")
    reader.read("sign, refused")
    person.sign()
    reader.read("signed")
    person.seal()
    reader.read("done")
    person.go("outbox")
    page.wait_for_selector(".item")
    reader.read("outbox, one unsent")
    person.go("me")
    page.wait_for_selector("[data-tab=me][aria-current]")
    reader.read("me, one unsent")
    person.go("")
    page.click("[data-kind=pack]")
    page.wait_for_selector("[data-el=type]")
    person.type_code(shop.parcels[2])
    page.click("[data-el=next]")
    page.wait_for_selector(".counter")
    page.click("[data-el=next]")
    reader.read("check")
    person.go("")
    page.wait_for_selector("[data-el=resume-go]")
    reader.read("home, one unfinished")
    assert reader.found == {}


@pytest.mark.timeout(300)
def test_a_handover_goes_on_in_another_language(person: Person, live_server: Server) -> None:
    shop = seed(live_server)
    page = person.page
    person.enrol(shop.code)
    page.click(".run")
    person.type_code(shop.parcels[0])
    person.wait_until_kept("scans")
    person.browser.offline()
    person.go("me")
    page.select_option("[data-el=language]", "id")
    page.wait_for_function("() => document.documentElement.lang === 'id'")
    person.go("")
    page.click("[data-el=resume-go]")
    page.wait_for_selector("[data-el=n]")
    assert person.scanned() == 1
    person.go("me")
    page.select_option("[data-el=language]", "")
    page.wait_for_function("() => document.documentElement.lang === 'en' && document.title === 'Me · Baton'")


@pytest.mark.timeout(300)
def test_a_phone_of_another_language_speaks_it_from_the_first_screen(
    browser: Chromium, live_server: Server
) -> None:
    browser.open(live_server.url, locale="vi-VN")
    words = json.loads((WORDS / "vi.json").read_text("utf-8"))
    page = browser.page
    page.goto(f"{live_server.url}/app/")
    page.wait_for_selector("#enrol-code")
    expect(page.locator("h2")).to_have_text(words["Connect this phone"])
    expect(page.locator("label[for=enrol-label]")).to_have_text(words["Name of this phone"])
