"""The camera as phones have it: barcodes askew, a light, a refusal, an app put away and taken out again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import qrcode
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.screens import Person, seed
from tests.support.browser import Chromium
from tests.support.camera import Shot
from tests.support.server import Server

TABLE = [Shot(None, seconds=0.5, seed=seed) for seed in range(1, 5)]
TORCH = """() => {
  const asked = (window.asked = []);
  const { prototype } = MediaStreamTrack;
  prototype.getCapabilities = () => ({ torch: true, zoom: { min: 1, max: 4, step: 0.1 } });
  prototype.applyConstraints = async ({ advanced }) => void asked.push(...advanced);
}"""
REFUSED = """() => {
  let allowed = false;
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.allow = () => (allowed = true);
  navigator.mediaDevices.getUserMedia = (wish) =>
    allowed ? real(wish) : Promise.reject(new DOMException("no", "NotAllowedError"));
}"""
# A reader whose worker answers nothing but failures until `window.mend()`.
BROKEN_READER = """() => {
  const Real = Worker;
  let works = false;
  window.mend = () => (works = true);
  window.Worker = class extends EventTarget {
    constructor(...how) {
      if (works) return new Real(...how);
      super();
    }
    postMessage({ id }) {
      const data = { id, symbols: [], ms: 0, problem: "no wasm" };
      setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() {}
  };
}"""
AWAY = """(hidden) => {
  const get = () => (hidden ? "hidden" : "visible");
  Object.defineProperty(document, "visibilityState", { configurable: true, get });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
TRACK = "() => document.querySelector('video')?.srcObject?.getVideoTracks()[0]?.readyState ?? 'none'"
PICTURE = "() => document.querySelector('.viewfinder').dataset.camera"


def at_scan(browser: Chromium, server: Server, video: Path | None, stub: str | None = None) -> Page:
    """Enrolled, and on Scan, with this camera."""
    shop = seed(server)
    page = browser.open(server.url, camera=video)
    if stub:
        page.add_init_script(f"({stub})()")
    person = Person(browser, server.url)
    person.enrol(shop.code)
    page.click("text=A run of the tests")
    page.wait_for_selector(".viewfinder")
    return page


@pytest.mark.timeout(600)
def test_a_barcode_that_lies_askew_is_read(
    server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    numbers = {f"JX880000010{n}": angle for n, angle in enumerate((0, 30, -28, 44, 90))}
    others = {
        number: (500 + n, {"status": "ready", "carrier": "jnt", "tracking_number": number})
        for n, number in enumerate(numbers)
    }
    shop = seed(server, parcels=1, others=others, listed=list(others), carrier="jnt")
    shots = [
        Shot(number, angle=angle, blur=0.4, kind="code128", seconds=8, seed=n)
        for n, (number, angle) in enumerate(numbers.items())
    ]
    browser.open(server.url, camera=camera(shots))
    person = Person(browser, server.url)
    person.enrol(shop.code)
    person.page.click("text=A run of the tests")
    person.page.wait_for_function(
        "() => document.querySelector('[data-el=n]').textContent === '5'", timeout=400_000
    )


@pytest.mark.timeout(600)
def test_light_and_zoom_are_offered_where_the_phone_has_them(
    server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    page = at_scan(browser, server, camera(TABLE), TORCH)
    page.click("[data-el=torch]")
    page.wait_for_selector("[data-el=torch][aria-pressed=true]")
    page.click("[data-el=zoom]")
    page.wait_for_selector("text=2×")
    assert page.evaluate("() => window.asked") == [{"torch": True}, {"zoom": 2}]


@pytest.mark.timeout(600)
def test_a_refused_camera_is_explained_and_can_be_tried_again(
    server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    page = at_scan(browser, server, camera(TABLE), REFUSED)
    page.wait_for_selector("text=The camera is not allowed")
    expect(page.locator("text=Type the code").first).to_be_visible()
    page.evaluate("() => window.allow()")
    page.click("text=Try the camera again")
    page.wait_for_function(f"() => ({PICTURE})() === 'live'")
    expect(page.locator("text=The camera is not allowed").first).to_be_hidden()


@pytest.mark.timeout(600)
def test_the_camera_rests_while_the_app_is_away_and_comes_back(
    server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    page = at_scan(browser, server, camera(TABLE))
    page.wait_for_function(f"() => ({PICTURE})() === 'live'")
    page.evaluate(AWAY, True)
    assert page.evaluate(TRACK) == "none"
    page.evaluate(AWAY, False)
    page.wait_for_function(f"() => ({PICTURE})() === 'live' && ({TRACK})() === 'live'")


@pytest.mark.timeout(600)
def test_a_picture_that_stands_still_is_brought_back_to_life(
    server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    page = at_scan(browser, server, camera(TABLE))
    page.wait_for_function(f"() => ({PICTURE})() === 'live'")
    before = page.evaluate("() => document.querySelector('video').srcObject.id")
    page.evaluate("() => document.querySelector('video').pause()")  # as iOS leaves it after a call
    page.wait_for_function(
        "(before) => (document.querySelector('video').srcObject?.id ?? before) !== before", arg=before
    )
    page.wait_for_function(f"() => ({PICTURE})() === 'live'")


@pytest.mark.timeout(600)
def test_the_camera_is_off_on_every_screen_that_does_not_need_it(
    server: Server, browser: Chromium, camera: Callable[..., Path]
) -> None:
    page = at_scan(browser, server, camera(TABLE))
    page.wait_for_function(f"() => ({PICTURE})() === 'live'")
    page.evaluate("() => (window.track = document.querySelector('video').srcObject.getVideoTracks()[0])")
    page.click("#back")
    page.wait_for_selector("[data-el=runs] .run")
    assert page.evaluate("() => window.track.readyState") == "ended"


@pytest.mark.timeout(600)
def test_a_reader_that_fails_is_told_on_enrol_and_on_scan_with_a_way_on(
    make_browser: Callable[[], Chromium], server: Server, tmp_path: Path
) -> None:
    shop = seed(server)
    browser = make_browser()
    page = browser.open(server.url, camera=video_of(f"{server.url}/app/#/enrol/{shop.code}", tmp_path))
    page.add_init_script(f"({BROKEN_READER})()")
    page.goto(f"{server.url}/app/")
    page.click("text=Scan the office’s QR")
    page.wait_for_selector("text=The camera reads no codes now")
    page.evaluate("window.mend()")
    page.click("[data-el=reader-retry]")
    page.wait_for_selector("text=A run of the tests")
    page.reload()  # and the reader fails anew
    page.click("text=A run of the tests")
    page.wait_for_selector("text=Type the codes, or try again.")
    Person(browser, server.url).type_code(shop.parcels[0])
    page.wait_for_function("() => document.querySelector('[data-el=n]').textContent === '1'")
    page.evaluate("window.mend()")
    page.wait_for_selector("text=The camera reads no codes now", state="hidden")


def video_of(words: str, folder: Path) -> Path:
    """A camera that looks at one QR."""
    code = qrcode.make(words, box_size=8).get_image().convert("RGB")
    scene = Image.new("RGB", (1280, 720), (90, 90, 90))
    scene.paste(code, (420, 100))
    scene.save(folder / "one.jpg", quality=90)
    video = folder / "one.mjpeg"
    video.write_bytes((folder / "one.jpg").read_bytes() * 30)
    return video
