"""The page in a bundle, in Firefox and WebKit: opened from a file, with no network, it judges as Chromium's does."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.evidence.bundle.shell import load_shell
from tests.support.engines import Engine
from tests.support.tsa import TimeAuthority
from tests.vectors.forgeries.cast import Cast, make_cast, members_of, zipped
from tests.vectors.forgeries.edits import edited, flipped, line, part, photos, replaced
from tests.vectors.forgeries.stamped import stamped

pytestmark = pytest.mark.elsewhere
CARRIED = "the proof that this page carries"
# Pictures are loaded when they come into view.
DRAWN = """
let drawn = 0;
for (const image of document.images) {
  image.loading = "eager";
  await (image.complete || new Promise((loaded) => image.addEventListener("load", loaded)));
  drawn += image.naturalWidth > 0;
}
return drawn;
"""
VERDICT = "#verdict"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def bundle(cast: Cast) -> bytes:
    return cast.write(shell=load_shell(), embed_up_to=10**9)


def opened(engine: Engine, folder: Path, bundle: bytes) -> None:
    """Its page, from a file: address."""
    file = folder / "verify.html"
    file.write_bytes(members_of(bundle)["verify.html"])
    engine.open(file.as_uri(), is_cut_off=True)


def said(engine: Engine, name: str) -> str:
    engine.find(f'body[data-done="{name}"]')
    return engine.text(VERDICT)


def chosen(engine: Engine, folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    engine.give_file("#file", folder / name)
    return said(engine, name)


def test_the_proof_it_carries_holds_and_its_pictures_are_shown(
    engine: Engine, tmp_path: Path, bundle: bytes
) -> None:
    opened(engine, tmp_path, bundle)
    assert "All of it holds." in said(engine, CARRIED)
    assert engine.run("return document.querySelectorAll('.area[data-holds=yes]').length") == 4
    assert "Nguyễn Thị Hà" in engine.text(".events")
    assert engine.run(DRAWN) == 4


def test_a_forged_zip_is_refused_by_name_and_the_true_one_holds(
    engine: Engine, tmp_path: Path, bundle: bytes
) -> None:
    true = members_of(bundle)
    opened(engine, tmp_path, bundle)
    said(engine, CARRIED)
    photo = photos(true)[0]
    forged = edited(
        true,
        replaced(photo, flipped(true[photo], 300)),
        line("events.jws", 1, part(2, lambda text: flipped(text.encode(), 9).decode())),
    )
    assert "does not prove what it says" in chosen(engine, tmp_path, "forged.zip", zipped(forged.items()))
    codes = engine.run(
        "return [...document.querySelectorAll('li[data-fault=yes]')].map((it) => it.dataset.code)"
    )
    assert {"photo_changed", "event_signature", "event_changed"} <= set(codes)
    assert "All of it holds." in chosen(engine, tmp_path, "true.zip", bundle)


def test_a_stamped_bundle_holds_and_says_what_is_left_to_check(
    engine: Engine, tmp_path: Path, cast: Cast
) -> None:
    facts = stamped(cast, TimeAuthority(tmp_path / "tsa"))
    data = cast.write(facts, shell=load_shell(), embed_up_to=10**9)
    opened(engine, tmp_path, data)
    assert "All of it holds." in said(engine, CARRIED)
    codes = engine.run("return [...document.querySelectorAll('li[data-code]')].map((it) => it.dataset.code)")
    assert "stamp_unchecked" in codes
