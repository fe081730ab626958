"""The phone's service worker in Chromium: it starts offline, sends alone, and waits with a new version."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.e2e.test_phone_heart import seed
from tests.support.browser import Chromium
from tests.support.server import Server

READY = "async () => { const r = await navigator.serviceWorker.ready; return r.active.state; }"
SEAL = """async (parcels) => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const times = [];
  for (const code of parcels) {
    const draft = phone.newDraft("attempt", { reason: "nobody_home" });
    draft.scans = [{ code, raw: code, verdict: "known", at: draft.startedAt, typed: false, override: null }];
    const start = performance.now();
    await phone.seal(draft);
    times.push(performance.now() - start);
  }
  return { times, counts: await phone.counts() };
}"""
ENROL = """async (code) => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  return phone.enrol(code, { label: "Chromium" });
}"""
FLUSH = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  for (let i = 0; i < 40; i += 1) { // the app's own engine may be sending: then this one only waits
    await phone.kick("user");
    if ((await phone.counts()).unsent === 0) break;
    await new Promise((done) => setTimeout(done, 250));
  }
  return (await phone.outbox()).map(({ state }) => state);
}"""


@pytest.fixture
def chromium(playwright: Playwright, tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(playwright, tmp_path / "profile")
    yield browser
    browser.close()


def started(chromium: Chromium, url: str) -> Page:
    """The app in front, its worker active and in control."""
    page = chromium.open(f"{url}/app/")
    assert page.evaluate(READY) in ("activating", "activated")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    return page


@pytest.mark.timeout(600)
def test_the_shell_starts_with_no_network_and_after_the_browser_was_killed(
    chromium: Chromium, live_server: Server
) -> None:
    page = started(chromium, live_server.url)
    page.wait_for_selector("#screen > *")
    live_server.kill()
    chromium.kill()
    page = chromium.open(f"{live_server.url}/app/?from=home#/outbox")
    page.wait_for_selector("#screen > *")
    assert page.title() == "Baton"
    answers = page.evaluate("""async () => {
      const get = async (path, init) => fetch(path, init).then((r) => r.status, () => "failed");
      const head = { method: "HEAD" };
      return [await get("/sync/v1/hello"), await get("/static/js/pages/app.js", head), await get("/office/")];
    }""")
    assert answers == ["failed", "failed", "failed"], (
        "the worker answers only for the shell's files, and only GET"
    )


@pytest.mark.timeout(600)
def test_sealed_work_leaves_by_background_sync_with_no_page_open_and_counts_once(
    chromium: Chromium, live_server: Server
) -> None:
    made = seed(live_server)
    page = started(chromium, live_server.url)
    page.evaluate(ENROL, made["code"])
    sealed = page.evaluate(SEAL, made["parcels"])
    assert sealed["counts"]["unsent"] == 6
    assert received(live_server) == 0
    session = chromium.devtools(page)
    session.send("ServiceWorker.enable")
    page.goto(f"{live_server.url}/static/icons/icon.svg")  # of the origin, but no page of the app
    registration = registration_of(chromium, page)
    session.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": live_server.url,
            "registrationId": registration,
            "tag": "baton-outbox",
            "lastChance": False,
        },
    )
    for _ in range(10):
        page.wait_for_timeout(500)
        if received(live_server) == 6:
            break
    assert received(live_server) == 6
    page.goto(f"{live_server.url}/app/")
    assert page.evaluate(FLUSH) == ["safe"] * 6
    assert received(live_server) == 6
    parcel = json.loads(live_server.baton("show", made["parcels"][0], "--json"))
    assert len([event for event in parcel["events"] if event["kind"] != "check"]) == 1


def registration_of(chromium: Chromium, page: Page) -> str:
    """The id DevTools knows the worker's registration by."""
    found: list[str] = []
    session = chromium.devtools(page)
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    for _ in range(600):
        if found:
            return found[0]
        page.wait_for_timeout(50)
    raise AssertionError("DevTools told of no registration")


def received(server: Server) -> int:
    """The highest seq the server has of the only phone."""
    (phone,) = json.loads(server.baton("devices", "--json"))["devices"]
    return int(phone["high_seq"] or 0)


def until(page: Page, expression: str) -> None:
    """Wait for an asynchronous condition in the page, which `wait_for_function` does not await."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {expression}")


class NextVersion:
    """Passes everything on to the server; once `released`, the app has another version number."""

    def __init__(self, port: int) -> None:
        self.version: str | None = None
        self.released = False
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass(None)

            def do_POST(self) -> None:
                self._pass(self.rfile.read(int(self.headers["Content-Length"])))

            def _pass(self, said: bytes | None) -> None:
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                headers = {name: value for name, value in self.headers.items() if name != "Connection"}
                headers["Accept-Encoding"] = "identity"
                upstream.request(self.command, self.path, said, headers)
                answer = upstream.getresponse()
                body = answer.read()
                upstream.close()
                outer.asked.append(self.path)
                if self.path.startswith("/app/") and outer.released and outer.version:
                    body = body.replace(outer.version.encode(), b"f" * 16)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "etag"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


CACHES = "async () => (await caches.keys()).filter((name) => name.startsWith('baton-shell-')).sort()"


@pytest.mark.timeout(600)
def test_a_new_version_waits_until_it_is_asked_and_fetches_only_what_changed(
    chromium: Chromium, live_server: Server
) -> None:
    between = NextVersion(live_server.port)
    page = started(chromium, between.url)
    version = page.get_attribute('meta[name="baton-version"]', "content")
    assert version
    between.version = version
    assert page.evaluate(CACHES) == [f"baton-shell-{version}"]
    between.released = True
    between.asked.clear()
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update()")
    until(page, "async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting)")
    assert [path for path in between.asked if path.startswith("/static/")] == []
    page.reload()
    expect(page.locator('meta[name="baton-version"]'), "it does not take over by itself").to_have_attribute(
        "content", version
    )
    assert len(page.evaluate(CACHES)) == 2
    with page.expect_navigation():
        page.evaluate(
            "async () => (await navigator.serviceWorker.getRegistration()).waiting.postMessage('activate-now')"
        )
    expect(page.locator('meta[name="baton-version"]')).to_have_attribute("content", "f" * 16)
    until(page, f"async () => (await ({CACHES})()).length === 1")
    assert page.evaluate(CACHES) == ["baton-shell-" + "f" * 16]
    between.server.shutdown()
    between.server.server_close()


@pytest.mark.timeout(600)
def test_a_new_version_is_offered_in_the_very_first_session(chromium: Chromium, live_server: Server) -> None:
    # The first worker took a page that had none: the next one is an update all the same, with nothing loaded anew.
    between = NextVersion(live_server.port)
    made = seed(live_server)
    page = started(chromium, between.url)
    page.goto(f"{between.url}/app/#/enrol/{made['code']}")
    page.wait_for_selector("text=Good to see you")
    page.evaluate("window.isTheFirst = true")
    between.version = page.get_attribute('meta[name="baton-version"]', "content")
    between.released = True
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update()")
    page.wait_for_selector("text=A new version is ready")
    assert page.evaluate("window.isTheFirst")
    page.goto(f"{between.url}/app/#/me")
    with page.expect_navigation():
        page.click("[data-el=update]")
    page.wait_for_selector("#screen > *")
    expect(page.locator('meta[name="baton-version"]')).to_have_attribute("content", "f" * 16)
    assert page.evaluate("window.isTheFirst") is None
    between.server.shutdown()
    between.server.server_close()
