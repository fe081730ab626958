"""Read a workbook's first filled sheet row by row, as a stream: memory does not grow with the sheet.

The usual readers hold a whole sheet at once, dense: 50,000 rows as Seller Center writes them (every cell an
inline text) took 1.1 GB in the quickest of them, and a sheet with one cell at its far corner is a sheet of
seventeen thousand million cells. An export is plain: texts, numbers, dates. So its XML is streamed through expat.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sync.protocol.problems import Problem
from webapp.services.importing.reading.limits import MAX_CELL, MAX_COLUMNS, MAX_ROWS
from webapp.services.importing.reading.table import Cell, Rows, Table
from webapp.services.importing.reading.xlsx_guard import check_workbook
from webapp.services.importing.reading.xlsx_parts import Parts
from webapp.services.importing.reading.xlsx_xml import feed, unescaped

_REF = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")


@contextmanager
def opened(path: Path) -> Iterator[Table]:
    """The first sheet with rows as a table. Problems: import-workbook, import-empty, import-too-large."""
    check_workbook(path)
    try:
        with zipfile.ZipFile(path) as book:
            yield Table("xlsx", _rows(book))
    except (zipfile.BadZipFile, EOFError) as error:
        raise Problem("import-workbook", "The workbook's zip archive is damaged.") from error


def _rows(book: zipfile.ZipFile) -> Rows:
    """The rows of the first sheet that has any."""
    parts = Parts(book)
    if not parts.sheets:
        raise Problem("import-workbook", "The workbook has no sheet that can be read.")
    texts, dates = parts.shared_texts(), parts.date_styles()
    is_empty = True
    for name in parts.sheets:
        sheet = _Sheet(texts, dates, is_1904=parts.starts_1904)
        with book.open(name) as stream:
            for row in sheet.rows(stream):
                is_empty = False
                yield row
        if not is_empty:
            return
    raise Problem("import-empty", "The workbook has no rows.")


class _Sheet:
    """One sheet while it streams by: the cells of the row in hand, and the rows that are complete."""

    def __init__(self, texts: list[str], dates: frozenset[str], *, is_1904: bool) -> None:
        self._texts, self._dates = texts, dates
        self._epoch = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        self._columns: dict[str, int] = {}
        self._y, self._x = 0, -1
        self._row: dict[int, Cell] = {}
        self._done: list[tuple[int, list[Cell]]] = []
        self._kind, self._style, self._pieces, self._length = "n", "", [""], 0
        self._is_text, self._is_beside = False, False

    def rows(self, stream: IO[bytes]) -> Rows:
        """Each row once it is complete, empty ones left out."""
        for _ in feed(stream, self._start, self._end, self._text):
            yield from self._done
            self._done.clear()
        self._finish_row()
        yield from self._done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._x += 1
            if "r" in attributes:
                self._place(attributes["r"])
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._pieces, self._length = [], 0
        elif name in {"v", "t"}:
            self._is_text = not self._is_beside
        elif name == "row":
            self._begin_row(int(attributes["r"]) if "r" in attributes else self._y + 1)
        elif name == "rPh":
            self._is_beside = True

    def _end(self, name: str) -> None:
        if name in {"v", "t"}:
            self._is_text = False
        elif name == "c":
            self._keep()
        elif name == "rPh":
            self._is_beside = False

    def _text(self, data: str) -> None:
        if self._is_text:
            self._pieces.append(data)
            self._length += len(data)
            if self._length > MAX_CELL:  # now: the cell's end may be far away
                raise Problem(
                    "import-workbook", f"A cell in row {self._y} holds more than {MAX_CELL} characters."
                )

    def _begin_row(self, y: int) -> None:
        # Seller Center's own workbooks write one <row> for each cell of the header: the same row goes on.
        if y != self._y:
            self._finish_row()
            if y < self._y:
                raise Problem("import-workbook", f"The sheet's rows are out of order at row {y}.")
            if y > MAX_ROWS + 3:
                raise Problem("import-too-large", f"The sheet has more than {MAX_ROWS} rows.")
            self._y = y
            self._x = -1

    def _place(self, ref: str) -> None:
        match = _REF.fullmatch(ref)
        if match is None:
            raise Problem("import-workbook", "The sheet names a cell that cannot be.")
        letters, digits = match[1], match[2]
        if int(digits) != self._y:
            self._begin_row(int(digits))
        if letters not in self._columns:
            self._columns[letters] = _column(letters)
        self._x = self._columns[letters]

    def _keep(self) -> None:
        text = "".join(self._pieces)
        if not text:
            return
        if self._x >= MAX_COLUMNS:
            raise Problem("import-workbook", f"The sheet has more than {MAX_COLUMNS} columns.")
        self._row[self._x] = self._value(text)

    def _value(self, text: str) -> Cell:
        kind = self._kind
        if kind == "inlineStr" or kind == "str":  # noqa: PLR1714 (asked for every cell: twice is quicker)
            return unescaped(text)
        if kind == "s":
            index = int(text)
            if index < 0:
                raise ValueError("a shared text of a negative number")
            return self._texts[index]
        if kind == "b":
            return text.strip() == "1"
        if kind == "n":
            number = float(text)
            return self._date(number) if self._style in self._dates else number
        if kind == "d":
            return datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=None)
        return text

    def _date(self, days: float) -> datetime:
        seconds = round(days * 86400)
        return self._epoch + timedelta(seconds=seconds)

    def _finish_row(self) -> None:
        if self._row:
            width = max(self._row) + 1
            cells: list[Cell] = [""] * width
            for x, value in self._row.items():
                cells[x] = value
            self._done.append((self._y, cells))
            self._row = {}


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1
