"""What a reader gives: a header and a stream of rows of cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

# A cell is text, or what only a workbook has: a number, a yes/no, a point in time.
Cell = str | float | bool | datetime
Rows = Iterator[tuple[int, list[Cell]]]


@dataclass(frozen=True, slots=True)
class Table:
    """An opened file. `rows` gives (row number as a spreadsheet shows it, cells), the header first."""

    kind: str
    rows: Rows
    notes: tuple[str, ...] = ()
