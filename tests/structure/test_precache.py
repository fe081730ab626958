"""The list of files that a phone keeps to start without a network: nothing missing, nothing dead."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.programs import ROOT

JS = ROOT / "webapp" / "static" / "js"


@pytest.fixture
def listing(client: FlaskClient) -> Mapping[str, str]:
    """The worker's list: URL → sha256."""
    first = client.get("/app/sw.js").get_data(as_text=True).partition("\n")[0]
    said: dict[str, Any] = json.loads(first.partition("=")[2].strip().removesuffix(";"))
    return {entry["url"]: entry["sha256"] for entry in said["files"]}


def test_every_file_of_the_precache_list_is_served(client: FlaskClient, listing: Mapping[str, str]) -> None:
    # One 404 makes the worker's install fail, and with it every start without a network.
    assert {url: client.get(url, buffered=True).status_code for url in listing} == dict.fromkeys(listing, 200)


def test_a_file_of_the_precache_list_has_the_bytes_it_says(
    client: FlaskClient, listing: Mapping[str, str]
) -> None:
    static = {url: digest for url, digest in listing.items() if url.startswith("/static/")}
    assert {url: hashlib.sha256(client.get(url, buffered=True).data).hexdigest() for url in static} == static


def test_the_decoder_is_kept_with_its_glue(listing: Mapping[str, str]) -> None:
    names = {url.rpartition("/")[2] for url in listing if "/zxing-wasm-" in url}
    assert names >= {"index.js", "share.js", "zxing_reader.wasm"}


def test_every_module_of_the_phone_is_on_the_list(listing: Mapping[str, str]) -> None:
    modules = {
        f"/static/js/{path.relative_to(JS).as_posix()}"
        for floor in ("pages", "ui", "capture", "outbox", "storage", "domain")
        for path in (JS / floor).rglob("*.js")
        if not path.name.startswith("office") and not holds_only_types(path) and path.name != "background.js"
    }
    assert modules - set(listing) == set(), "dead code, or a start without a network that fails"


def test_what_only_the_worker_runs_is_in_its_own_script(client: FlaskClient) -> None:
    script = client.get("/app/outbox.js").get_data(as_text=True)
    told = client.get("/app/sw.js").get_data(as_text=True).partition("\n")[0]
    digest = json.loads(told.partition("=")[2].strip().removesuffix(";"))["outbox"]
    assert f'digest: "{digest}"' in script, "the worker takes in no script of another version"
    assert "// /static/js/outbox/background.js" in script


def holds_only_types(path: Path) -> bool:
    """Whether nothing runs in a module: comments with shapes, and an empty export."""
    code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL).strip()
    return code in {"", "export {};"}
