"""Read a small table by its headings: rows as `{field: text}`, for files that are no order export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sync.protocol.problems import Problem
from sync.protocol.strictjson import is_storable
from webapp.services.importing.reading.columns import Column
from webapp.services.importing.reading.limits import MAX_CELL
from webapp.services.importing.reading.opening import open_table
from webapp.services.importing.reading.table import Cell

MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet shows it, and its known cells; an empty or absent one is ""."""

    number: int
    cells: Mapping[str, str]

    def get(self, field: str) -> str:
        """The text of a field."""
        return self.cells.get(field, "")


@contextmanager
def opened(path: Path, columns: Sequence[Column]) -> Iterator[Iterator[Row]]:
    """The rows of a CSV or XLSX file, its header read; empty rows are left out.

    Problems: those of `open_table`; import-columns for a header that lacks a needed column; import-too-large.
    """
    names = {_folded(name): column.field for column in columns for name in (column.heading, *column.aliases)}
    with open_table(path, partial(_known, names)) as table:
        header = next(table.rows, None)
        if header is None:
            raise Problem("import-empty", "The file is empty.")
        yield _rows(table.rows, _places(header[1], names, columns))


def _known(names: Mapping[str, str], cells: Iterable[str]) -> int:
    return sum(1 for cell in cells if _folded(cell) in names)


def _places(cells: Sequence[Cell], names: Mapping[str, str], columns: Sequence[Column]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        field = names.get(_folded(str(cell)))
        if field is not None:
            found.setdefault(field, at)
    missing = [column.heading for column in columns if column.is_needed and column.field not in found]
    if missing:
        listed = ", ".join(f"“{heading}”" for heading in missing)
        raise Problem("import-columns", f"The first row must name the columns; there is no {listed}.")
    return found


def _rows(rows: Iterable[tuple[int, list[Cell]]], places: Mapping[str, int]) -> Iterator[Row]:
    count = 0
    for number, cells in rows:
        read = {field: _text(cells[at]) for field, at in places.items() if at < len(cells)}
        if not any(read.values()):
            continue
        count += 1
        if count > MAX_ROWS:
            raise Problem("import-too-large", f"The file has more than {MAX_ROWS} rows. Send it in parts.")
        yield Row(number, read)


def _text(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()[:MAX_CELL]
    return text if is_storable(text) else "\ufffd"


def _folded(heading: str) -> str:
    return "".join(char for char in heading.casefold() if char.isalnum())
