"""The bytes of a bundle's zip: parts stored as they are, headers that say nothing but name, size and checksum.

One function makes the headers; the writer writes them, and the reader compares: so it is plain whether a file is as
Baton wrote it, or was packed anew by another program (which changes no evidence).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
END_RECORD = struct.Struct("<4s4H2IH")
_VERSION = 10  # what a reader needs: nothing but stored parts
_FIRST_DAY = 0x0021  # 1 January 1980: when a part was written is of no matter
_UTF8 = 0x0800


@dataclass(frozen=True, slots=True)
class Part:
    """One part as the directory tells of it; `at` is where its header begins."""

    name: str
    size: int
    crc: int
    at: int


def local_header(name: str, size: int, crc: int) -> bytes:
    """What stands before a part's bytes."""
    raw = name.encode()
    facts = (_VERSION, _UTF8, 0, 0, _FIRST_DAY, crc, size, size, len(raw), 0)
    return LOCAL_HEADER.pack(LOCAL, *facts) + raw


def central_header(part: Part) -> bytes:
    """A part's entry in the directory."""
    raw = part.name.encode()
    facts = (_VERSION, _VERSION, _UTF8, 0, 0, _FIRST_DAY, part.crc, part.size, part.size, len(raw))
    return CENTRAL_HEADER.pack(CENTRAL, *facts, 0, 0, 0, 0, 0, part.at) + raw


def directory(parts: Sequence[Part], at: int) -> bytes:
    """The directory of all parts and its end, for a file in which it begins at `at`."""
    entries = b"".join(central_header(part) for part in parts)
    return entries + END_RECORD.pack(END, 0, 0, len(parts), len(parts), len(entries), at, 0)


class Zip:
    """Writes parts one after the other into a stream; `finish` writes the directory."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.parts: list[Part] = []
        self.size = 0

    def add(self, name: str, data: bytes) -> None:
        """Write one part."""
        part = Part(name, len(data), zlib.crc32(data), self.size)
        header = local_header(name, part.size, part.crc)
        self._out.write(header)
        self._out.write(data)
        self.size += len(header) + len(data)
        self.parts.append(part)

    def ending(self) -> bytes:
        """The directory as it would be if nothing more came."""
        return directory(self.parts, self.size)

    def finish(self) -> None:
        """Write the directory."""
        self._out.write(self.ending())
