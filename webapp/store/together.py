"""Commit together what arrives together: one transaction, and one sync of the disk, for several requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Ticket(Generic[T]):
    item: T
    is_done: bool = False
    error: BaseException | None = field(default=None)


class Together(Generic[T]):
    """Lets the first of several threads settle for all that wait with it; each returns when its own is settled.

    With one request at a time nothing changes. With many, those that arrive while a commit is under way share
    the next one, so nobody waits longer than for two. If a shared commit fails, all of it fails: its requests
    are told so and may be sent again.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        self._commit = commit
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[_Ticket[T]] = []

    def settle(self, item: T) -> None:
        """Commit this item, with others or alone. Raises what the commit raises."""
        ticket = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
        with self._turn:
            if not ticket.is_done:
                self._settle_all()
        if ticket.error is not None:
            raise ticket.error

    def _settle_all(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            self._commit([ticket.item for ticket in batch])
        except BaseException as raised:  # noqa: BLE001 - handed to each of those who wait for it
            error = raised
        for ticket in batch:
            ticket.error = error
            ticket.is_done = True
