"""The test bench itself: a tool that lies is worse than none."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import zxingcpp

from tests.support.browser import Chromium
from tests.support.camera import Shot, frame, hurried
from tests.support.proxy import Fault, Proxy
from tests.support.quality import axe, lighthouse

CODES = ["ABCDEFGH1234", "0123456789AB", "ZYXWVTSRQPNM"]


class Site(ThreadingHTTPServer):
    """A site that counts its visitors and shows one page."""

    daemon_threads = True
    hits = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who is cut off is what the tests are about."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.hits += 1  # type: ignore[attr-defined]
        body = b"<!doctype html><title>a page</title><p>What is here</p><video autoplay muted></video>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def bad_network(site: Site) -> Iterator[Proxy]:
    proxy = Proxy(site.server_address[1])
    yield proxy
    proxy.stop()


def visit(url: str, within: float = 20) -> int:
    with urllib.request.urlopen(url, timeout=within) as answer:
        return len(answer.read())


def test_a_good_network_changes_nothing(bad_network: Proxy, site: Site) -> None:
    assert visit(bad_network.url) > 0
    assert site.hits == 1


def test_a_dropped_connection_never_reaches_the_server(bad_network: Proxy, site: Site) -> None:
    bad_network.fault = Fault.DROP
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        visit(bad_network.url)
    assert site.hits == 0


def test_a_stalled_connection_times_out_and_dies_with_its_request(bad_network: Proxy, site: Site) -> None:
    bad_network.fault = Fault.STALL
    with pytest.raises((urllib.error.URLError, TimeoutError)):
        visit(bad_network.url, within=0.5)
    bad_network.fault = Fault.OK
    assert visit(bad_network.url) > 0
    assert site.hits == 1


def test_a_cut_answer_means_the_server_has_done_its_work(bad_network: Proxy, site: Site) -> None:
    bad_network.cut_once()
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        visit(bad_network.url)
    assert (site.hits, bad_network.answers_cut) == (1, 1)
    assert visit(bad_network.url) > 0


def test_every_tag_of_a_hurried_hand_can_be_read_and_only_the_tags() -> None:
    read = [[found.text for found in zxingcpp.read_barcodes(frame(shot))] for shot in hurried(CODES)]
    assert read == [[CODES[0]], [], [CODES[1]], [], [CODES[2]], []]


def test_a_carriers_barcode_can_be_read() -> None:
    [found] = zxingcpp.read_barcodes(frame(Shot("TT1234567890SPX", kind="code128", angle=4, blur=0.8)))
    assert found.text == "TT1234567890SPX"


@pytest.mark.parametrize("name", ["camera.mjpeg", "camera.y4m"])
def test_a_browser_sees_the_video_as_its_camera(
    name: str, browser: Chromium, camera: Callable[..., Path], site: Site
) -> None:
    video = camera([Shot(CODES[0], seconds=0.4)], name=name)
    page = browser.open(f"http://127.0.0.1:{site.server_address[1]}/", camera=video)
    size = page.evaluate(
        """async () => {
          const stream = await navigator.mediaDevices.getUserMedia({video: {width: 1280, height: 720}});
          const video = document.querySelector("video");
          video.srcObject = stream;
          await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
          return [video.videoWidth, video.videoHeight];
        }"""
    )
    assert size == [1280, 720]
    shot = page.locator("video").screenshot()
    (browser.profile.parent / "seen.png").write_bytes(shot)
    assert len(shot) > 10_000


def test_axe_and_lighthouse_tell_a_bad_page(browser: Chromium, site: Site, free_port: int) -> None:
    address = f"http://127.0.0.1:{site.server_address[1]}/"
    page = browser.open(address, devtools_port=free_port)
    assert any(line.startswith("html-has-lang (serious)") for line in axe(page))
    scores = lighthouse(address, free_port, ["accessibility"])
    assert scores.of["accessibility"] < 100
    assert any(line.startswith("html-has-lang:") for line in scores.lost)


def test_what_a_killed_browser_had_written_is_there_when_it_opens_again(
    browser: Chromium, site: Site
) -> None:
    address = f"http://127.0.0.1:{site.server_address[1]}/"
    page = browser.open(address)
    page.evaluate(
        """() => new Promise((resolve, reject) => {
          const opening = indexedDB.open("kept", 1);
          opening.onupgradeneeded = () => opening.result.createObjectStore("rows");
          opening.onsuccess = () => {
            const work = opening.result.transaction("rows", "readwrite", {durability: "strict"});
            work.objectStore("rows").put("sealed", 1);
            work.oncomplete = () => resolve();
            work.onerror = reject;
          };
        })"""
    )
    browser.kill()
    with pytest.raises(ProcessLookupError):
        browser.pid()
    page = browser.open(address)
    kept = page.evaluate(
        """() => new Promise((resolve) => {
          const opening = indexedDB.open("kept", 1);
          opening.onsuccess = () => {
            const asking = opening.result.transaction("rows").objectStore("rows").get(1);
            asking.onsuccess = () => resolve(asking.result);
          };
        })"""
    )
    assert kept == "sealed"
