"""The quarantine desk in a real browser: a rescue file read in, what is held looked at, taken in, and set aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sync.protocol import envelope
from sync.protocol.keys import generate_key
from tests.support.browser import Chromium
from tests.support.desk import PASSWORD, make_desk_user, picture, reference, scrawl
from tests.support.installation import make_settings, running_app
from tests.support.quality import axe
from tests.support.rescue import rescue_file
from tests.support.server import Server
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.unit.phones import proof
from webapp import clock
from webapp.services.enrol import revoke_device

SECRET = "a secret of the tests"
WIDE = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False}


@pytest.fixture
def server(make_server: Callable[..., Server], tmp_path: Path) -> Server:
    """A shop with a phone signed out in mid-shift, whose rescue file lies in tmp_path, and a forged record."""
    made = make_server(BATON_SECRET_KEY=SECRET, BATON_RATE_LIMITS="0")
    with running_app(make_settings(made.data, secret_key=SECRET)) as app:
        org_id = make_shop("Toko Sari Rasa")
        make_desk_user(org_id, "office", "Olga Office", email="olga@example.com")
        phone = ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))
        codes = make_parcels(org_id, 4)
        photo, signature = picture("a rescued parcel"), scrawl()
        blobs = [reference(photo), reference(signature, "signature")]
        lines = [phone.seal("collect", codes[:3], **{**proof(), "blobs": blobs, "note": "Di pos satpam"})]
        forged = phone.payload("deliver", codes[3:], **proof("Pak Budi", "recipient"))
        phone.send(
            envelope.sign(forged, generate_key()),
            envelope.sign(phone.payload("collect", codes[3:], v=2), phone.key),
            unsent=1,
            unsent_blobs=2,
            oldest_at="2026-11-22T06:00:00.000Z",
            head_seq=1,
        )
        revoke_device(org_id, phone.device, clock.now())
        (tmp_path / "phone.baton").write_bytes(rescue_file(phone.device, lines, [photo, signature]))
    return made.start()


def sign_in(browser: Chromium, server: Server, **options: object) -> Page:
    page = browser.open(f"{server.url}/office/sign-in?next=/office/quarantine", **options)
    page.get_by_label("E-mail").fill("olga@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Quarantine")).to_be_visible()
    return page


def assert_sound(page: Page) -> None:
    """Nothing for axe to say, and nothing wider than the screen."""
    page.locator("details").evaluate_all("folds => folds.forEach((fold) => { fold.open = true; })")
    assert axe(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def assert_within(page: Page) -> None:
    """No chip sticks out of its card, and no card out of the page."""
    stick_out = """cells => cells.filter((cell) => {
      const chip = cell.querySelector(".chip");
      return chip && chip.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1;
    }).length"""
    assert page.locator(".table td").evaluate_all(stick_out) == 0
    wider = """rows => rows.filter((row) => {
      const box = row.closest(".table-box");
      return row.getBoundingClientRect().right > box.getBoundingClientRect().right + 1;
    }).length"""
    assert page.locator(".table tbody tr").evaluate_all(wider) == 0


@pytest.mark.parametrize(
    "options",
    [{**WIDE, "color_scheme": "light"}, {"color_scheme": "dark"}],
    ids=["wide and light", "narrow and dark"],
)
def test_a_signed_out_phones_work_is_rescued_and_taken_in(
    browser: Chromium, server: Server, tmp_path: Path, options: dict[str, object]
) -> None:
    page = sign_in(browser, server, **options)
    assert_sound(page)
    assert_within(page)
    page.get_by_role("link", name="Read a rescue file").click()
    page.get_by_label("The phone's file").set_input_files(tmp_path / "phone.baton")
    page.get_by_role("button", name="Read it in").click()
    expect(page.get_by_role("heading", name="phone.baton")).to_be_visible()
    assert_sound(page)
    assert_within(page)
    page.locator('a[href^="/office/quarantine/"]').first.click()
    expect(page.get_by_role("heading", name="Collected")).to_be_visible()
    expect(page.get_by_text("The phone's key proves that it said so.")).to_be_visible()
    expect(page.locator(".photos img")).to_have_count(2)
    assert_sound(page)
    page.get_by_label("Why, and how you made sure").fill("His last day; Ibu Sari has the same on paper")
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("His last day; Ibu Sari has the same on paper")).to_be_visible()
    page.locator(".codes a").first.click()
    expect(page.get_by_text("Taken in from quarantine")).to_be_visible()
    expect(page.locator("#anomalies").get_by_text("its phone was signed out")).to_be_visible()

    page.goto(f"{server.url}/office/quarantine")
    page.get_by_role("link", name="Delivered").click()
    expect(page.get_by_text("Nothing of this is proved.")).to_be_visible()
    assert_sound(page)
    page.get_by_label("Why it stays out").fill("Pak Budi was not there that day")
    page.get_by_role("button", name="Set it aside").click()
    expect(page.get_by_text("Pak Budi was not there that day")).to_be_visible()
    expect(page.get_by_role("button", name="Take it in on my word")).to_be_visible()

    page.goto(f"{server.url}/office/phones/unsent")
    expect(page.get_by_role("heading", name="Budi Santoso")).to_be_visible()
    assert_sound(page)
    assert browser.complaints == []
