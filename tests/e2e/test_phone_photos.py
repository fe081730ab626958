"""Photos and names on the phone: whose photo it is, how many are in memory, and parcels that turn out to be one."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.screens import Person, Shop, seed
from tests.support.server import Server

# The shutter is pressed, and the choice changed before the picture can have been kept.
PRESS_AND_CHANGE = """(later) => {
  const target = document.querySelector("[data-el=target]");
  document.querySelector("[data-el=shutter]").click();
  target.value = later;
  target.dispatchEvent(new Event("change", { bubbles: true }));
}"""
PARCELS = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const draft = await phone.loadDraft();
  phone.close();
  return draft.photos.filter(({ role }) => role === "photo").map(({ parcel }) => parcel);
}"""
# Width and height of each kept photo.
SIZES = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const { photos } = await phone.loadDraft();
  const sizes = [];
  for (const { sha256, type } of photos) {
    const { width, height } = await createImageBitmap(new Blob([await phone.blob(sha256)], { type }));
    sizes.push([width, height]);
  }
  phone.close();
  return sizes;
}"""
# How many pictures read from files are open at once, at most.
COUNT_OPEN = """() => {
  const make = createImageBitmap.bind(window);
  const { close } = ImageBitmap.prototype;
  const open = new Set();
  window.mostOpen = 0;
  window.createImageBitmap = async (source, ...how) => {
    const made = await make(source, ...how);
    if (source instanceof Blob) open.add(made);
    window.mostOpen = Math.max(window.mostOpen, open.size);
    return made;
  };
  ImageBitmap.prototype.close = function () {
    open.delete(this);
    close.call(this);
  };
}"""
# The list learns that what was scanned as `gone` is the parcel `code` by its tracking number; other tabs are told.
ONE_PARCEL = """async ([code, gone]) => {
  const { Store } = await import("/static/js/storage/store.js");
  const store = new Store();
  await store.open();
  await store.write(["parcels"], async (tx) => {
    const rows = await tx.objectStore("parcels").getAll();
    const row = rows.find((one) => one.code === code);
    await tx.objectStore("parcels").put({ ...row, tracking_number: gone });
    await tx.objectStore("parcels").delete([row.device, gone]);
  });
  store.close();
  new BroadcastChannel("baton").postMessage("all");
}"""


def at_photos(person: Person, shop: Shop) -> None:
    """Enrolled, all parcels typed, on Photo."""
    person.enrol(shop.code)
    person.page.click("text=A run of the tests")
    for number, code in enumerate(shop.parcels, start=1):
        person.type_code(code)
        person.page.wait_for_function(
            "(n) => document.querySelector('[data-el=n]').textContent === String(n)", arg=number
        )
    person.to_photos()


def noise(folder: Path, count: int) -> list[Path]:
    """Large pictures, each of its own, that take a while to be kept."""
    files = [folder / f"{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        Image.effect_noise((2400, 1800), 40 + number).save(file, quality=80)
    return files


@pytest.mark.timeout(600)
def test_a_photo_is_of_the_parcel_that_was_chosen_at_the_press(person: Person, server: Server) -> None:
    shop = seed(server, parcels=2)
    at_photos(person, shop)
    page = person.page
    page.select_option("[data-el=target]", shop.parcels[0])
    page.wait_for_selector(".shutter:not([disabled])")
    page.evaluate(PRESS_AND_CHANGE, shop.parcels[1])
    page.wait_for_selector(".thumb")
    person.wait_until_kept("photos")
    assert page.evaluate(PARCELS) == [shop.parcels[0]]
    expect(page.locator("[data-el=target]"), "the next one is of the other").to_have_value(shop.parcels[1])


@pytest.mark.timeout(600)
def test_of_many_chosen_files_one_is_in_memory_at_a_time(
    person: Person, server: Server, tmp_path: Path
) -> None:
    shop = seed(server, parcels=1)
    person.page.add_init_script(f"({COUNT_OPEN})()")
    at_photos(person, shop)
    person.page.set_input_files("[data-el=file]", noise(tmp_path, 4))
    person.page.wait_for_selector(".thumb >> nth=3")
    person.page.wait_for_function("() => document.querySelector('[data-el=file]').value === ''")
    assert person.page.evaluate("window.mostOpen") == 1


@pytest.mark.timeout(600)
def test_a_file_that_a_phone_wrote_lying_down_stands_upright(
    person: Person, server: Server, tmp_path: Path
) -> None:
    at_photos(person, seed(server, parcels=1))
    picture = tmp_path / "portrait.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn it a quarter to the right
    Image.effect_noise((2000, 1500), 40).save(picture, quality=80, exif=exif)
    person.choose_file(picture)
    person.wait_until_kept("photos")
    assert person.page.evaluate(SIZES) == [[1200, 1600]]


@pytest.mark.timeout(600)
def test_parcels_that_turn_out_to_be_one_are_one_on_photo_and_on_sign(person: Person, server: Server) -> None:
    shop = seed(server, parcels=3)
    first, second, third = shop.parcels
    at_photos(person, shop)
    page = person.page
    page.select_option("[data-el=target]", second)
    person.photograph()
    page.select_option("[data-el=target]", second)
    page.evaluate(ONE_PARCEL, [first, second])
    page.wait_for_function("() => document.querySelector('[data-el=target]').options.length === 3")
    expect(page.locator("[data-el=target]"), "the choice goes with its parcel").to_have_value(first)
    person.to_signature()
    expect(page.locator("[data-el=sum-parcels]")).to_have_text("2 parcels")
    person.sign()
    page.evaluate(ONE_PARCEL, [first, third])
    page.wait_for_selector("text=Two of the codes are one parcel: sign again.")
    expect(page.locator("[data-el=sum-parcels]")).to_have_text("1 parcel")
    expect(page.locator("[data-el=intact-q]")).to_have_text("Is the parcel intact?")
    expect(page.locator("[data-el=pad-state]")).to_have_text("empty")
    expect(page.locator("input[name=intact]:checked")).to_have_count(0)
    expect(page.locator("#sign-name")).to_have_value("Dewi Lestari")
    assert page.evaluate(PARCELS) == [first]
    person.sign()
    person.seal()


@pytest.mark.timeout(600)
def test_going_on_waits_for_the_pictures_that_are_still_being_kept(
    person: Person, server: Server, tmp_path: Path
) -> None:
    at_photos(person, seed(server, parcels=1))
    page = person.page
    first, *others = noise(tmp_path, 4)
    person.choose_file(first)
    page.set_input_files("[data-el=file]", others)
    page.evaluate("document.querySelector('[data-el=next]').click()")
    expect(page.locator("[data-el=next-text]")).to_have_text("Keeping the photo …")
    page.wait_for_selector("canvas")
    expect(page.locator("[data-el=sum-photos]")).to_have_text("4 photos")


@pytest.mark.timeout(600)
def test_whoever_goes_back_while_a_picture_is_being_kept_stays_there(
    person: Person, server: Server, tmp_path: Path
) -> None:
    at_photos(person, seed(server, parcels=1))
    page = person.page
    first, second = noise(tmp_path, 2)
    person.choose_file(first)
    page.set_input_files("[data-el=file]", [second])
    page.evaluate("document.querySelector('[data-el=next]').click(), document.querySelector('#back').click()")
    page.wait_for_selector("[data-el=type]")
    for _ in range(100):
        if len(page.evaluate(PARCELS)) == 2:
            break
        page.wait_for_timeout(100)
    assert len(page.evaluate(PARCELS)) == 2, "the picture is kept all the same"
    page.wait_for_timeout(1000)
    assert "#/scan/" in page.url
