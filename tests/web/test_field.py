"""The shell, its worker and its manifest: the same for everybody, never stale, never half of a version."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.programs import ROOT
from webapp.field.precache import build, modules_of, needed_by


def listing(client: FlaskClient) -> dict[str, str]:
    """The precache list, and that the worker follows it."""
    first, _, rest = client.get("/app/sw.js").get_data(as_text=True).partition("\n")
    assert "addEventListener" in rest
    said = json.loads(first.removeprefix("self.BATON_PRECACHE = ").removesuffix(";"))
    return {"version": said["version"], **{entry["url"]: entry["sha256"] for entry in said["files"]}}


def test_the_worker_is_asked_for_anew_each_time(client: FlaskClient) -> None:
    answer = client.get("/app/sw.js")
    assert answer.mimetype == "text/javascript"
    assert "no-cache" in answer.headers["Cache-Control"]
    again = client.get("/app/sw.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_shell_says_the_version_that_the_worker_keeps(client: FlaskClient) -> None:
    shell = client.get("/app/").get_data(as_text=True)
    assert f'name="baton-version" content="{listing(client)["version"]}"' in shell


def test_the_shell_sets_no_cookie_and_names_nobody(client: FlaskClient) -> None:
    answer = client.get("/app/")
    assert "Set-Cookie" not in answer.headers
    assert "csrf" not in answer.get_data(as_text=True)


def test_what_the_phone_needs_offline_is_on_the_list(client: FlaskClient) -> None:
    listed = listing(client)
    for needed in ("/app/", "/app/decode.js", "/app/manifest.webmanifest", "/app/phone.css"):
        assert needed in listed
    assert any(url.endswith("zxing_reader.wasm") for url in listed)
    assert any(url.endswith("sprite.svg") for url in listed), "icons are part of the screen"
    assert not any("/pages/office" in url or "htmx" in url for url in listed), (
        "the office stays in the office"
    )


@pytest.mark.parametrize("path", ["/app/", "/app/sw.js", "/app/phone.css"])
def test_what_is_made_here_goes_packed_to_whoever_can_unpack_it(client: FlaskClient, path: str) -> None:
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_the_phones_sheets_are_one_in_their_order(client: FlaskClient) -> None:
    told = client.get("/app/phone.css")
    text = told.get_data(as_text=True)
    assert told.mimetype == "text/css"
    firsts = [text.index(sign) for sign in ("--bg:", ".btn", "body.phone", ".viewfinder")]
    assert firsts == sorted(firsts)
    assert "url(" not in text, "an address in a joined sheet would be read from the wrong folder"


def test_the_decoder_lies_in_the_workers_scope(client: FlaskClient) -> None:
    # A worker under /static/ would not be the service worker's to serve, and scanning would need a network.
    answer = client.get("/app/decode.js")
    assert answer.mimetype == "text/javascript"
    assert needed_by("/app/decode.js", answer.get_data(as_text=True)) == [
        "/static/js/capture/decode-worker.js"
    ]


def test_the_manifest_makes_it_installable(client: FlaskClient) -> None:
    answer = client.get("/app/manifest.webmanifest")
    said = json.loads(answer.data)
    assert answer.mimetype == "application/manifest+json"
    assert said["start_url"] == said["scope"] == "/app/"
    assert said["display"] == "standalone"
    purposes = {(icon["sizes"], icon.get("purpose", "any")) for icon in said["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= purposes
    for icon in said["icons"]:
        with client.get(icon["src"]) as picture:
            assert picture.status_code == 200


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A small house: a page's module, what it imports, a style that imports another."""
    files = {
        "js/app.js": 'import { a } from "./a.js";\nimport "./side.js";\n// import "./never.js";\n',
        "js/a.js": 'export {\n  b,\n} from "./deep/b.js";\nconst w = new URL("./work.js", import.meta.url);\n',
        "js/deep/b.js": 'const late = () => import("../late.js");\n/* from "./gone.js" */\n',
        "js/side.js": "",
        "js/late.js": "",
        "js/work.js": "",
        "css/all.css": '@import url("part.css");\n',
        "css/part.css": "a { background: url(dot.svg) }\n",
        "css/dot.svg": "<svg/>",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_start_loads_nothing_that_seals_sends_or_looks_and_still_keeps_it_all(client: FlaskClient) -> None:
    listed = listing(client)
    started = set(modules_of(ROOT / "webapp/static", "/static/js/pages/app.js"))
    for late in (
        "outbox/seal",
        "outbox/sync",
        "outbox/enrol",
        "capture/camera",
        "capture/decoder",
        "pages/scan",
    ):
        url = f"/static/js/{late}.js"
        assert url in listed, "or the phone could not seal without a network"
        assert url not in started, "the first screen would wait for it"


PAGE = '<link href="/static/css/all.css"><script src="/static/js/app.js"></script>'


def test_everything_that_is_reached_is_listed_and_nothing_else(static: Path) -> None:
    names = {url.removeprefix("/static/") for url in build(static, {"/": PAGE}).files}
    assert names == {
        "/",
        *(str(path.relative_to(static)) for path in static.rglob("*.*")),
    }


def test_only_what_runs_at_the_start_is_fetched_at_the_start(static: Path) -> None:
    assert modules_of(static, "/static/js/app.js") == [
        "/static/js/app.js",
        "/static/js/a.js",
        "/static/js/side.js",
        "/static/js/deep/b.js",
    ]


def test_one_changed_byte_is_another_version(static: Path) -> None:
    before = build(static, {"/": PAGE})
    assert build(static, {"/": PAGE}) == before
    (static / "css/dot.svg").write_text("<svg />")
    assert build(static, {"/": PAGE}).version != before.version


def test_a_file_that_is_named_and_missing_is_an_error_and_not_a_dead_worker(static: Path) -> None:
    (static / "js/late.js").unlink()
    with pytest.raises(FileNotFoundError, match=r"late\.js"):
        build(static, {"/": PAGE})
