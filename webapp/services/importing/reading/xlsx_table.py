"""Read a workbook in a process of its own: its memory and its time are bounded, whatever the file says.

A workbook's reader holds the whole sheet, and a sheet with one cell at its far corner is a sheet of
seventeen thousand million cells. So the sheet is unfolded by a child with a limit on its memory, into one
JSON list a line on disk, and this process streams that. Run as a module it is the child.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TextIO

from sync.protocol.problems import Problem
from webapp.services.importing.reading.limits import (
    MAX_BYTES,
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    WORKBOOK_MEMORY,
    WORKBOOK_SECONDS,
)
from webapp.services.importing.reading.table import Cell, Rows, Table
from webapp.services.importing.reading.xlsx_guard import check_workbook

_REFUSED = 3  # the child's exit code for a refusal it names on stdout
_MAX_UNFOLDED = 16 * MAX_BYTES


@contextmanager
def opened(path: Path) -> Iterator[Table]:
    """The first sheet with cells as a table. Problems: import-workbook, import-empty, import-too-large."""
    check_workbook(path)
    with tempfile.TemporaryDirectory(prefix="baton-import-") as folder:
        unfolded = Path(folder, "rows.jsonl")
        _unfold(path, unfolded)
        with unfolded.open(encoding="utf-8") as file:
            yield Table("xlsx", _rows(file))


def _unfold(path: Path, into: Path) -> None:
    command = [sys.executable, "-m", __name__, str(path), str(into)]
    try:
        # Our own module on a path of our own making: nothing of the file's name reaches a shell.
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=WORKBOOK_SECONDS, check=False, cwd=_home()
        )
    except subprocess.TimeoutExpired as error:
        raise Problem("import-workbook", "The workbook takes too long to read. Export it as CSV.") from error
    if done.returncode == _REFUSED:
        said = json.loads(done.stdout)
        raise Problem(said["code"], said["detail"])
    if done.returncode != 0:
        raise Problem(
            "import-workbook",
            "The workbook cannot be read: it is damaged, or too large for this machine's memory.",
        )


def _home() -> Path:
    return Path(__file__).resolve().parents[4]


def _rows(file: TextIO) -> Rows:
    for line in file:
        number, cells = json.loads(line)
        yield number, [_cell(cell) for cell in cells]


def _cell(value: Any) -> Cell:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["at"])  # a spreadsheet's time has no zone
    return value if isinstance(value, str | bool) else float(value)


# -- the child


def _main(source: str, target: str) -> int:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 (not on every system)

        resource.setrlimit(resource.RLIMIT_AS, (WORKBOOK_MEMORY, WORKBOOK_MEMORY))
    try:
        _write(source, target)
    except Problem as refusal:
        sys.stdout.write(json.dumps({"code": refusal.code, "detail": refusal.detail}))
        return _REFUSED
    return 0


def _write(source: str, target: str) -> None:
    sheet = _first_sheet(source)
    if sheet.total_width > MAX_COLUMNS:
        raise Problem(
            "import-workbook", f"The sheet has {sheet.total_width} columns; the most is {MAX_COLUMNS}."
        )
    if sheet.total_height > MAX_ROWS + 2:
        raise Problem("import-too-large", f"The sheet has {sheet.total_height} rows; the most is {MAX_ROWS}.")
    indent = [""] * (sheet.start[1] if sheet.start else 0)
    written = 0
    with Path(target).open("w", encoding="utf-8") as out:
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            line = json.dumps([number, indent + [_plain(cell, number) for cell in cells]]) + "\n"
            written += len(line)
            if written > _MAX_UNFOLDED:
                raise Problem("import-too-large", "The sheet holds too much text. Export a shorter period.")
            out.write(line)


def _first_sheet(source: str) -> Any:
    from python_calamine import CalamineError, load_workbook  # noqa: PLC0415 (only the child pays for it)

    try:
        book = load_workbook(source)
        sheets = (book.get_sheet_by_name(name) for name in book.sheet_names)
        sheet = next((sheet for sheet in sheets if sheet.total_height), None)
    except (CalamineError, OSError, ValueError) as error:
        raise Problem("import-workbook", f"The workbook cannot be read: {error}") from error
    if sheet is None:
        raise Problem("import-empty", "The workbook has no rows.")
    return sheet


def _plain(cell: Any, row: int) -> Any:
    if isinstance(cell, str) and len(cell) > MAX_CELL:
        raise Problem("import-workbook", f"A cell in row {row} holds {len(cell)} characters.")
    if isinstance(cell, datetime):
        return {"at": cell.replace(tzinfo=None).isoformat()}
    if isinstance(cell, date):
        return {"at": datetime(cell.year, cell.month, cell.day).isoformat()}  # noqa: DTZ001 (no zone in a cell)
    if isinstance(cell, time | timedelta):
        return str(cell)
    return cell


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:3]))
