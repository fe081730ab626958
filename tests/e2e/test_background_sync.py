"""The app is closed and the browser wakes the worker: events and photos of everybody go home, and are settled."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.screens import inside
from tests.e2e.test_phone_rescue import RESULTS, SEAL
from tests.e2e.test_phone_worker import ENROL, registration_of, started
from tests.support.browser import Chromium
from tests.support.server import Server

SEED = """
import json
from tests.support.shop import make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.app import create_app
from webapp.services.enrol import make_enrolment
app = create_app()
with app.app_context():
    org = make_shop()
    parcels = make_parcels(org, 6, 11, status="ready")
    codes = []
    for name in ("Budi", "Sari"):
        user = make_user(org, "courier", name)
        make_run(org, user, parcels)
        codes.append(make_enrolment(org, user, None, clock.now(), "http://x").code)
    print(json.dumps({"codes": codes, "parcels": parcels}))
"""

SIGN_IN = """async (device) => {
  const { Store } = await import("/static/js/storage/store.js");
  const { setMeta } = await import("/static/js/storage/meta.js");
  const store = new Store();
  await setMeta(store, "", "current", device);
  store.close();
}"""


def wake(chromium: Chromium, url: str, registration: str) -> None:
    """Send the worker, which sleeps, what the browser sends when there is a network again."""
    event = {"origin": url, "registrationId": registration, "tag": "baton-outbox", "lastChance": False}
    session = chromium.devtools()
    status: list[str] = []
    session.on(
        "ServiceWorker.workerVersionUpdated",
        lambda told: status.extend(one["runningStatus"] for one in told["versions"]),
    )
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    wait_for(chromium, lambda: status[-1:], ["stopped"])
    session.send("ServiceWorker.dispatchSyncEvent", event)


def close_the_app(chromium: Chromium) -> str:
    """Leave nothing but an empty page open; gives the registration's id."""
    page = chromium.page
    registration = registration_of(chromium, page)
    page.goto("about:blank")
    return registration


def phones(server: Server) -> list[tuple[int, int]]:
    """For each phone: how far the server has it, and how much it said it still had."""
    told = json.loads(server.baton("devices", "--json"))["devices"]
    return sorted((one["high_seq"] or 0, (one["unsent"] or 0) + (one["unsent_blobs"] or 0)) for one in told)


def wait_for(chromium: Chromium, ask: Callable[[], object], expected: object, tries: int = 40) -> None:
    """Until it is so; the last answer is the assertion's."""
    for _ in range(tries):
        if ask() == expected:
            return
        chromium.page.wait_for_timeout(250)
    assert ask() == expected


def sealed_by_both(chromium: Chromium, server: Server) -> dict[str, Any]:
    """Two people's handovers with photos on one phone; nothing of it was sent."""
    made: dict[str, Any] = json.loads(inside(server, SEED).splitlines()[-1])
    page = started(chromium, server.url)
    first = page.evaluate(ENROL, made["codes"][0])
    page.evaluate(ENROL, made["codes"][1])
    chromium.offline()
    made["ids"] = page.evaluate(SEAL, made["parcels"][:2])
    page.evaluate(SIGN_IN, first["device"])
    made["ids"] += page.evaluate(SEAL, made["parcels"][2:4])
    return made


@pytest.mark.timeout(600)
def test_events_and_photos_of_everybody_go_home_with_no_page_open_and_are_settled(
    make_browser: Callable[[], Chromium], live_server: Server
) -> None:
    chromium = make_browser()
    made = sealed_by_both(chromium, live_server)
    assert phones(live_server) == [(0, 0), (0, 0)]
    registration = close_the_app(chromium)
    chromium.offline(False)
    wake(chromium, live_server.url, registration)
    wait_for(chromium, lambda: phones(live_server), [(2, 0), (2, 0)])
    for parcel, event in zip(made["parcels"], made["ids"], strict=False):
        proof = json.loads(live_server.baton("show", parcel, "--json"))
        assert [one["id"] for one in proof["events"] if one["kind"] != "check"] == [event]
        assert [blob["held"] for blob in proof["blobs"]] == [True, True]
    chromium.offline()  # what the phone knows now it knows from the worker
    page = chromium.page
    page.goto(f"{live_server.url}/app/#/outbox")
    page.wait_for_selector("text=Everything is with the office")
    assert page.evaluate(RESULTS) == {"events": ["applied"] * 4, "blobs": ["held"] * 8}


@pytest.mark.timeout(600)
def test_while_the_server_is_away_nothing_is_lost_and_the_next_waking_brings_it_home(
    make_browser: Callable[[], Chromium], live_server: Server
) -> None:
    chromium = make_browser()
    sealed_by_both(chromium, live_server)
    registration = close_the_app(chromium)
    live_server.kill()
    chromium.offline(False)
    wake(chromium, live_server.url, registration)
    live_server.start()
    wake(chromium, live_server.url, registration)
    wait_for(chromium, lambda: phones(live_server), [(2, 0), (2, 0)])
