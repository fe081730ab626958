"""The office's work in a real browser: tags that can be read off the paper, a phone let in, a run that moves."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from sync.protocol.keys import generate_key, public_jwk
from tests.support.browser import Chromium
from tests.support.desk import PASSWORD, make_desk_user
from tests.support.installation import make_settings, running_app
from tests.support.quality import axe
from tests.support.server import Server
from tests.support.shop import make_parcels, make_run, make_shop, make_user
from tests.unit.phones import Phone, proof
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.services.keep_places import PlaceFacts, save_place

DESK = {"width": 1280, "height": 800}
SECRET = "a secret of the tests"
MM = 96 / 25.4  # css pixels


@dataclass
class Stage:
    """A shop on a running server: `parcels` are ready and on `run`, `loose` are only expected."""

    server: Server
    org: str
    courier: str
    run: str
    place: str
    parcels: list[str]
    loose: list[str]


@pytest.fixture
def stage(make_server: Callable[..., Server]) -> Iterator[Stage]:
    server = make_server(BATON_SECRET_KEY=SECRET, BATON_RATE_LIMITS="0").start()
    with running_app(make_settings(server.data, secret_key=SECRET)):
        org_id = make_shop("Sari's Batik Store")
        make_desk_user(org_id, "admin", "Ada Admin", email="ada@example.com")
        courier = make_user(org_id, "courier", "Cora Reyes")
        place = save_place(org_id, None, PlaceFacts("Depot", position=(14.6, 121.0)))
        save_carrier(org_id, "jt", CarrierFacts("J&T Express", ("JNT",), r"^JT\d{12}$"), is_new=True)
        parcels = make_parcels(org_id, 11, status="ready", carrier="jt", fragile=True)
        loose = make_parcels(org_id, 3, seed=9)
        run = make_run(org_id, courier, parcels, place_id=place)
        yield Stage(server, org_id, courier, run, place, parcels, loose)


def sign_in(browser: Chromium, stage: Stage, **options: Any) -> Page:
    page = browser.open(
        f"{stage.server.url}/office/sign-in", **{"viewport": DESK, "is_mobile": False, **options}
    )
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/office/", wait_until="domcontentloaded")
    return page


def enrol(stage: Stage, code: str) -> tuple[Phone, str]:
    """What a phone does with the code it scanned; gives the phone and its token."""
    key = generate_key()
    told = call(
        stage, "devices", {"code": code, "jwk": public_jwk(key), "label": "Redmi", "client": "tests/1.0"}
    )
    return Phone(told["device"], told["actor"]["id"], key), told["token"]


def call(stage: Stage, path: str, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    asked = urllib.request.Request(f"{stage.server.url}/sync/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def test_every_tag_can_be_read_off_the_printed_page_and_is_large_enough(
    browser: Chromium, stage: Stage
) -> None:
    page = sign_in(browser, stage, device_scale_factor=2)
    page.goto(f"{stage.server.url}/office/tags/print?run={stage.run}")
    page.emulate_media(media="print")
    read: set[str] = set()
    for tag in page.locator(".tag").all():
        found = zxingcpp.read_barcodes(Image.open(BytesIO(tag.screenshot())))
        printed = tag.locator(".tag-code").inner_text().replace("-", "")
        assert {(each.text, each.format) for each in found} == {
            (printed, zxingcpp.BarcodeFormat.QRCode),
            (printed, zxingcpp.BarcodeFormat.Code128),
        }
        read.add(printed)
    assert read == set(stage.parcels)
    box = page.locator(".symbol-qr").first.bounding_box()
    assert box is not None
    assert box["width"] == box["height"]
    assert box["width"] / MM * 25 / 33 >= 35
    assert box["width"] / MM * 4 / 33 >= 4 * 1.4
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(pages) == 2
    assert browser.complaints == []


def test_the_bars_of_a_handover_sheet_can_be_read(browser: Chromium, stage: Stage) -> None:
    page = sign_in(browser, stage, device_scale_factor=2)
    page.goto(f"{stage.server.url}/office/runs/{stage.run}/sheet")
    page.emulate_media(media="print")
    for row in page.locator(".sheet-table tbody tr").all():
        [found] = zxingcpp.read_barcodes(Image.open(BytesIO(row.screenshot())))
        printed = row.locator("th").inner_text().replace("-", "")
        assert found.text == printed
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_is_let_in_from_the_screen(browser: Chromium, stage: Stage, scheme: Any) -> None:
    page = sign_in(browser, stage, color_scheme=scheme)
    page.goto(f"{stage.server.url}/office/phones/enrol")
    page.get_by_label("Whose phone is it?").select_option(label="Cora Reyes (courier)")
    page.get_by_role("button", name="Show the code").click()
    drawing = page.locator(".enrol-qr")
    drawing.scroll_into_view_if_needed()
    [found] = zxingcpp.read_barcodes(Image.open(BytesIO(drawing.screenshot())))
    link, _, code = found.text.rpartition("/")
    assert link == f"{stage.server.url}/app/#/enrol"
    expect(page.locator("#enrol-state")).to_contain_text("The code holds for 14:")
    enrol(stage, code)
    expect(page.locator("#enrol-state")).to_contain_text("Phone enrolled. Redmi works for Cora Reyes now.")
    assert browser.complaints == []
    # axe itself sets styles that the policy forbids: what it makes the browser say is no complaint of ours.
    assert axe(page) == []


def test_a_runs_page_follows_the_scans_and_keeps_what_is_ticked(browser: Chromium, stage: Stage) -> None:
    page = sign_in(browser, stage)
    page.goto(f"{stage.server.url}/office/phones/enrol?user_id={stage.courier}")
    page.get_by_role("button", name="Show the code").click()
    phone, token = enrol(stage, page.locator(".enrol-text").inner_text())
    page.goto(f"{stage.server.url}/office/runs/{stage.run}")
    expect(page.locator(".progress-figure")).to_have_text("0 of 11 handed over")
    page.locator(f"#off-{stage.parcels[-1]}").check()
    sealed = phone.seal("collect", stage.parcels[:10], run=stage.run, **proof("collect"))
    told = call(
        stage, "events", {"sent_at": "2026-11-22T07:15:30.123Z", "events": [sealed], "queue": {}}, token
    )
    assert told["results"][0]["status"] == "applied"
    expect(page.locator(".progress-figure")).to_have_text("10 of 11 handed over", timeout=15_000)
    expect(page.locator(f"#off-{stage.parcels[-1]}")).to_be_focused()
    expect(page.locator(f"#off-{stage.parcels[-1]}")).to_be_checked()
    page.get_by_role("button", name="Take the ticked ones off").click()
    expect(page.locator(".progress-figure")).to_have_text("10 of 10 handed over")
    expect(page.get_by_text("All scanned")).to_be_visible()
    assert browser.complaints == []


def test_one_tick_ticks_all_rows_that_are_shown_and_follows_them(browser: Chromium, stage: Stage) -> None:
    page = sign_in(browser, stage)
    page.goto(f"{stage.server.url}/office/prepare")
    head = page.get_by_label("Tick all that are shown")
    rows = page.locator("tbody td.tick input")
    head.check()
    for row in rows.all():
        expect(row).to_be_checked()
    rows.first.uncheck()
    expect(head).not_to_be_checked()
    assert head.evaluate("box => box.indeterminate")
    rows.first.check()
    expect(head).to_be_checked()
    head.uncheck()
    for row in rows.all():
        expect(row).not_to_be_checked()
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, {"width": 360, "height": 740}], ids=["desk", "phone"])
def test_no_page_has_a_fault_that_axe_finds_or_runs_over_its_side(
    browser: Chromium, stage: Stage, viewport: dict[str, int], scheme: Any
) -> None:
    page = sign_in(browser, stage, viewport=viewport, color_scheme=scheme)
    faults: dict[str, list[str]] = {}
    for path in (
        "prepare",
        "runs",
        "runs/new",
        f"runs/{stage.run}",
        f"runs/{stage.run}/sheet",
        "tags",
        f"tags/print?run={stage.run}",
        "phones",
        "phones/enrol",
        "people",
        "people/new",
        f"people/{stage.courier}",
        "places",
        f"places/{stage.place}",
        "carriers/jt",
        "carriers/new",
    ):
        page.goto(f"{stage.server.url}/office/{path}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults[path] = [*axe(page), *([f"{wide} px too wide"] if wide > 0 else [])]
    page.goto(f"{stage.server.url}/office/prepare")
    page.get_by_label("All on this list").check()
    page.get_by_role("button", name="Label").click()
    expect(page.get_by_role("heading", name="Label 3 parcels?")).to_be_visible()
    faults["asked"] = axe(page)
    page.get_by_role("button", name="Label").click()
    expect(page.get_by_role("heading", name="Labelled")).to_be_visible()
    faults["prepared"] = axe(page)
    assert {path: found for path, found in faults.items() if found} == {}


# What has the focus, when a hand that pressed there would reach something else.
UNDER = """() => {
  const here = document.activeElement;
  const box = here.closest("label, .tick") ?? here;
  const { x, y, width, height } = box.getBoundingClientRect();
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  if (box.contains(top)) return "";
  return `${here.outerHTML.slice(0, 90)} at ${Math.round(y)} under ${top?.outerHTML.slice(0, 60)}`;
}"""


@pytest.mark.parametrize(
    "viewport",
    [DESK, {"width": 360, "height": 740}, {"width": 1280, "height": 560}],
    ids=["desk", "phone", "low"],
)
def test_nothing_that_has_the_focus_lies_under_the_presses_of_prepare(
    browser: Chromium, stage: Stage, viewport: dict[str, int]
) -> None:
    make_parcels(stage.org, 25, seed=11)
    page = sign_in(browser, stage, viewport=viewport)
    page.goto(f"{stage.server.url}/office/prepare")
    expect(page.get_by_role("button", name="Label")).to_be_in_viewport()
    page.locator("main").evaluate("main => { main.tabIndex = -1; main.focus(); }")
    hidden, met = [], set()
    for way in ("Tab", "Shift+Tab"):
        for _ in range(90):
            page.keyboard.press(way)
            if page.evaluate("() => !document.querySelector('main').contains(document.activeElement)"):
                break
            met.add(page.evaluate("() => document.activeElement.outerHTML"))
            if under := page.evaluate(UNDER):
                hidden.append(under)
    assert len(met) > 40
    assert hidden == []


def test_the_page_one_is_on_and_the_way_out_are_in_sight_on_a_low_screen(
    browser: Chromium, stage: Stage
) -> None:
    page = sign_in(browser, stage)
    for path, name in (("", "Board"), ("carriers", "Carriers"), ("rules", "Rules")):
        page.goto(f"{stage.server.url}/office/{path}")
        here = page.locator("#menu [aria-current]")
        expect(here).to_contain_text(name)
        expect(here).to_be_in_viewport(ratio=1)
        out = page.get_by_role("button", name="Sign out")
        expect(out).to_be_in_viewport(ratio=1)
        below, above = here.bounding_box(), out.bounding_box()
        assert below is not None
        assert above is not None
        assert below["y"] + below["height"] <= above["y"], "what says where one is is not covered"


def test_a_double_press_books_once_and_typing_is_not_disturbed(browser: Chromium, stage: Stage) -> None:
    page = sign_in(browser, stage)
    page.goto(f"{stage.server.url}/office/cases/new?parcels={stage.parcels[0]}")
    page.locator("#f-kind").select_option("complaint")
    page.locator("#f-title").fill("It never came")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    # The second press in a task of its own, while the first waits for its answer: else the browser itself drops one.
    page.route("**/office/cases/new", lambda route: (time.sleep(1), route.continue_()))
    page.evaluate("""() => {
      const button = document.querySelector("#main form button[type=submit]");
      button.click();
      setTimeout(() => button.click(), 300);
    }""")
    page.wait_for_url("**/office/cases/0*")
    page.unroute("**/office/cases/new")
    page.goto(f"{stage.server.url}/office/cases")
    expect(page.get_by_role("link", name="It never came")).to_have_count(1)
    assert len(sent) == 1

    page.goto(f"{stage.server.url}/office/runs/new")
    page.locator("input[name=kind][value=deliver]").check(force=True)
    page.locator("#f-user_id").select_option(stage.courier)
    page.locator("#main form button[type=submit]").last.click()
    expect(page.locator('#main [aria-invalid="true"]').first).to_be_visible()
    codes = page.locator("#f-codes")
    codes.fill("")
    with page.expect_response("**/office/runs/fit*"):
        codes.press_sequentially(stage.parcels[0])
    page.wait_for_timeout(300)
    expect(codes).to_be_focused()


def test_what_was_typed_before_the_session_ended_is_back_after_signing_in(
    browser: Chromium, stage: Stage
) -> None:
    page = sign_in(browser, stage)
    page.goto(f"{stage.server.url}/office/cases/new?parcels={stage.parcels[0]}")
    page.locator("#f-kind").select_option("complaint")
    page.locator("#f-title").fill("It never came")
    page.locator("#f-words").fill("Two pages of what the buyer said")
    send_without_a_session(page, page.locator("#main form button[type=submit]"))
    expect(page.locator("#say")).to_contain_text("What you had filled in is back in its fields.")
    expect(page.locator("#f-words")).to_have_value("Two pages of what the buyer said")
    expect(page.locator("#f-title")).to_have_value("It never came")
    expect(page.locator("#f-kind")).to_have_value("complaint")
    page.reload()
    expect(page.locator("#f-words")).to_have_value("")


def test_ticks_days_and_choices_are_back_too_and_what_cannot_be_is_said(
    browser: Chromium, stage: Stage
) -> None:
    page = sign_in(browser, stage)
    page.goto(f"{stage.server.url}/office/runs/new")
    page.locator("input[name=kind][value=deliver]").check(force=True)
    page.locator("#f-day").fill("2030-01-31")
    send_without_a_session(page, page.locator("#main form button[type=submit]"))
    expect(page.locator("#say")).to_contain_text("What you had filled in is back in its fields.")
    expect(page.locator("input[name=kind][value=deliver]")).to_be_checked()
    expect(page.locator("#f-day")).to_have_value("2030-01-31")

    page.goto(f"{stage.server.url}/office/review")
    page.get_by_text("Rules of this desk").click()
    page.locator("input[name=by_itself]").check()
    page.locator("#f-share").fill("37")
    send_without_a_session(page, page.get_by_role("button", name="Keep these rules"))
    expect(page.locator("#f-share")).to_be_visible()
    expect(page.locator("#f-share")).to_have_value("37")
    expect(page.locator("input[name=by_itself]")).to_be_checked()

    page.goto(f"{stage.server.url}/office/people/new")
    page.locator("#f-name").fill("Nia New")
    page.locator("#f-password").fill(PASSWORD)
    send_without_a_session(page, page.get_by_role("button", name="Add", exact=True))
    expect(page.locator("#say")).to_contain_text("Not all of what you had filled in is back.")
    expect(page.locator("#f-name")).to_have_value("Nia New")
    expect(page.locator("#f-password")).to_have_value("")


def test_what_comes_back_is_seen_however_deep_it_was_folded_away(browser: Chromium, stage: Stage) -> None:
    page = sign_in(browser, stage)
    page.goto(f"{stage.server.url}/office/phones/enrol?user_id={stage.courier}")
    page.get_by_role("button", name="Show the code").click()
    phone, token = enrol(stage, page.locator(".enrol-text").inner_text())
    early = phone.seal("collect", stage.loose[:1], **proof("collect"))
    call(stage, "events", {"sent_at": "2026-11-22T07:15:30.123Z", "events": [early], "queue": {}}, token)
    page.goto(f"{stage.server.url}/office/parcels/{stage.loose[0]}")
    notes = page.locator("#anomalies > details", has_text="Notes")
    notes.locator("> summary").click()
    notes.locator("summary", has_text="Close it").first.click()
    notes.locator("textarea").first.fill("It was never meant to be confirmed")
    send_without_a_session(page, notes.get_by_role("button").first)
    expect(notes.locator("textarea").first).to_have_value("It was never meant to be confirmed")
    expect(notes.locator("textarea").first).to_be_visible()


def send_without_a_session(page: Page, button: Locator) -> None:
    """Press it when the session has ended, and sign in again at the door that this leads to."""
    was = page.url
    page.context.clear_cookies()
    button.click()
    page.wait_for_url(re.compile("/office/sign-in"), wait_until="domcontentloaded")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(was, wait_until="domcontentloaded")
