"""Read a CSV file row by row: UTF-8 only, its separator found from the header, quotes that must close."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sync.protocol.problems import Problem
from webapp.services.importing.reading.columns import known_in
from webapp.services.importing.reading.limits import MAX_CELL, MAX_COLUMNS
from webapp.services.importing.reading.table import Cell, Rows, Table

_SEPARATORS = ((",", "commas"), (";", "semicolons"), ("\t", "tabs"))
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Checked:
    """What one look over the bytes found."""

    odd_quotes: bool


@contextmanager
def opened(path: Path, known: Callable[[Iterable[str]], int] = known_in) -> Iterator[Table]:
    """The file as a table. Problems: import-encoding, import-empty, import-format (a quote that never ends)."""
    checked = _check_encoding(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        separator, word = _separator(file, known)
        file.seek(0)
        notes = (
            () if separator == "," else (f"The file is separated by {word}, not by commas. It was read so.",)
        )
        yield Table("csv", _rows(file, separator, checked), notes)


def _check_encoding(path: Path) -> _Checked:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    line, quotes = 1, 0
    with path.open("rb") as file:
        first = True
        while chunk := file.read(_CHUNK):
            if first:
                _refuse_marks(chunk)
                first = False
            if b"\0" in chunk:
                raise Problem("import-encoding", _zero_bytes(chunk, line))
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise Problem("import-encoding", _not_utf8(error, line)) from error
            line += chunk.count(b"\n")
            quotes += chunk.count(b'"')
    if decoder.getstate()[0]:
        raise Problem("import-encoding", f"The file breaks off in the middle of a character, in line {line}.")
    return _Checked(quotes % 2 == 1)


def _refuse_marks(start: bytes) -> None:
    for mark, name in _MARKS:
        if start.startswith(mark):
            raise Problem("import-encoding", f"The file is in {name}. {_HOW}")


_HOW = 'Save it as "CSV UTF-8", or export it from Seller Center again without opening it in between.'


def _zero_bytes(chunk: bytes, line: int) -> str:
    at = chunk.index(b"\0")
    if chunk[:4000].count(b"\0") > len(chunk[:4000]) // 4:
        return f"The file is in UTF-16 (without its mark). {_HOW}"
    return f"There is a zero byte in line {line + chunk[:at].count(10)}: this is no text file. {_HOW}"


def _not_utf8(error: UnicodeDecodeError, line: int) -> str:
    byte = error.object[error.start]
    return f"The file is not UTF-8: byte 0x{byte:02X} in line {line} (Windows-1252, GBK or another code page?). {_HOW}"


def _separator(file: TextIO, known: Callable[[Iterable[str]], int]) -> tuple[str, str]:
    """The separator under which the header has most of the columns we know; commas when none has any."""
    head = file.read(64 * 1024)
    return max(_SEPARATORS, key=lambda pair: known(_first_row(head, pair[0])))


def _first_row(head: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(head, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def _rows(file: TextIO, separator: str, checked: _Checked) -> Rows:
    reader = csv.reader(file, delimiter=separator)
    number, began = 0, 1
    try:
        for cells in reader:
            number += 1
            _check_row(number, cells)
            spans = reader.line_num - began + 1
            began = reader.line_num + 1
            row: list[Cell] = list(cells)
            yield number, row
        if checked.odd_quotes and number and spans > 1:
            raise Problem("import-format", _open_quote(number))
    except csv.Error as error:
        raise Problem("import-format", _open_quote(number + 1)) from error


def _check_row(number: int, cells: list[str]) -> None:
    if len(cells) > MAX_COLUMNS:
        raise Problem("import-format", f"Row {number} has {len(cells)} columns; the most is {MAX_COLUMNS}.")
    if cells and max(map(len, cells)) > MAX_CELL:
        raise Problem("import-format", _open_quote(number))


def _open_quote(row: int) -> str:
    return (
        f"A quotation mark that opens in row {row} is not closed. Export the file again, and do not edit it."
    )
