"""The wheel holds all that the program reads: modules by their packages, everything else by pyproject's patterns."""

from __future__ import annotations

import glob
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
