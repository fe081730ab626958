"""The phone's screens in Chromium: clean for axe in every theme, and firm where something is missing or wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.screens import Person, inside, seed, shown, to_pad
from tests.support.browser import Chromium
from tests.support.camera import Shot, frame
from tests.support.quality import axe
from tests.support.server import Server
from webapp.store.blobs.folder import MARK


@pytest.mark.timeout(600)
@pytest.mark.parametrize("theme", ["light", "dark", "outdoor"])
def test_axe_finds_nothing_on_any_screen(theme: str, person: Person, server: Server) -> None:
    page = person.page
    page.goto(f"{person.url}/app/")
    page.evaluate("(theme) => localStorage.setItem('baton.theme', theme)", theme)
    page.reload()
    page.wait_for_selector("#enrol-code")
    found = {"enrol": axe(page)}
    shop = seed(server)
    person.enrol(shop.code)
    found["home"] = axe(page)
    page.click("text=A run of the tests")
    person.type_code(shop.parcels[0])
    found["scan"] = axe(page)
    page.click("[data-el=list]")
    page.wait_for_selector("dialog[open]")
    found["list"] = axe(page)
    page.keyboard.press("Escape")
    page.click("[data-el=type]")
    page.wait_for_selector("dialog[open]")
    found["type"] = axe(page)
    page.keyboard.press("Escape")
    person.to_photos()
    person.photograph()
    found["photo"] = axe(page)
    page.click(".thumb")
    page.wait_for_selector("dialog[open]")
    found["one photo"] = axe(page)
    page.keyboard.press("Escape")
    person.to_signature()
    page.click("[data-el=seal]")
    page.wait_for_selector("text=Answer this before you seal")
    found["sign, refused"] = axe(page)
    person.sign()
    person.seal()
    found["done"] = axe(page)
    for screen in ("outbox", "tasks", "me"):
        person.go(screen)
        page.wait_for_selector(f"[data-tab={screen}][aria-current]")
        found[screen] = axe(page)
    assert {screen: wrong for screen, wrong in found.items() if wrong} == {}


@pytest.mark.timeout(600)
def test_an_enrolment_code_that_does_not_work_says_why_and_what_to_do(person: Person, server: Server) -> None:
    shop = seed(server)
    page = person.page
    page.goto(f"{person.url}/app/")
    page.fill("#enrol-code", "ABCDEFGHJKMN")
    page.click("[data-el=go]")
    page.wait_for_selector("text=The office does not know this code")
    person.browser.offline()
    page.click("[data-el=go]")
    page.wait_for_selector("text=No network")
    person.browser.offline(False)
    page.fill("#enrol-code", f" {shop.code.lower()} ")
    page.click("[data-el=go]")
    page.wait_for_selector("text=A run of the tests")
    page.goto(f"{person.url}/app/#/enrol/{shop.code}")
    page.wait_for_selector("#enrol-code")
    expect(
        page.locator("text=Connect a person to this phone"), "a link never swaps who the phone is unasked"
    ).to_be_visible()
    page.click("[data-el=go]")
    page.wait_for_selector("text=This code was used already")


@pytest.mark.timeout(600)
def test_a_first_opening_on_a_poor_network_says_what_is_missing(person: Person) -> None:
    page = person.page
    page.route("**/outbox/hands.js", lambda route: route.abort())
    page.goto(f"{person.url}/app/")
    page.wait_for_selector(".toast:has-text('A part of Baton is not on this phone yet.')")
    expect(page.locator("text=Not saved").first, "there was nothing to save").to_be_hidden()


@pytest.mark.timeout(600)
def test_the_offices_qr_is_scanned_inside_the_app(
    make_browser: Callable[[], Chromium], server: Server, tmp_path: Path
) -> None:
    shop = seed(server)
    import qrcode

    link = qrcode.make(f"{server.url}/app/#/enrol/{shop.code}", box_size=8).get_image().convert("RGB")
    scene = Image.new("RGB", (1280, 720), (90, 90, 90))
    scene.paste(link, (420, 100))
    video = tmp_path / "office.mjpeg"
    scene.save(tmp_path / "one.jpg", quality=90)
    video.write_bytes((tmp_path / "one.jpg").read_bytes() * 30)
    browser = make_browser()
    page = browser.open(f"{server.url}/app/", camera=video)
    page.click("text=Scan the office’s QR")
    page.wait_for_selector("text=A run of the tests")


@pytest.mark.timeout(600)
def test_nothing_is_sealed_before_it_is_answered_named_and_signed(person: Person, server: Server) -> None:
    shop = seed(server)
    to_pad(person, shop.code, shop.parcels[0])
    page = person.page
    page.click("[data-el=seal]")
    expect(page.locator("text=Answer this before you seal").first).to_be_visible()
    expect(page.locator("text=Write the name of the person who signs").first).to_be_visible()
    expect(page.locator("text=Nobody has signed yet").first).to_be_visible()
    page.get_by_label("All intact").check(force=True)
    page.fill("#sign-name", "Dewi")
    box = page.locator("[data-el=pad]").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + 60)
    page.click("[data-el=seal]")
    expect(page.locator("text=That is only a dot").first).to_be_visible()
    page.get_by_role("radio", name="Damage").check(force=True)
    person.draw()
    page.click("[data-el=seal]")
    expect(page.locator("text=Say in a few words what is damaged").first).to_be_visible()
    page.fill("#sign-note", "One corner is wet")
    person.seal()
    person.wait_for_state("Safe")
    told = shown(server, shop.parcels[0])
    assert [event["kind"] for event in told["events"] if event["kind"] != "check"] == ["collect"]


@pytest.mark.timeout(600)
def test_a_signature_survives_a_turned_phone_and_a_crash(person: Person, server: Server) -> None:
    shop = seed(server)
    to_pad(person, shop.code, shop.parcels[0])
    page = person.page
    person.sign()
    page.press(
        "#sign-name", "Enter"
    )  # the keyboard's "done": all is filled in, and still nobody has pressed Seal
    page.wait_for_timeout(500)
    expect(page.locator("canvas").first).to_be_visible()
    before = page.evaluate(INK)
    page.set_viewport_size({"width": 740, "height": 360})
    page.wait_for_function("() => document.querySelector('[data-el=pad]').clientWidth > 500")
    expect(page.locator("#pad-state")).to_have_text("signed")
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("() => document.querySelector('[data-el=pad]').clientWidth < 400")
    page.wait_for_function(f"(before) => Math.abs(({INK})() - before) < before / 5", arg=before)
    person.browser.kill()
    person.browser.open(f"{server.url}/app/")
    page = person.page
    page.click("text=Go on")
    page.wait_for_selector("canvas")
    page.wait_for_function(f"(before) => Math.abs(({INK})() - before) < before / 5", arg=before)
    expect(page.locator("#sign-name")).to_have_value("Dewi Lestari")
    person.seal()


@pytest.mark.timeout(600)
def test_a_phone_that_is_turned_under_the_finger_can_still_be_signed(person: Person, server: Server) -> None:
    shop = seed(server)
    to_pad(person, shop.code, shop.parcels[0])
    page = person.page
    pad = page.locator("[data-el=pad]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 70, box["y"] + 70, steps=4)
    page.set_viewport_size({"width": 740, "height": 360})
    page.wait_for_function("() => document.querySelector('[data-el=pad]').width > 500")
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=4)
    page.mouse.up()
    person.draw()
    page.wait_for_selector("#pad-state:has-text('signed')")


INK = """() => {
  const pad = document.querySelector("[data-el=pad]");
  const { data } = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height);
  let dark = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] < 128) dark += 1;
  return dark;
}"""


@pytest.mark.timeout(600)
def test_without_a_camera_codes_are_typed_and_photos_come_from_the_phone(
    browser: Chromium, server: Server, tmp_path: Path
) -> None:
    shop = seed(server, kind="drop_off")
    browser.open(server.url)
    person = Person(browser, server.url)
    person.enrol(shop.code)
    page = person.page
    page.click("text=A run of the tests")
    page.wait_for_selector("text=No camera found")
    wrong = shop.parcels[0][:-1] + ("0" if shop.parcels[0][-1] != "0" else "1")
    person.type_code(wrong)
    expect(page.locator("text=One character is wrong, or two are swapped").first).to_be_visible()
    page.keyboard.press("Escape")
    typed = shop.parcels[0].lower().replace("0", "o").replace("1", "l")
    person.type_code(f"{typed[:4]}-{typed[4:8]} {typed[8:]}")
    page.wait_for_function("() => document.querySelector('[data-el=n]').textContent === '1'")
    person.to_photos()
    picture = tmp_path / "big.jpg"
    big = frame(Shot(shop.parcels[0], module=14), (4000, 3000))
    exif = Image.Exif()
    exif[0x010F] = "A maker of phones"
    big.save(picture, quality=92, exif=exif)
    person.choose_file(picture)
    page.wait_for_function(TAGGED)
    person.to_signature()
    person.sign()
    person.seal()
    person.wait_for_state("Safe")
    blobs = shown(server, shop.parcels[0])["blobs"]
    assert sorted(blob["role"] for blob in blobs) == ["photo", "signature", "tag"]
    files = [path for path in (server.data / "blobs").rglob("*") if path.is_file() and path.name != MARK]
    stored = [Image.open(io.BytesIO(path.read_bytes())) for path in files]
    photos = [image for image in stored if image.format == "JPEG" and max(image.size) == 1600]
    assert photos
    assert all(not image.getexif() for image in photos)


TAGGED = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const draft = await phone.loadDraft();
  phone.close();
  return Boolean(draft?.photos.some(({ role }) => role === "tag"));
}"""


