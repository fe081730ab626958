"""The rescue file of a real phone: written offline, read in by the office; then the phone comes online after all."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.screens import Person, inside, shown
from tests.support.browser import Chromium
from tests.support.quality import axe
from tests.support.server import Server

# In the one shop that the command line speaks for.
SEED = """
import json
from tests.support.shop import make_parcels, make_run, make_user
from webapp import clock
from webapp.app import create_app
from webapp.services.enrol import make_enrolment
from webapp.store.queries import people
from webapp.store.unit import reading
app = create_app()
with app.app_context():
    with reading() as session:
        org = people.only_shop(session).id
    user = make_user(org, "courier", "Budi Santoso")
    parcels = make_parcels(org, 2, 7, status="ready")
    make_run(org, user, parcels)
    print(json.dumps({"code": make_enrolment(org, user, None, clock.now(), "http://x").code, "parcels": parcels}))
"""
SEAL = """async (parcels) => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const picture = async (type) => {
    const canvas = new OffscreenCanvas(320, 240);
    const ink = canvas.getContext("2d");
    for (let n = 0; n < 400; n += 1) {
      ink.fillStyle = `hsl(${Math.random() * 360} 60% 50%)`;
      ink.fillRect(Math.random() * 320, Math.random() * 240, 40, 40);
    }
    return (await canvas.convertToBlob({ type })).arrayBuffer();
  };
  const ids = [];
  for (const code of parcels) {
    const draft = phone.newDraft("collect", { intact: true, counterpart: { name: "Dewi", role: "seller" } });
    draft.scans = [{ code, raw: code, verdict: "known", at: draft.startedAt, typed: false, override: null }];
    const photo = await phone.storePhoto(await picture("image/jpeg"), "image/jpeg");
    draft.photos = [{ ...photo, role: "photo", parcel: code }];
    const pad = await phone.storePhoto(await picture("image/png"), "image/png");
    draft.signature = { ...pad, strokes: [] };
    ids.push((await phone.seal(draft)).id);
  }
  return ids;
}"""
RESULTS = """async () => {
  const { Store } = await import("/static/js/storage/store.js");
  const store = new Store();
  const rows = (name) => store.read([name], (tx) => tx.objectStore(name).getAll());
  const events = (await rows("events")).map(({ result }) => result?.status ?? null);
  const blobs = (await rows("blobs")).map(({ state }) => state);
  store.close();
  return { events, blobs };
}"""


@pytest.fixture
def person(make_browser: Callable[[], Chromium], live_server: Server) -> Person:
    """Somebody with a phone, not enrolled yet."""
    browser = make_browser()
    browser.open(live_server.url)
    return Person(browser, live_server.url)


def enrolled_offline(person: Person, server: Server) -> tuple[list[str], list[str]]:
    """The parcels of a shop, and two handovers with photos that were sealed without a network."""
    made = json.loads(inside(server, SEED).splitlines()[-1])
    person.enrol(made["code"])
    person.browser.offline()
    sealed = person.page.evaluate(SEAL, made["parcels"])
    person.page.reload()
    return made["parcels"], sealed


def write_and_save(person: Person, to: Path) -> Path:
    """Write the file on its screen and save it; where the browser put it."""
    person.page.click("[data-el=write]")
    with person.page.expect_download() as caught:
        person.page.click("[data-el=save]")
    path = to / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


@pytest.mark.timeout(600)
def test_what_came_by_file_counts_once_when_the_phone_comes_online_after_all(
    person: Person, live_server: Server, tmp_path: Path
) -> None:
    parcels, ids = enrolled_offline(person, live_server)
    page = person.page
    person.go("outbox")
    page.click("a:has-text('Make a rescue file')")
    page.wait_for_selector("text=2 handovers, 4 pictures")
    path = write_and_save(person, tmp_path)
    page.wait_for_selector("text=/Last put in a file .*2 handovers, 4 pictures/")
    expect(page.locator("#unsent-text"), "nothing leaves the queue by it").to_have_text("2 unsent")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    told = json.loads(live_server.baton("rescue", str(path), "--json"))
    assert [(one["id"], one["status"]) for one in told["results"]] == [(event, "applied") for event in ids]
    assert [blob["status"] for blob in told["blobs"]] == ["kept"] * 4
    assert (told["troubles"], told["missing_blobs"]) == ([], [])

    sent: list[str] = []
    person.browser.context.on(  # type: ignore[union-attr]
        "request",
        lambda asked: sent.append(asked.url.removeprefix(person.url)) if asked.method != "GET" else None,
    )
    person.browser.offline(False)
    page.wait_for_function("() => document.querySelector('#unsent-text').textContent === '0 unsent'")
    assert page.evaluate(RESULTS) == {"events": ["duplicate"] * 2, "blobs": ["held"] * 4}
    assert "/sync/v1/blobs/want" in sent
    assert not [url for url in sent if url.startswith("/sync/v1/blobs") and not url.endswith("/want")]
    for event, parcel in zip(ids, parcels, strict=True):
        proof = shown(live_server, parcel)
        assert [one["id"] for one in proof["events"] if one["kind"] != "check"] == [event]
        assert all(blob["held"] for blob in proof["blobs"])
        assert len(proof["blobs"]) == 2
    page.wait_for_selector("text=Everything is with the office")
    assert json.loads(live_server.baton("rebuild", "--check", "--json"))["differing"] == []


def disowned(route: Route) -> None:
    """What a server says that does not know the phone's token."""
    problem = {"type": "urn:baton:problem:token-unknown", "code": "token-unknown", "status": 401}
    route.fulfill(
        status=401,
        headers={"Content-Type": "application/problem+json", "Sync-Protocol": "1"},
        body=json.dumps({**problem, "title": "The office does not know this phone.", "detail": None}),
    )


