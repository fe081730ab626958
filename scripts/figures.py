"""What the phone's start costs: `python -m scripts.figures [--runs 7]` (`make figures`) measures and prints.

1. Cold start without a network: a new browser process, its processor slowed four times, from navigation to a Home that
   shows the day's runs; beside it an empty page that the very same service worker keeps, in the same browser. Nobody
   watches the page's requests meanwhile: what a tool is told of each file costs the slowed page several times over.
2. Bytes of the first load over the wire, headers included, counted by a proxy: until Home stands, and until the worker
   has kept everything; and the files alone with gzip and brotli, without and with the decoder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from tests.e2e.screens import Person
from tests.support.browser import Chromium
from tests.support.piped import PipedChromium
from tests.support.programs import ROOT
from tests.support.proxy import Proxy
from tests.support.server import Server

SLOWER = 4
PATIENCE_S = 60
# The moment after the frame that first shows what is looked for, in ms since the navigation began.
WATCH = """(() => {
  const look = () => {
    if (!document.querySelector(%s)) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => { window.seenAt = performance.now(); }));
  };
  look();
})()"""
EMPTY = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Empty %s</title><p id="here">Empty</p>'
    '<script src="/app/start.js"></script></html>'
)
START = 'navigator.serviceWorker.register("/app/sw.js", { scope: "/app/" });'
DECODER = re.compile(r"zxing|/app/decode\.js|capture/decode-worker")


def main() -> None:
    """Measure both and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="cold starts of each kind; the median counts")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="baton-figures-") as folder, sync_playwright() as playwright:
        server = Server(Path(folder)).start("--demo")
        try:
            tell_bytes(server, first_load(playwright, server, Path(folder)))
            outbox = _get(server, "/app/outbox.js", "identity").decode()
            with empty_site(outbox) as empty:
                _visit_both(playwright, server, empty, Path(folder) / "cold")
                addresses = (f"{server.url}/app/", f"{empty}/app/")
        finally:
            server.stop()
        ours, theirs = cold_starts(Path(folder) / "cold", addresses, runs)
    print(
        f"cold start offline, processor slowed {SLOWER}x, median of {runs}: Home {ours:.0f} ms, "
        f"empty page of the same worker {theirs:.0f} ms, ratio {ours / theirs:.1f}"
    )


def first_load(playwright: Playwright, server: Server, folder: Path) -> tuple[int, int, int]:
    """Bytes from the server until the enrolment screen stands, until Home does, until the worker has everything."""
    proxy = Proxy(server.port)
    browser = Chromium(playwright, folder / "first")
    try:
        page = browser.open(f"{proxy.url}/app/")
        page.wait_for_selector("#enrol-code")
        stands = proxy.answered
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        kept = proxy.answered
        code = json.loads(server.baton("enrol", "--user", "Demo courier", "--json"))["code"]
        Person(browser, proxy.url).enrol(code)
        return stands, kept, proxy.answered
    finally:
        browser.close()
        proxy.stop()


def tell_bytes(server: Server, wire: tuple[int, int, int]) -> None:
    """Print the sizes of the files, packed and plain, and what went over the wire."""
    listing = _get(server, "/app/sw.js", "identity").decode()
    head = listing.partition(";\n")[0].partition("= ")[2]
    urls = ["/app/sw.js", *(file["url"] for file in json.loads(head)["files"])]
    for packing in ("identity", "gzip", "br"):
        sizes = {url: len(_get(server, url, packing)) for url in urls}
        decoder = sum(size for url, size in sizes.items() if DECODER.search(url))
        rest = sum(sizes.values()) - decoder
        print(
            f"first load, {len(urls)} files, {packing}: {rest / 1e3:.0f} kB without the decoder, "
            f"{(rest + decoder) / 1e3:.0f} kB with it"
        )
    stands, kept, home = (count / 1e3 for count in wire)
    print(
        f"over the wire, headers too: {stands:.0f} kB until the first screen stands, "
        f"{kept:.0f} kB until all is kept for a start without a network, {home:.0f} kB until Home with its list"
    )


def _get(server: Server, url: str, packing: str) -> bytes:
    accepted = "br, gzip" if packing == "br" else packing  # as browsers ask
    asked = urllib.request.Request(server.url + url, headers={"Accept-Encoding": accepted})  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        data: bytes = answer.read()
    return data


def _visit_both(playwright: Playwright, server: Server, empty: str, profile: Path) -> None:
    browser = Chromium(playwright, profile)
    browser.open(server.url)
    code = json.loads(server.baton("enrol", "--user", "Demo courier", "--json"))["code"]
    Person(browser, server.url).enrol(code)
    browser.page.goto(f"{empty}/app/")
    browser.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    browser.page.wait_for_timeout(4000)  # both workers are done with their tidying
    browser.close()


def cold_starts(profile: Path, addresses: tuple[str, str], runs: int) -> tuple[float, float]:
    """Median ms of Home and of the empty page, taken in turns, with both their servers gone."""
    home, other = [], []
    for _ in range(runs):
        home.append(_start(profile, addresses[0], ".run"))
        other.append(_start(profile, addresses[1], "#here"))
    print(
        f"  Home: {', '.join(f'{ms:.0f}' for ms in home)} ms; empty: {', '.join(f'{ms:.0f}' for ms in other)} ms"
    )
    return statistics.median(home), statistics.median(other)


def _start(profile: Path, url: str, sign: str) -> float:
    with PipedChromium(profile) as browser:
        page = browser.new_page()
        browser.ask("Page.enable", page)
        browser.ask("Emulation.setCPUThrottlingRate", page, rate=SLOWER)
        browser.ask("Page.addScriptToEvaluateOnNewDocument", page, source=WATCH % json.dumps(sign))
        browser.ask("Page.navigate", page, url=url)
        for _ in range(PATIENCE_S * 5):
            time.sleep(0.2)
            seen = browser.ask("Runtime.evaluate", page, expression="window.seenAt ?? 0")["result"]["value"]
            if seen:
                return float(seen)
    raise SystemExit(f"figures: {sign} never came at {url}")


@contextmanager
def empty_site(outbox: str) -> Iterator[str]:
    """A site with one empty page that our own worker keeps, with the very outbox that it takes along."""
    worker = (ROOT / "webapp" / "static" / "js" / "sw" / "sw.js").read_text("utf-8")
    start = {"url": "/app/start.js", "sha256": hashlib.sha256(START.encode()).hexdigest()}
    digest = re.search(r'"?digest"?:\s*"([0-9a-f]+)"', outbox)
    if digest is None:
        raise SystemExit("figures: the outbox does not say its digest")
    files = [{"url": "/app/", "sha256": ""}, start]
    listing = {"version": "empty", "files": files, "outbox": digest[1]}
    bodies = {
        "/app/": ("text/html", EMPTY % "empty"),
        "/app/start.js": ("text/javascript", START),
        "/app/outbox.js": ("text/javascript", outbox),
        "/app/sw.js": ("text/javascript", f"self.BATON_PRECACHE = {json.dumps(listing)};\n{worker}"),
    }

    class Answer(BaseHTTPRequestHandler):
        """One of the three files, or nothing."""

        def do_GET(self) -> None:
            """Send it."""
            kind, body = bodies.get(self.path, ("text/plain", ""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{site.server_address[1]}"
        finally:
            site.shutdown()


if __name__ == "__main__":
    main()
