"""Commit together what arrives together: one transaction, and one sync of the disk, for several requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

WAIT_AT_MOST_S = 0.004


def _shut() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Ticket(Generic[T]):
    """One item on its way; `woken` opens when it is settled, or when its thread is to settle for all."""

    item: T
    is_settled: bool = False
    error: BaseException | None = None
    woken: threading.Lock = field(default_factory=_shut)


class Together(Generic[T]):
    """Lets the first of several threads settle for all that wait with it; each returns when its own is settled.

    With one request at a time nothing changes. With several, the first to be ready waits a few milliseconds for
    those that have announced themselves (`coming`), and those that arrive while a commit is under way share the
    next one. If a shared commit fails, all of it fails: its requests are told so and may be sent again.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        self._commit = commit
        self._changed = threading.Condition()  # only who settles for all waits for it
        self._waiting: list[_Ticket[T]] = []
        self._coming = 0
        self._is_led = False

    @contextmanager
    def coming(self) -> Iterator[Callable[[T], None]]:
        """Say that this thread will soon have something to settle; call what this gives with it.

        That commits the item, with others or alone, and raises what the commit raises.
        """
        with self._changed:
            self._coming += 1
        is_here = False

        def settle(item: T) -> None:
            nonlocal is_here
            is_here = True
            self._settle(_Ticket(item))

        try:
            yield settle
        finally:
            if not is_here:
                with self._changed:
                    self._left_out()

    def _left_out(self) -> None:
        self._coming -= 1
        if not self._coming:
            self._changed.notify()

    def _settle(self, ticket: _Ticket[T]) -> None:
        with self._changed:
            self._waiting.append(ticket)
            self._left_out()
            leads, self._is_led = not self._is_led, True
        if not leads:
            # Each is woken by itself: in one queue for a lock, who is settled would wait for the next commit too.
            ticket.woken.acquire()
        if not ticket.is_settled:
            self._settle_all()
        if ticket.error is not None:
            raise ticket.error

    def _settle_all(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._coming, WAIT_AT_MOST_S)
            batch, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            self._commit([ticket.item for ticket in batch])
        except BaseException as raised:  # noqa: BLE001 - handed to each of those who wait for it
            error = raised
        with self._changed:
            heir = self._waiting[0] if self._waiting else None
            self._is_led = heir is not None
        for ticket in batch:
            ticket.error = error
            ticket.is_settled = True
            ticket.woken.release()
        if heir is not None:
            heir.woken.release()