@pytest.mark.timeout(600)
def test_a_door_that_stays_shut_is_sealed_as_an_attempt(person: Person, server: Server) -> None:
    shop = seed(server, kind="deliver", role="driver", status="out_for_delivery")
    person.enrol(shop.code)
    page = person.page
    page.click("text=A run of the tests")
    person.type_code(shop.parcels[0])
    page.click("text=Could not deliver")
    person.photograph()
    expect(page.locator("[data-el=next]").first, "no attempt without a reason").to_be_disabled()
    for width, height in ((740, 300), (360, 512)):  # turned, and a short phone with the browser's own bar
        page.set_viewport_size({"width": width, "height": height})
        for control in ("[data-el=reason]", "[data-el=next]", ".shutter"):
            page.locator(control).scroll_into_view_if_needed()
            box = page.locator(control).bounding_box()
            assert box
            assert box["y"] >= 0, (control, width)
            assert box["y"] + box["height"] <= height, (control, width)
    page.set_viewport_size({"width": 360, "height": 740})
    page.select_option("[data-el=reason]", "nobody_home")
    page.click("[data-el=next]")
    page.wait_for_selector(".done-mark")
    person.wait_for_state("Safe")
    told = shown(server, shop.parcels[0])
    assert [event["kind"] for event in told["events"] if event["kind"] != "check"] == ["attempt"]


