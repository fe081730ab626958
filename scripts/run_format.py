"""Lay out Python, JavaScript, CSS and JSON the one way, and sort imports."""

from __future__ import annotations

import subprocess
import sys

from scripts.run_checks import BIN, PYTHON_FILES
from tests.support.programs import ROOT, find_node


def main() -> int:
    """Format everything. Exit code of the tool that failed, if one did."""
    node, prettier = str(find_node()), str(ROOT / "node_modules/prettier/bin/prettier.cjs")
    commands = [
        [str(BIN / "ruff"), "check", "--quiet", "--select=I", "--fix", *PYTHON_FILES],
        [str(BIN / "ruff"), "format", "--quiet", *PYTHON_FILES],
        [node, prettier, "--write", "--log-level=warn", "."],
    ]
    return max(subprocess.run(command, cwd=ROOT, check=False).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())
