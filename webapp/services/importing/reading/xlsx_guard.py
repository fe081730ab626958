"""Look into a workbook's zip before anybody unpacks it: no bombs, no lies about sizes, no overlapping parts."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from sync.protocol.problems import Problem
from webapp.services.importing.reading.limits import MAX_INFLATED, MAX_PARTS, MAX_RATIO, RATIO_FROM

_CHUNK = 1 << 18
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def check_workbook(path: Path) -> None:
    """Inflate every part, counting and keeping nothing. Problem import-workbook names what is wrong."""
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
            parts = archive.infolist()
            _check_listing(parts, path.stat().st_size)
            total = 0
            for part in parts:
                total = _check_part(raw, part, total)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError) as error:
        raise Problem("import-workbook", "The workbook's zip archive is damaged.") from error


def _check_listing(parts: list[zipfile.ZipInfo], size: int) -> None:
    if len(parts) > MAX_PARTS:
        raise Problem("import-workbook", f"The workbook has {len(parts)} parts; the most is {MAX_PARTS}.")
    names = {part.filename for part in parts}
    if len(names) != len(parts):
        raise Problem("import-workbook", "The workbook has two parts of one name.")
    if "xl/workbook.xml" not in names and not any(name.endswith("workbook.xml") for name in names):
        raise Problem("import-format", "This is a zip archive, but not an Excel workbook (XLSX).")
    if sum(part.compress_size for part in parts) > size:
        raise Problem(
            "import-workbook", "The workbook's parts overlap: it would unpack to far more than it holds."
        )
    if sum(part.file_size for part in parts) > MAX_INFLATED:
        raise Problem("import-workbook", _too_much())


def _check_part(raw: BinaryIO, part: zipfile.ZipInfo, total: int) -> int:
    if part.flag_bits & 1:
        raise Problem("import-workbook", "The workbook has a password.")
    if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Problem("import-workbook", "The workbook is packed in a way that spreadsheets do not use.")
    size = 0
    for count in _inflate(raw, part):
        size += count
        if total + size > MAX_INFLATED:
            raise Problem("import-workbook", _too_much())
        if size > RATIO_FROM and size > MAX_RATIO * max(1, part.compress_size):
            raise Problem(
                "import-workbook", f"A part of the workbook unpacks to more than {MAX_RATIO} times its size."
            )
    if size != part.file_size:
        raise Problem("import-workbook", "The workbook lies about the size of one of its parts.")
    return total + size


def _inflate(raw: BinaryIO, part: zipfile.ZipInfo) -> list[int] | _Counts:
    raw.seek(part.header_offset)
    header = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
    raw.seek(header[-2] + header[-1], 1)
    if part.compress_type == zipfile.ZIP_STORED:
        return [part.compress_size]
    return _Counts(raw, part.compress_size)


class _Counts:
    """The sizes of the inflated pieces of one part, one after the other; the pieces themselves are dropped.

    Python's own zip reader stops at the size that the archive claims, which is the very thing in doubt.
    """

    def __init__(self, raw: BinaryIO, left: int) -> None:
        self._raw, self._left = raw, left
        self._engine = zlib.decompressobj(-15)
        self._held = b""

    def __iter__(self) -> _Counts:
        return self

    def __next__(self) -> int:
        if self._engine.eof:
            raise StopIteration
        if not self._held and self._left:
            self._held = self._raw.read(min(_CHUNK, self._left))
            if not self._held:
                raise EOFError("the part is shorter than the archive says")
            self._left -= len(self._held)
        piece = self._engine.decompress(self._held, _CHUNK)
        self._held = self._engine.unconsumed_tail
        if not piece and not self._held and not self._left and not self._engine.eof:
            raise EOFError("the part breaks off")
        return len(piece)


def _too_much() -> str:
    return (
        f"The workbook unpacks to more than {MAX_INFLATED // 1048576} MB. Export a shorter period, or as CSV."
    )