@pytest.mark.timeout(600)
def test_a_phone_that_may_not_send_offers_the_file_by_itself_in_every_theme(
    person: Person, live_server: Server, tmp_path: Path
) -> None:
    page = person.page
    page.set_viewport_size({"width": 360, "height": 740})
    enrolled_offline(person, live_server)
    page.route("**/sync/v1/events", disowned)
    person.browser.offline(False)
    person.go("outbox")
    page.click("[data-el=send]")
    page.wait_for_selector("text=Sending has been held up")
    person.go("")
    page.wait_for_selector("text=it can go to the office as a rescue file")
    wrong: dict[str, Any] = {}
    for theme in ("light", "dark", "outdoor"):
        page.evaluate("(theme) => localStorage.setItem('baton.theme', theme)", theme)
        person.go("")
        page.reload()
        page.wait_for_selector("[data-el=notices] .notice")
        for screen in ("outbox", "me", "rescue"):
            person.go(screen)
            page.wait_for_selector(".shift [data-el=why], [data-el=people] .choice")
            if screen == "rescue":
                write_and_save(person, tmp_path)
                page.wait_for_selector("text=Saved among this phone’s downloads")
            wrong[f"{screen} {theme}"] = axe(page)
            page.screenshot(path=tmp_path / f"{screen}-{theme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert {where: what for where, what in wrong.items() if what} == {}


@pytest.mark.timeout(600)
def test_one_handover_is_taken_out_alone_from_the_outbox(
    person: Person, live_server: Server, tmp_path: Path
) -> None:
    parcels, ids = enrolled_offline(person, live_server)
    person.page.evaluate(
        """async (id) => {
          const { Store } = await import("/static/js/storage/store.js");
          const store = new Store();
          await store.write(["events", "outbox"], async (tx) => {
            for (const name of ["events", "outbox"]) {
              const row = (await tx.objectStore(name).getAll()).find((one) => one.id === id);
              const parked = name === "events" ? { state: "parked" } : { parked: true };
              await tx.objectStore(name).put({ ...row, ...parked });
            }
          });
        }""",
        ids[0],
    )
    person.page.reload()
    person.go("outbox")
    with person.page.expect_download() as caught:
        person.page.click("button:has-text('As a file'):visible")
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    told = json.loads(live_server.baton("rescue", str(path), "--json"))
    assert [one["id"] for one in told["results"]] == [ids[0]]
    assert [blob["status"] for blob in told["blobs"]] == ["kept"] * 2
    assert shown(live_server, parcels[0])["status"] != "ready"
