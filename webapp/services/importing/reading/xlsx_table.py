"""Read a workbook's first filled sheet row by row, as a stream: memory does not grow with the sheet.

The usual readers hold a whole sheet at once, dense: 50,000 rows as Seller Center writes them (every cell an
inline text) took 1.1 GB in the quickest of them, and a sheet with one cell at its far corner is a sheet of
seventeen thousand million cells. An export is plain: texts, numbers, dates. So its XML is streamed through expat.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from xml.parsers import expat

from sync.protocol.problems import Problem
from webapp.services.importing.reading.limits import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHARED_CHARS,
    MAX_SHARED_TEXTS,
)
from webapp.services.importing.reading.table import Cell, Rows, Table
from webapp.services.importing.reading.xlsx_guard import check_workbook

_CHUNK = 1 << 16
_REF = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


@contextmanager
def opened(path: Path) -> Iterator[Table]:
    """The first sheet with rows as a table. Problems: import-workbook, import-empty, import-too-large."""
    check_workbook(path)
    try:
        with zipfile.ZipFile(path) as book:
            parts = _Parts(book)
            yield Table("xlsx", parts.rows())
    except (zipfile.BadZipFile, EOFError) as error:
        raise Problem("import-workbook", "The workbook's zip archive is damaged.") from error


class _Parts:
    """Finds the parts of a workbook: its sheets in their order, its shared texts, which styles are dates."""

    def __init__(self, book: zipfile.ZipFile) -> None:
        self._book = book
        self._names = set(book.namelist())
        self._sheets: list[str] = []
        self._starts_1904 = False
        targets = self._targets()
        ids: list[str] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "sheet":
                ids.extend(value for key, value in attributes.items() if key.rpartition(":")[2] == "id")
            elif name == "workbookPr":
                self._starts_1904 = attributes.get("date1904") in {"1", "true"}

        self._parse("xl/workbook.xml", start)
        self._sheets = [targets[id_] for id_ in ids if targets.get(id_) in self._names]

    def rows(self) -> Rows:
        """The rows of the first sheet that has any."""
        if not self._sheets:
            raise Problem("import-workbook", "The workbook has no sheet that can be read.")
        texts, dates = self._shared_texts(), self._date_styles()
        is_empty = True
        for sheet in self._sheets:
            reading = _Sheet(texts, dates, is_1904=self._starts_1904)
            with self._book.open(sheet) as stream:
                for row in reading.rows(stream):
                    is_empty = False
                    yield row
            if not is_empty:
                return
        raise Problem("import-empty", "The workbook has no rows.")

    def _targets(self) -> dict[str, str]:
        found: dict[str, str] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                path = target[1:] if target.startswith("/") else posixpath.join("xl", target)
                found[attributes.get("Id", "")] = posixpath.normpath(path)

        self._parse("xl/_rels/workbook.xml.rels", start)
        return found

    def _shared_texts(self) -> list[str]:
        """Texts that cells share by number; furigana beside them is left out."""
        if "xl/sharedStrings.xml" not in self._names:
            return []
        texts: list[str] = []
        pieces: list[str] = []
        at = {"text": False, "beside": False}
        chars = 0

        def start(name: str, _: dict[str, str]) -> None:
            at["text"] = name == "t" and not at["beside"]
            at["beside"] = at["beside"] or name == "rPh"

        def end(name: str) -> None:
            nonlocal chars
            at["text"] = False
            if name == "rPh":
                at["beside"] = False
            elif name == "si":
                texts.append(_unescaped("".join(pieces)))
                chars += len(texts[-1])
                pieces.clear()
                if len(texts) > MAX_SHARED_TEXTS or chars > MAX_SHARED_CHARS:
                    raise Problem("import-too-large", "The workbook holds too much text. Export it as CSV.")

        def text(data: str) -> None:
            if at["text"]:
                pieces.append(data)

        self._parse("xl/sharedStrings.xml", start, end, text)
        return texts

    def _date_styles(self) -> frozenset[str]:
        """The numbers of the cell styles that show a number as a date."""
        if "xl/styles.xml" not in self._names:
            return frozenset()
        formats: dict[str, str] = {}
        styles: list[str] = []
        inside = [False]

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "numFmt":
                formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif name == "cellXfs":
                inside[0] = True
            elif name == "xf" and inside[0]:
                styles.append(attributes.get("numFmtId", "0"))

        def end(name: str) -> None:
            if name == "cellXfs":
                inside[0] = False

        self._parse("xl/styles.xml", start, end)
        return frozenset(str(n) for n, style in enumerate(styles) if _is_date(style, formats.get(style)))

    def _parse(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        if name not in self._names:
            raise Problem("import-workbook", f"The workbook lacks its part {name}.")
        with self._book.open(name) as stream:
            for _ in feed(stream, start, end, text):
                pass


def _is_date(style: str, code: str | None) -> bool:
    if style.isdigit() and int(style) in _DATE_IDS:
        return True
    return code is not None and any(char in "dmyhs" for char in _LITERAL.sub("", code).lower())


def feed(stream: IO[bytes], start: Start, end: End | None = None, text: Text | None = None) -> Iterator[None]:
    """Push XML through expat, stopping after every piece. Names come without prefix; entities are refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    local: dict[str, str] = {}

    def name_of(name: str) -> str:
        if name not in local:
            local[name] = name.rpartition(":")[2]
        return local[name]

    parser.StartElementHandler = lambda name, attributes: start(name_of(name), attributes)
    if end:
        parser.EndElementHandler = lambda name: end(name_of(name))
    if text:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        while piece := stream.read(_CHUNK):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, ValueError, IndexError, OverflowError) as error:
        raise Problem("import-workbook", f"The workbook's sheet is damaged: {error}") from error


def _refuse_doctype(*_: object) -> None:
    raise Problem("import-workbook", "The workbook declares entities of its own, as no spreadsheet does.")


class _Sheet:
    """One sheet while it streams by: the cells of the row in hand, and the rows that are complete."""

    def __init__(self, texts: list[str], dates: frozenset[str], *, is_1904: bool) -> None:
        self._texts, self._dates = texts, dates
        self._epoch = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        self._columns: dict[str, int] = {}
        self._y, self._x = 0, -1
        self._row: dict[int, Cell] = {}
        self._done: list[tuple[int, list[Cell]]] = []
        self._kind, self._style, self._pieces = "n", "", [""]
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
            self._pieces = []
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
        if len(text) > MAX_CELL:
            raise Problem("import-workbook", f"A cell in row {self._y} holds {len(text)} characters.")
        self._row[self._x] = self._value(text)

    def _value(self, text: str) -> Cell:
        kind = self._kind
        if kind == "inlineStr" or kind == "str":  # noqa: PLR1714 (asked for every cell: twice is quicker)
            return _unescaped(text)
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


def _unescaped(text: str) -> str:
    # A spreadsheet writes a tab or a control character inside a text as _x0009_.
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
