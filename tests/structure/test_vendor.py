"""The vendored browser libraries are what the lock says, and the lock is what npm's lock says."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import ROOT

VENDOR = ROOT / "webapp" / "static" / "vendor"
LOCK: list[dict[str, Any]] = json.loads((VENDOR / "vendor.lock.json").read_text())
LISTED = {f"{entry['folder']}/{path}": digest for entry in LOCK for path, digest in entry["files"].items()}


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", sorted(LISTED))
def test_a_vendored_file_is_the_one_in_the_lock(path: str) -> None:
    assert sha256(VENDOR / path) == LISTED[path]


def test_no_file_lies_there_unlisted() -> None:
    present = {str(file.relative_to(VENDOR)) for file in VENDOR.rglob("*") if file.is_file()}
    assert present - {"vendor.lock.json"} == set(LISTED)


def test_every_library_brings_its_licence() -> None:
    assert [entry["folder"] for entry in LOCK if "LICENSE" not in entry["files"]] == []


def test_versions_are_those_of_the_npm_lock() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = {entry["package"]: packages[f"node_modules/{entry['package']}"]["version"] for entry in LOCK}
    assert {entry["package"]: entry["version"] for entry in LOCK} == wanted
    assert all(entry["folder"].endswith(f"-{entry['version']}") for entry in LOCK)


def test_the_decoder_and_its_glue_are_of_one_version() -> None:
    [folder] = VENDOR.glob("zxing-wasm-*")
    glue = (folder / "reader" / "index.js").read_text()
    # The export is a name for a string literal somewhere in the glue.
    [name] = re.findall(r"(\w+) as ZXING_WASM_SHA256\b", glue)
    [digest] = re.findall(rf'\b{re.escape(name)} = "([0-9a-f]{{64}})"', glue)
    assert sha256(folder / "reader" / "zxing_reader.wasm") == digest


def test_the_npm_lock_pins_by_digest_and_names_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert [
        name for name, entry in packages.items() if name and "sha512-" not in entry.get("integrity", "")
    ] == []
    assert '"resolved"' not in text


def test_npm_dependencies_are_exact_versions() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