NOTE = """
import sys
from webapp.app import create_app
from webapp.store.queries import event_views
from webapp.store.unit import reading
app = create_app()
with app.app_context():
    with reading() as session:
        [view] = event_views.views(session, sys.argv[1], [sys.argv[2]])
    print(view.reason, view.note)
"""


@pytest.mark.timeout(600)
def test_a_problem_that_no_reason_fits_is_told_in_words(person: Person, server: Server) -> None:
    shop = seed(server)
    person.enrol(shop.code)
    page = person.page
    person.press("Problem")
    person.type_code(shop.parcels[0])
    person.to_photos()
    person.photograph()
    page.select_option("[data-el=reason]", "other")
    expect(page.locator("[data-el=next]").first, "the office learns nothing from “other”").to_be_disabled()
    page.fill("#photo-note", "It smells of petrol")
    page.select_option("[data-el=reason]", "damage")
    expect(page.locator("#photo-note").first, "a note of another reason does not go along").to_be_hidden()
    page.select_option("[data-el=reason]", "other")
    page.click("[data-el=next]")
    page.wait_for_selector(".done-mark")
    person.wait_for_state("Safe")
    [report] = [e for e in shown(server, shop.parcels[0])["events"] if e["kind"] == "report"]
    assert inside(server, NOTE, shop.org, report["id"]).strip() == "other It smells of petrol"


@pytest.mark.timeout(600)
def test_the_shift_ends_only_when_nothing_is_unsent(person: Person, server: Server) -> None:
    shop = seed(server, kind="deliver", role="driver", status="out_for_delivery")
    person.enrol(shop.code)
    page = person.page
    person.go("me")
    page.wait_for_selector("text=0 unsent: safe to hand back")
    person.browser.offline()
    person.go("scan/deliver")
    person.type_code(shop.parcels[0])
    person.to_photos()
    person.to_signature()
    person.sign("Siti Rahma")
    person.seal()
    person.go("me")
    page.wait_for_selector("text=Do not hand this phone back yet")
    page.click(
        "[data-el=shift] >> text=Send now"
    )  # with no network it waits; with one it may be sent before a press
    person.browser.offline(False)
    page.wait_for_selector("text=0 unsent: safe to hand back")
    told = shown(server, shop.parcels[0])
    assert told["status"] == "delivered", json.dumps(told)[:500]
