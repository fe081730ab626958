"""`make run`, as a newcomer types it: it says how to get in, ends when told to, and starts again with all it had."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port, wait_for_port
from tests.support.programs import ROOT
from tests.support.server import KEPT

STARTED = (
    60.0  # seconds: a start that hangs, or installs anew; on an idle machine it is under 5 (`make figures`)
)


class MakeRun:
    """One `make run` on a data folder."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.output = data.parent / f"{self.port}.out"
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        environ = {**kept, "BATON_DATA": str(data), "BATON_PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        started = time.monotonic()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", "--no-print-directory", "run"],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert wait_for_port(self.port, within=60), self.said()
        self.started_within = time.monotonic() - started

    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text()

    def said_within(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait for a line."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.said())):
            assert time.monotonic() < end, f"never said {pattern!r}:\n{self.said()}"
            time.sleep(0.05)
        return found

    def end(self) -> None:
        """End all of it, whatever state it is in."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[Callable[[], MakeRun]]:
    made: list[MakeRun] = []

    def start() -> MakeRun:
        made.append(MakeRun(tmp_path / "data"))
        return made[-1]

    yield start
    for each in made:
        each.end()


def test_it_says_how_to_get_in_ends_when_told_and_starts_again_quickly(
    make_run: Callable[[], MakeRun],
) -> None:
    first = make_run()
    first.said_within(rf"http://127\.0\.0\.1:{first.port}", 30)
    first.said_within(r"/app/#/enrol/\S+", 30)
    password = first.said_within(r"(?i)password\W+(\S+)", 30)[1]
    assert len(password) >= 12

    first.process.terminate()  # make hands it on to the server
    first.process.wait(timeout=20)
    assert "stopped" in first.said()
    assert not wait_for_port(first.port, within=0.2)

    second = make_run()
    print(f"a second start: {second.started_within:.1f} s")
    assert second.started_within < STARTED
    assert "setup:" not in second.said(), "nothing is installed twice"
    second.said_within(rf"http://127\.0\.0\.1:{second.port}", 30)
