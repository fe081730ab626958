"""What is known of a database's copy, and what becomes of it when it is put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

BLOB_LIST = "blobs.txt"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the copy, how many rows it had, and in which order its columns were written."""

    name: str
    rows: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy as it lies in its folder: `files` by name, `tables` in the order in which they can be put back."""

    kind: str
    revision: str
    epoch: str
    epochs_before: tuple[str, ...]
    tables: tuple[Table, ...]
    files: tuple[str, ...]


class Held(NamedTuple):
    """A blob that the database says is held."""

    org_id: str
    sha256: str
    size: int


class LetGo(NamedTuple):
    """A blob of the copy that the shop let go while the backup was made; the rest as in `deleted_blobs`."""

    org_id: str
    sha256: str
    size: int
    type: str
    why: str
    after_days: int | None
    made_by: str | None
    deleted_at: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What a database is told when it is put back: its new epoch, and which blobs are not here any more.

    Those that are `lost` phones are asked for, those that were `let_go` nobody is.
    """

    epoch: str
    epochs_before: Sequence[str]
    lost: Sequence[Held]
    at: datetime
    let_go: Sequence[LetGo] = ()


def read_blob_list(file: Path) -> Iterator[Held]:
    """The blobs of a copy, in the order of their keys."""
    with file.open(encoding="ascii") as lines:
        for line in lines:
            org_id, sha256, size = line.split()
            yield Held(org_id, sha256, int(size))
