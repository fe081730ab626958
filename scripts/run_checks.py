"""Run every check that needs no running Baton: format, lint, types, floors, templates, JavaScript, copies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.programs import ROOT, find_node

BIN = Path(sys.executable).parent
PYTHON_FILES = ("sync", "webapp", "tests", "scripts")


class Check(NamedTuple):
    """One command of the checks and what it is called."""

    name: str
    command: list[str]


def checks() -> Iterator[Check]:
    """All checks, quickest first."""

    def tool(name: str, *arguments: str) -> list[str]:
        return [str(BIN / name), *arguments]

    yield Check("ruff", tool("ruff", "check", "--output-format=concise", *PYTHON_FILES))
    yield Check("ruff format", tool("ruff", "format", "--check", "--output-format=concise", *PYTHON_FILES))
    yield Check("floors", tool("lint-imports", "--no-cache"))
    yield Check("mypy", tool("mypy"))
    if any((ROOT / "webapp" / "templates").rglob("*.html")):
        yield Check("djlint", tool("djlint", "--lint", "--quiet", "webapp/templates"))
    yield from javascript()


def javascript() -> Iterator[Check]:
    """The checks that Node runs."""
    node = find_node()
    if node is None:
        raise SystemExit("check: no Node found; run `make check`, which gets one")

    def script(path: str, *arguments: str) -> list[str]:
        return [str(node), str(ROOT / path), *arguments]

    modules = "node_modules"
    yield Check("vendored copies", script("scripts/vendor.mjs", "--check"))
    yield Check(
        "prettier", script(f"{modules}/prettier/bin/prettier.cjs", "--check", "--log-level=warn", ".")
    )
    yield Check("eslint", script(f"{modules}/eslint/bin/eslint.js", "--max-warnings=0", "."))
    yield Check("types of pages", script(f"{modules}/typescript/bin/tsc", "--project", "tsconfig.json"))
    if any((ROOT / "webapp/static/js/sw").glob("*.js")):
        yield Check(
            "types of the worker", script(f"{modules}/typescript/bin/tsc", "--project", "tsconfig.sw.json")
        )


def run_all() -> tuple[int, int]:
    """Run all of them, whatever fails, printing what failed in full. Returns (passed, failed)."""
    passed = failed = 0
    for check in checks():
        started = time.monotonic()
        done = subprocess.run(
            check.command,
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        took = time.monotonic() - started
        if done.returncode == 0:
            passed += 1
            print(f"check: {check.name}: ok ({took:.1f} s)", flush=True)
        else:
            failed += 1
            print(f"check: {check.name}: FAILED ({took:.1f} s)\n{done.stdout.rstrip()}\n", flush=True)
    return passed, failed


if __name__ == "__main__":
    sys.exit(1 if run_all()[1] else 0)
