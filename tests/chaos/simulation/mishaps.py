"""What goes wrong inside the server at a chosen step: killed, out of room, locked out, or a mistake of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from sync.protocol.problems import Problem
from webapp.store.blobs import FolderObjects


class Killed(BaseException):
    """The process is gone at this step: no handler of the app may catch it."""


def _locked() -> BaseException:
    return OperationalError("a statement", {}, sqlite3.OperationalError("database is locked"))


def _full() -> BaseException:
    return OperationalError("a statement", {}, sqlite3.OperationalError("database or disk is full"))


KINDS: dict[str, Callable[[], BaseException]] = {
    "killed": lambda: Killed("here"),
    "mistake": lambda: RuntimeError("a mistake that the simulation put here"),
    "locked": _locked,
    "full": _full,
    "blobs-full": lambda: Problem("storage-full", "There is no room left."),
    "blobs-away": lambda: Problem("busy", "The photo store cannot be reached."),
}


class Mishaps:
    """Counts the steps of a request (each statement, each commit, each file) and lets one of them go wrong."""

    def __init__(self, engine: Engine) -> None:
        self._kind: str | None = None
        self._at = self._step = 0
        self._happened = False

        @event.listens_for(engine, "before_cursor_execute")
        def _statement(*_: Any) -> None:
            self.step()

        @event.listens_for(engine, "commit")
        def _commit(_connection: Any) -> None:
            self.step()

    def arm(self, mishap: dict[str, Any] | None) -> None:
        """Let `kind` happen at step `at` of the next request; None: nothing does."""
        self._kind = mishap["kind"] if mishap else None
        self._at = mishap["at"] if mishap else 0
        self._step, self._happened = 0, False

    def clear(self) -> bool:
        """Disarm; gives whether it happened."""
        self._kind = None
        return self._happened

    def step(self, *, of_blobs: bool = False) -> None:
        """One step, which may be the one. What is wrong with the photo store shows at its own steps only."""
        if self._kind is None or (self._kind.startswith("blobs-") and not of_blobs):
            return
        self._step += 1
        if self._step != self._at:
            return
        self._happened = True
        mishap = KINDS[self._kind]()
        raise mishap

    def over(self, objects: FolderObjects) -> FolderObjects:
        """The same folder of files, with a step before and after each that is kept."""
        put = objects.put

        def counted(key: str, data: bytes, *, durable: bool = True) -> None:
            self.step(of_blobs=True)
            put(key, data, durable=durable)
            self.step(of_blobs=True)

        objects.put = counted  # type: ignore[method-assign]
        return objects
