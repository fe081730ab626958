"""The wheel holds all that the program reads: modules by their packages, everything else by pyproject's patterns."""

from __future__ import annotations

import glob
import shutil
import subprocess
import tomllib
from pathlib import Path

from tests.support.programs import ROOT
from tests.support.sources import files, text

PATTERNS = tomllib.loads(text("pyproject.toml"))["tool"]["setuptools"]["package-data"]


def is_module(path: str) -> bool:
    """Whether setuptools finds it by itself: a module whose folders are packages all the way up."""
    folders = list(Path(path).parents)[:-1]
    return path.endswith(".py") and all((ROOT / folder / "__init__.py").is_file() for folder in folders)


def found_by(package: str, pattern: str) -> list[str]:
    """What a pattern finds, as setuptools reads it: `**` any depth, and no hidden files, unlike Path.glob."""
    return [
        f"{package}/{found}"
        for found in glob.glob(pattern, root_dir=ROOT / package, recursive=True)  # noqa: PTH207
    ]


NAMED = {
    f"{package}: {pattern}": found_by(package, pattern)
    for package, patterns in PATTERNS.items()
    for pattern in patterns
}


def test_every_file_of_the_product_is_in_the_wheel() -> None:
    held = {path for found in NAMED.values() for path in found}
    product = [path for path in files() if path.startswith(("sync/", "webapp/"))]
    assert [path for path in product if not is_module(path) and path not in held] == []
    assert "sync/rules/packs/guide.toml" in held, "the test must see what the patterns find"


def test_no_pattern_of_the_wheel_is_left_over() -> None:
    assert [pattern for pattern, found in NAMED.items() if not found] == []


def test_setup_installs_what_an_earlier_setup_had_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "baton"):
        (programs / name).write_text('#!/bin/sh\necho "$@" >>"$(dirname "$0")/asked"\n')
        (programs / name).chmod(0o755)

    def installed(*extras: str) -> list[str]:
        (programs / "asked").unlink(missing_ok=True)
        subprocess.run(["scripts/setup.sh", *extras], cwd=tmp_path, check=True, capture_output=True)
        asked = (programs / "asked").read_text() if (programs / "asked").exists() else ""
        return [line.split()[-1] for line in asked.splitlines() if "--editable" in line]

    assert installed("scale") == [".[scale]"]
    assert installed("test,check,scale") == [".[test,check,scale]"]
    assert installed() == installed("scale") == installed("test,check") == []
