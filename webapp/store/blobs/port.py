"""The port: named bytes that are durable once `put` has returned, whatever lies beneath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


class Missing(LookupError):
    """There are no bytes under this key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object that is there."""

    key: str
    size: int
    modified_at: datetime


class Objects(Protocol):
    """Immutable objects by key (segments of letters, digits, `.`, `_` and `-`, parted by `/`).

    Every method may be called from any thread and any process at once. Failures of the store beneath are the
    problems `storage-full` and `busy`.
    """

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        """Keep it, whole or not at all; durable when this returns, unless told it need not be. Twice is once."""

    def open(self, key: str) -> BinaryIO:
        """A reading stream; the caller closes it. Raises Missing."""

    def stat(self, key: str) -> Stored | None:
        """Whether it is there, how large and since when."""

    def delete(self, key: str) -> None:
        """Forget it; nothing happens when it is not there."""

    def walk(self, prefix: str) -> Iterator[Stored]:
        """All objects below a prefix (which ends in `/` or is empty), in no order."""

    def tidy(self, before: datetime) -> int:
        """Remove what writers that died before this time have left half made. Gives how many."""

    def check(self) -> None:
        """Raise a problem when the store cannot be reached or written."""
