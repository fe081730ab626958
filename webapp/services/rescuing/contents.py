"""What is in a rescue file: its manifest, its events line by line, its pictures; and what could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from sync.protocol import strictjson
from webapp.services.rescuing.archive import Gap, Part, parts
from webapp.services.rescuing.limits import MAX_LINE, MAX_LINES, MAX_MANIFEST, MAX_PICTURE

FORMAT = 1
# The protocol names no parts: another client may call them otherwise, and a picture's digest is what counts.
_PICTURE = re.compile(r"(?:.*/)?([0-9a-f]{64})(?:\.[0-9A-Za-z]{1,8})?", re.ASCII)
_EVENTS = ".jws"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the file says of itself, unproved: who wrote it, when, with which version of the app."""

    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it was sealed; `number` counts from 1."""

    number: int
    raw: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes under a digest's name; None when they could not be read, and then `fault` says why."""

    name: str
    sha256: str
    data: bytes | None
    fault: str | None


Found = Manifest | Line | Picture | Gap


class Contents:
    """Reads one file; `lines` is how many events it had so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._seen: set[str] = set()
        self.lines = 0

    def read(self) -> Iterator[Found]:
        """Everything in the file, in its order, as far as it can be read."""
        for part in parts(self._file):
            if isinstance(part, Gap):
                yield part
                continue
            yield from self._part(part)

    def _part(self, part: Part) -> Iterator[Found]:
        picture = _PICTURE.fullmatch(part.name)
        if part.name in self._seen:
            yield Gap(part.name, "It is in the file twice; the first one counts.")
        elif part.name == "manifest.json":
            yield from _manifest(part)
        elif part.name.endswith(_EVENTS) and not _is_of_a_mac(part.name):
            yield from self._events(part)
        elif picture is not None:
            yield _picture(part, picture[1])
        elif not part.name.endswith("/"):
            yield Gap(part.name, "No rescue file has such a part; it was not read.")
        self._seen.add(part.name)

    def _events(self, part: Part) -> Iterator[Line | Gap]:
        for raw in _lines(part):
            if self.lines >= MAX_LINES:
                yield Gap(
                    part.name, f"The file has more than {MAX_LINES} events; those behind were not read."
                )
                return
            self.lines += 1
            if raw is None:
                yield Gap(
                    f"{part.name}, line {self.lines}",
                    "The line is longer than any event; it was passed over.",
                )
            elif not raw.endswith(b"\n") and part.is_torn:
                yield Gap(f"{part.name}, line {self.lines}", "The file ends inside this event.")
            else:
                yield Line(self.lines, raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
        if part.fault is not None:
            yield Gap(part.name, part.fault)


def _is_of_a_mac(name: str) -> bool:
    # What its archiver adds beside a file of that name; it is no text.
    return name.rpartition("/")[2].startswith("._")


def _manifest(part: Part) -> Iterator[Manifest | Gap]:
    data = _gather(part, MAX_MANIFEST)
    try:
        told = strictjson.loads(data or b"")
    except strictjson.NotStrict:
        told = None
    if not isinstance(told, dict):
        yield Gap(part.name, part.fault or "It cannot be read; the events speak for themselves.")
        return
    if told.get("format") != FORMAT:
        yield Gap(
            part.name, "It names another format than this server knows. What could be read was taken in."
        )
    yield Manifest(told)


def _picture(part: Part, sha256: str) -> Picture:
    data = _gather(part, MAX_PICTURE)
    if data is None and part.fault is None:
        return Picture(part.name, sha256, None, f"It has more than {MAX_PICTURE} bytes.")
    # Whether the bytes are right is for their digest to say: a wrong checksum alone loses no photo.
    return Picture(part.name, sha256, None if part.is_torn else data, part.fault)


def _gather(part: Part, most: int) -> bytes | None:
    kept, size = [], 0
    for piece in part.pieces():
        size += len(piece)
        if size > most:
            return None
        kept.append(piece)
    return b"".join(kept)


def _lines(part: Part) -> Iterator[bytes | None]:
    """Lines with their ends, empty ones left out; None for one that is too long to be kept in hand."""
    held, is_too_long = b"", False
    for piece in part.pieces():
        *whole, rest = (held + piece).split(b"\n")
        for line in whole:
            if is_too_long or len(line) > MAX_LINE:
                yield None
            elif line.strip():
                yield line + b"\n"
            is_too_long = False
        held = rest
        if len(held) > MAX_LINE:
            held, is_too_long = b"", True
    if is_too_long:
        yield None
    elif held.strip():
        yield held
