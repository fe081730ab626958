"""The main job in Firefox and WebKit: collected with the network dead, sealed, and home when it is back."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains

from tests.e2e.screens import Shop, seed, shown
from tests.support.engines import Engine
from tests.support.server import Server
from tests.support.tagged import tagged

pytestmark = [pytest.mark.elsewhere, pytest.mark.timeout(300)]
CONTROLLED = "await navigator.serviceWorker.ready; return navigator.serviceWorker.controller !== null"
KEPT = """
const { openPhone } = await import("/static/js/outbox/phone.js");
const phone = await openPhone({ auto: false });
const draft = await phone.loadDraft();
phone.close();
return Boolean(draft?.[given[0]]?.length);
"""


def enrolled(engine: Engine, server: Server, shop: Shop) -> None:
    """Connected by the office's link, with a worker that can start it without a network."""
    engine.open(f"{server.url}/app/#/enrol/{shop.code}")
    engine.find("[data-el=runs] .run")
    engine.wait(lambda: engine.run(CONTROLLED), "a worker in control")


def scan(engine: Engine, code: str) -> None:
    """Typed: there is no camera here."""
    engine.press("[data-el=type]")
    engine.fill("#type-code", code)
    engine.press("dialog[open] button[type=submit]")
    engine.wait(lambda: not engine.driver.find_elements("css selector", "dialog[open]"), "the sheet closed")


def collect(engine: Engine, parcels: list[str], picture: Path) -> None:
    """From Home to *Sealed* by the hand."""
    engine.run("location.hash = '#/scan/collect'")
    for code in parcels:
        scan(engine, code)
    engine.press("[data-el=next]")
    engine.find(".shutter")
    engine.give_file("[data-el=file]", picture)
    engine.find(".thumb")
    engine.press("[data-el=next]")
    pad = engine.find("[data-el=pad]")
    engine.run("document.querySelector('input[name=intact][value=yes]').click()")
    engine.fill("#sign-name", "Dewi Lestari")
    engine.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", pad)
    line = ActionChains(engine.driver).move_to_element_with_offset(pad, -80, 0).click_and_hold()
    for step in range(12):
        line = line.move_by_offset(12, 9 if step % 2 else -9)
    line.release().perform()
    engine.wait(lambda: engine.run(KEPT, "pad"), "the signature kept")
    engine.press("[data-el=seal]")
    engine.find(".done-mark")


def facts(server: Server, code: str) -> list[tuple[str, int, list[str]]]:
    """What phones told of a parcel."""
    return [
        (it["kind"], it["seq"], it["marks"]) for it in shown(server, code)["events"] if it["kind"] != "check"
    ]


def test_a_run_is_collected_with_the_server_dead_and_is_safe_in_the_end(
    engine: Engine, live_server: Server, tmp_path: Path
) -> None:
    shop = seed(live_server, parcels=2)
    picture = tmp_path / "parcels.jpg"
    picture.write_bytes(tagged(*shop.parcels))
    enrolled(engine, live_server, shop)
    live_server.pause()
    collect(engine, shop.parcels, picture)
    if engine.keeps_its_profile:
        engine.close()
        engine.open(f"{live_server.url}/app/")
        engine.find("[data-el=runs] .run")
    live_server.resume()
    engine.driver.get(f"{live_server.url}/app/#/me")
    engine.wait_for_text("[data-el=shift]", "0 unsent: safe to hand back")
    assert [facts(live_server, code) for code in shop.parcels] == [[("collect", 1, [])], [("collect", 1, [])]]
