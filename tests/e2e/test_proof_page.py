"""The page in a bundle, opened from a file in a real browser with the network taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from sync.evidence.bundle.shell import load_shell
from tests.support.browser import Chromium
from tests.vectors.forgeries.cast import Cast, make_cast, members_of, zipped
from tests.vectors.forgeries.edits import edited, flipped, line, part, photos, replaced

READY = 'body[data-done="{}"]'  # a selector: the page's policy lets nobody evaluate a text again and again
CARRIED = "the proof that this page carries"


@pytest.fixture
def chromium(playwright: Playwright, tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(playwright, tmp_path / "profile")
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def bundle(cast: Cast) -> bytes:
    return cast.write(shell=load_shell(), embed_up_to=10**9)


def opened(
    chromium: Chromium, folder: Path, page_bytes: bytes, script: str | None = None
) -> tuple[Page, list[str]]:
    """The page from a file: address, without a network; and what it asked for beyond its own file.

    `script` runs before any of the page's own.
    """
    file = folder / "verify.html"
    file.write_bytes(page_bytes)
    page = chromium.open()
    if script:
        page.add_init_script(script)
    chromium.offline()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    return page, asked


def said(page: Page, name: str) -> str:
    page.locator(READY.format(name)).wait_for()
    return page.inner_text("#verdict")


def chosen(page: Page, folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    page.set_input_files("#file", folder / name)
    return said(page, name)


def test_the_page_says_at_once_that_the_proof_it_carries_holds(
    chromium: Chromium, tmp_path: Path, bundle: bytes
) -> None:
    page, asked = opened(chromium, tmp_path, members_of(bundle)["verify.html"])
    assert "All of it holds." in said(page, CARRIED)
    expect(page.locator('.area[data-holds="yes"]')).to_have_count(4)
    expect(page.locator(".events > li")).to_have_count(5)
    expect(page.locator(".events")).to_contain_text("Nguyễn Thị Hà")
    page.locator('img[src^="blob:"]').nth(3).wait_for(state="attached")
    expect(page.locator("img")).to_have_count(4)
    assert {url.split(":")[0] for url in asked} <= {"file", "blob"}
    assert chromium.complaints == []


def test_a_forged_zip_that_is_chosen_is_refused_by_name(
    chromium: Chromium, tmp_path: Path, bundle: bytes
) -> None:
    true = members_of(bundle)
    page, _ = opened(chromium, tmp_path, true["verify.html"])
    said(page, CARRIED)
    photo = photos(true)[0]
    forged = edited(
        true,
        replaced(photo, flipped(true[photo], 300)),
        line("events.jws", 1, part(2, lambda text: flipped(text.encode(), 9).decode())),
    )
    assert "does not prove what it says" in chosen(page, tmp_path, "forged.zip", zipped(forged.items()))
    codes = page.eval_on_selector_all('li[data-fault="yes"]', "found => found.map(it => it.dataset.code)")
    assert {"photo_changed", "event_signature", "event_changed"} <= set(codes)
    expect(page.locator("figure.absent", has_text="was changed")).to_have_count(1)
    assert "This is no proof bundle" in chosen(page, tmp_path, "note.txt", b"a note")
    assert "All of it holds." in chosen(page, tmp_path, "true.zip", bundle)
    assert chromium.complaints == []


# The first digest that the page asks for, of the proof it carries, waits until somebody opens the gate.
SLOW = """
const real = SubtleCrypto.prototype.digest;
let isFirst = true;
const gate = new Promise((open) => document.addEventListener("gate", open));
SubtleCrypto.prototype.digest = async function (...about) {
  const waits = isFirst;
  isFirst = false;
  if (waits) await gate;
  return real.apply(this, about);
};
"""


def test_a_file_chosen_while_the_carried_proof_is_checked_keeps_its_own_verdict(
    chromium: Chromium, tmp_path: Path, bundle: bytes
) -> None:
    page, _ = opened(chromium, tmp_path, members_of(bundle)["verify.html"], SLOW)
    assert "This is no proof bundle" in chosen(page, tmp_path, "note.txt", b"a note")
    page.dispatch_event("body", "gate", {"bubbles": True})
    page.wait_for_timeout(1500)  # the carried proof takes less than that
    assert "This is no proof bundle" in said(page, "note.txt")
    expect(page.locator("#result > *")).to_have_count(0)


def test_a_page_that_carries_a_changed_proof_says_so(chromium: Chromium, tmp_path: Path, cast: Cast) -> None:
    from sync.evidence.bundle.slot import fill_page

    slim = members_of(cast.write(shell=load_shell()))
    slim.pop("verify.html")
    name = photos(slim)[0]
    forged = zipped({**slim, name: flipped(slim[name], 300)}.items())
    page, _ = opened(chromium, tmp_path, fill_page(load_shell(), forged))
    assert "does not prove what it says" in said(page, CARRIED)


def test_the_empty_page_asks_for_a_bundle(chromium: Chromium, tmp_path: Path, bundle: bytes) -> None:
    page, _ = opened(chromium, tmp_path, load_shell())
    expect(page.locator("#verdict")).to_contain_text("Nothing is checked yet.")
    assert "All of it holds." in chosen(page, tmp_path, "true.zip", bundle)


def test_words_in_a_bundle_are_words_and_never_markup(chromium: Chromium, tmp_path: Path, cast: Cast) -> None:
    evil = "<img src=x onerror=document.title='gotcha'></script><script>document.title='gotcha'</script>"

    def edit(timeline: dict[str, object]) -> None:
        timeline["shop"] = {"id": "org-1", "name": evil}

    data = cast.write(cast.retold(edit), shell=load_shell(), embed_up_to=10**9)
    page, _ = opened(chromium, tmp_path, members_of(data)["verify.html"])
    assert "All of it holds." in said(page, CARRIED)
    expect(page.locator("#result")).to_contain_text(evil)
    assert page.title() == "Check a proof of handover"


def test_pictures_of_other_parcels_are_one_frame(chromium: Chromium, tmp_path: Path, cast: Cast) -> None:
    others = {blob["sha256"] for blob in cast.payload("collect")["blobs"]}

    def edit(timeline: dict[str, Any]) -> None:
        for blob in timeline["events"][1]["blobs"]:
            blob["state"] = "left_out"

    parts = members_of(cast.write(cast.retold(edit), shell=load_shell()))
    kept = {name: data for name, data in parts.items() if name[6:70] not in others}
    page, _ = opened(chromium, tmp_path, load_shell())
    chosen(page, tmp_path, "proof.zip", zipped(kept.items()))
    collect = page.locator(".events > li").nth(1)
    expect(collect.locator("figure")).to_have_count(1)
    expect(collect).to_contain_text(f"{len(others)} pictures, of each: Shows another parcel")
