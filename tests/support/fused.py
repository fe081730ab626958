"""`baton` with a fuse, for trials of sudden death: `python -m tests.support.fused serve`.

Nothing of it is in Baton itself. Once lit (`FUSE` names a file that says when; SIGUSR1 says that it is there), the
process counts what its requests do: each statement, each commit, each call that writes or syncs a file, each piece
of an answer. At the step that the file names, by number or by words, it dies as in a power cut. `FUSE`.steps tells
the steps it came to.

What dies is a child, forked when all is imported: its parent starts the next one at once, as whoever keeps a server
running does, and a trial may kill hundreds. `FUSE`.pid is the child that lives.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect
from waitress.wasyncore import dispatcher

import webapp.app
import webapp.cli.serve  # noqa: F401
from webapp.cli.group import group

FUSE = "TEST_FUSE"
CALLS = ("open", "write", "fsync", "rename", "unlink", "mkdir")


class Fuse:
    """Counts steps, and ends the process at one of them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._numbers = itertools.count(1)
        self._at = ""
        self._told = -1

    def light(self, *_: object) -> None:
        """Read when to burn, and count from one; the file goes away to say so."""
        self._told = os.open(self._file.with_suffix(".steps"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._numbers = itertools.count(1)
        # Last: a thread may be in the middle of a step, and what it cannot write down would break its answer off.
        self._at = self._file.read_text()
        self._file.unlink()

    def step(self, name: str) -> None:
        """Count this step, if a request makes it; it may be the last."""
        if not self._at or (name[-4:] != "send" and not threading.current_thread().name.startswith("wait")):
            return
        number = next(self._numbers)
        _write(self._told, f"{number} {name}\n".encode())
        if self._at in {str(number), name}:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()


_write = os.write


class Steps(Protocol):
    """Whatever is told of a step before it is taken, and after."""

    def step(self, name: str) -> None:
        """Count this step; it may be the last."""


def around(fuse: Steps, name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, with a step before it and one after it."""

    def call(*given: Any, **named: Any) -> Any:
        fuse.step(f"before {name}")
        done = inner(*given, **named)
        fuse.step(f"after {name}")
        return done

    return call


def lay(fuse: Fuse) -> None:
    """Put a fuse through this process."""
    for name in CALLS:
        setattr(os, name, around(fuse, name, getattr(os, name)))
    DefaultDialect.do_commit = around(fuse, "commit", DefaultDialect.do_commit)  # type: ignore[method-assign]
    dispatcher.send = around(fuse, "send", dispatcher.send)

    @event.listens_for(Engine, "before_cursor_execute")
    def _before(*given: Any) -> None:
        fuse.step(f"before {_verb(given[2])}")

    @event.listens_for(Engine, "after_cursor_execute")
    def _after(*given: Any) -> None:
        fuse.step(f"after {_verb(given[2])}")

    signal.signal(signal.SIGUSR1, fuse.light)


def _verb(statement: str) -> str:
    return " ".join(statement.split()[:3])


def keep_alive(file: Path) -> None:
    """Return in one child after the other, each until it is killed; end as the first that ends otherwise."""
    while True:
        child = os.fork()
        if not child:
            return
        aside = file.with_suffix(".new")
        aside.write_text(str(child))
        aside.replace(file.with_suffix(".pid"))
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    named = Path(os.environ[FUSE])
    keep_alive(named)
    lay(Fuse(named))
    group()
