"""Run all checks and all tests and close with one line that counts everything.

Arguments are given to pytest; with any, only pytest runs (a part of the tests while working).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

from scripts.run_checks import run_all
from tests.support.programs import ROOT, find_node

CORES = min(os.cpu_count() or 1, 4)
# A unit test of the phone mostly waits for a timer; a browser for its server, and a server for a disk, now and then.
NODES_AT_ONCE, TESTS_AT_ONCE = 2 * CORES, CORES + 1


@dataclass
class Tally:
    """How many passed, failed and were skipped, and whether a runner itself failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    broken: bool = False

    def add(self, passed: int, failed: int, skipped: int = 0, exit_code: int = 0) -> None:
        """Count one runner's result; an exit code without a failed test still fails the whole."""
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        self.broken = self.broken or exit_code != 0

    @property
    def exit_code(self) -> int:
        """0 only when something ran and all of it passed."""
        return 0 if self.passed and not self.failed and not self.broken else 1


def main(arguments: list[str]) -> int:
    """Run everything, or with arguments that part of pytest's tests."""
    started = time.monotonic()
    tally = Tally()
    if not arguments:
        tally.add(*run_all())
        run_node(tally)
    run_pytest(tally, arguments)
    print(f"all checks and tests took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped", flush=True)
    return tally.exit_code


def run_node(tally: Tally) -> None:
    """The JavaScript unit tests, by Node's own runner."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.test.*js"))
    code, output = echo(
        [str(find_node()), "--test", f"--test-concurrency={NODES_AT_ONCE}", "--test-reporter=spec", *files],
        quiet=True,
    )
    counted = {name: int(number) for name, number in re.findall(r"^ℹ (\w+) (\d+)$", output, re.MULTILINE)}
    if code:
        print(output)
    print(f"node: {counted.get('pass', 0)} passed, {counted.get('fail', 0)} failed", flush=True)
    tally.add(counted.get("pass", 0), counted.get("fail", 0), counted.get("skipped", 0), code)


def run_pytest(tally: Tally, arguments: list[str]) -> None:
    """All floors of Python tests in one run; long trials and other browsers only when asked for (`-m`, or by name).

    The whole is shared out, a file at a time, to one process more than there are processors.
    """
    if not arguments:
        arguments = ["-n", str(TESTS_AT_ONCE), "--dist", "loadfile"]
    if not any(argument in {"-m", "-k"} or "::" in argument for argument in arguments):
        arguments = ["-m", "not chaos and not elsewhere", *arguments]
    code, output = echo([sys.executable, "-m", "pytest", "-q", "--color=no", *arguments])
    closing = output.rstrip().rpartition("\n")[2]
    counted = {
        name: int(number) for number, name in re.findall(r"(\d+) (passed|failed|errors?|skipped)", closing)
    }
    failed = counted.get("failed", 0) + counted.get("error", 0) + counted.get("errors", 0)
    tally.add(counted.get("passed", 0), failed, counted.get("skipped", 0), code)


def echo(command: list[str], *, quiet: bool = False) -> tuple[int, str]:
    """Run a command in the root, showing its output as it comes unless quiet. Returns (exit code, output)."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            lines.append(line)
            if not quiet:
                print(line, end="", flush=True)
    return child.returncode, "".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
