"""The project's own files, for the tests of its structure."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache

from tests.support.programs import ROOT

OURS = ("sync/", "webapp/", "tests/", "scripts/")
MADE = {".git", ".venv", "node_modules", "var", "__pycache__", "build", "dist", ".mypy_cache", ".ruff_cache"}
NOT_BY_HAND = ("webapp/static/vendor/", "webapp/store/migrations/versions/")


@cache
def files() -> tuple[str, ...]:
    """Paths of all files that git keeps or would keep, relative to the root; without git, of all but made ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    except (FileNotFoundError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not MADE & set(path.parts)]
    return tuple(sorted(path for path in listed if (ROOT / path).is_file()))


def written_by_hand(*endings: str) -> list[str]:
    """Our source files with one of these endings, without vendored and generated ones."""
    return [
        path
        for path in files()
        if path.startswith(OURS) and path.endswith(endings) and not path.startswith(NOT_BY_HAND)
    ]


def text(path: str) -> str:
    """What a file says."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: str) -> ast.Module:
    """A Python file as a syntax tree."""
    return ast.parse(text(path), filename=path)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain; an empty string when it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def names_used(path: str) -> Iterator[tuple[int, str]]:
    """Line and full name of all that a Python file reaches by a dotted name or imports from a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            yield node.lineno, dotted(node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
