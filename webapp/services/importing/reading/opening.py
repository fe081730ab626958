"""Open an export of any accepted kind as a header and a stream of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from sync.protocol.problems import Problem
from webapp.services.importing.reading import csv_table, xlsx_table
from webapp.services.importing.reading.columns import known_in
from webapp.services.importing.reading.limits import MAX_BYTES
from webapp.services.importing.reading.table import Table


def open_table(path: Path, known: Callable[[Iterable[str]], int] = known_in) -> AbstractContextManager[Table]:
    """Open a CSV or XLSX file, told apart by its content and never by its name.

    `known` says how many of some headings are known: the separator of a CSV is the one that makes most so.

    Problems: import-empty, import-too-large, import-format, import-encoding, import-workbook.
    """
    size = path.stat().st_size
    if size == 0:
        raise Problem("import-empty", "The file is empty.")
    if size > MAX_BYTES:
        raise Problem(
            "import-too-large",
            f"The file has {size / 1048576:.0f} MB; the most is {MAX_BYTES // 1048576} MB. Export a shorter period.",
        )
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        return xlsx_table.opened(path)
    _refuse_other_kinds(start)
    return csv_table.opened(path, known)


def _refuse_other_kinds(start: bytes) -> None:
    for magic, name in _OTHERS:
        if start.startswith(magic):
            raise Problem(
                "import-format", f"This is {name}. Baton reads the order export as CSV (UTF-8) or XLSX."
            )


_OTHERS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls) or a workbook with a password"),
    (b"%PDF", "a PDF"),
    (b"PK", "a damaged zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"<?xml", "an XML file"),
    (b"<!DOC", "a web page"),
    (b"<html", "a web page"),
)
