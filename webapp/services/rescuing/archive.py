"""Read a zip from its front, part by part, and go on behind a damaged place.

The kept readers want the directory at the end of the file, which is what a torn file has lost, or stop for good at the
first damaged part. This one reads local headers only, so that there is one way to read a file, whole or torn. Names
are never paths: a part is read or passed over, never written anywhere. What is given out is bounded by `limits`.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from webapp.services.rescuing.limits import MAX_GIVEN, MAX_LOOKS, MAX_MEMBERS

_HEADER = struct.Struct("<4s5H3I2H")
_LOCAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x07\x08"
_DIRECTORY = (b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZE_FOLLOWS = 0x01, 0x08
_TOO_LARGE_FOR_ZIP = 0xFFFFFFFF
_PIECE = 1 << 16
_PLAUSIBLE = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")


@dataclass(frozen=True, slots=True)
class Gap:
    """A place of the file that could not be read; `where` is a part's name or a position, `detail` a sentence."""

    where: str
    detail: str


class Part:
    """One part of the archive. Read `pieces` to the end once, then `fault` says what was wrong with it, or None."""

    def __init__(
        self, file: BinaryIO, start: int, header: tuple[int, ...], name: str, room: _Room, reads: _Room
    ) -> None:
        self._file, self._start, self._room, self._reads = file, start, room, reads
        self._flags, self._method, self._crc, self._packed = header
        self.name = name
        self.fault: str | None = None
        self.is_torn = False
        self.end: int | None = None  # where the next part begins; None when nothing says

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, unpacked, until they end or cannot be read any further."""
        refusal = self._refusal()
        if refusal is not None:
            self.fault = refusal
            self.end = None if self._flags & _SIZE_FOLLOWS else self._start + self._packed
            return
        crc, source = 0, self._stored() if self._method == _STORED else self._inflated()
        for piece in source:
            crc = zlib.crc32(piece, crc)
            if not self._room.take(len(piece)):
                self.fault, self.end = "The file unpacks to far more than a phone can hold.", None
                return
            yield piece
        if self.fault is None and crc != self._crc_told():
            self.fault = "Its bytes were changed: the checksum does not fit."

    def drain(self) -> None:
        """Read what nobody has read."""
        for _ in self.pieces():
            pass

    def _refusal(self) -> str | None:
        if self._flags & _ENCRYPTED:
            return "It is locked with a password."
        if self._method not in {_STORED, _DEFLATED}:
            return "It is packed in a way that is not read here."
        if self._method == _STORED and self._flags & _SIZE_FOLLOWS:
            return "It does not say how long it is."
        if self._packed == _TOO_LARGE_FOR_ZIP:
            return "It is larger than a part may be."
        return None

    def _stored(self) -> Iterator[bytes]:
        yield from self._raw(self._packed)
        self.end = self._start + self._packed

    def _raw(self, size: int | None) -> Iterator[bytes]:
        at = self._start
        while size is None or at < self._start + size:
            self._file.seek(at)
            piece = self._file.read(_PIECE if size is None else min(_PIECE, self._start + size - at))
            if not piece:
                self.is_torn, self.fault = True, "The file ends inside it."
                return
            at += len(piece)
            if not self._reads.take(len(piece)):
                self.fault, self.end = "The file would be read far more often than it is long.", None
                return
            yield piece

    def _inflated(self) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-15)
        at = self._start
        for packed in self._raw(None if self._flags & _SIZE_FOLLOWS else self._packed):
            at += len(packed)
            try:
                yield from _unpacked(inflate, packed)
            except zlib.error:
                self.fault, self.end = "It is packed wrongly from some place on.", None
                return
            if inflate.eof:
                self.end = at - len(inflate.unused_data)
                return
        if self.fault is None:
            self.is_torn, self.fault = True, "It ends too early."
            self.end = self._start + self._packed

    def _crc_told(self) -> int:
        if not self._flags & _SIZE_FOLLOWS or self.end is None:
            return self._crc
        self._file.seek(self.end)
        follows = self._file.read(16)
        has_mark = follows.startswith(_DESCRIPTOR)
        told = follows[4:8] if has_mark else follows[:4]
        self.end += 16 if has_mark else 12
        return int.from_bytes(told, "little") if len(told) == 4 else -1


def _unpacked(inflate: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """In small pieces, however much a few bytes unpack to."""
    rest, piece = packed, b" " * _PIECE
    while not inflate.eof and (rest or len(piece) == _PIECE):
        piece = inflate.decompress(rest, _PIECE)
        rest = inflate.unconsumed_tail
        if piece:
            yield piece


class _Room:
    """How many more bytes may be given out of one file, or read in it."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, count: int) -> bool:
        self._left -= count
        return self._left >= 0


def parts(file: BinaryIO) -> Iterator[Part | Gap]:
    """Every part that can be found, in order, and the places where something could not be read."""
    # Read again where a damaged length hid what follows, and a piece too far by each part that does not tell its own.
    reads = _Room(4 * file.seek(0, 2) + MAX_MEMBERS * _PIECE)
    room, at, count = _Room(MAX_GIVEN), 0, 0
    while True:
        found = _part_at(file, at, room, reads)
        if found is None:
            file.seek(at)
            mark = file.read(4)
            if mark in _DIRECTORY:
                return
            following = _next_header(file, at)
            if mark or at == 0 or following is not None:
                yield Gap(f"byte {at}", "Here the file is damaged: what stood here cannot be read.")
            else:
                yield Gap(f"byte {at}", "The file ends before its directory: it may once have held more.")
            if following is None:
                return
            at = following
            continue
        count += 1
        if count > MAX_MEMBERS:
            yield Gap(found.name, f"The file has more than {MAX_MEMBERS} parts; the rest was not read.")
            return
        yield found
        at = _behind(file, found, at)


def _behind(file: BinaryIO, part: Part, header_at: int) -> int:
    """Where to look for the next part: where this one says it ends, or, when nothing is there, further up."""
    if part.end is None and part.fault is None:
        part.drain()
    if part.end is not None:
        file.seek(part.end)
        if file.read(4) in (_LOCAL, *_DIRECTORY):
            return part.end
    # Its length is wrong, or the file was cut: the next part may begin anywhere behind this one's header.
    following = _next_header(file, header_at + 1)
    if following is not None:
        return following
    file.seek(0, 2)
    return min(part.end, file.tell()) if part.end is not None else file.tell()


def _part_at(file: BinaryIO, at: int, room: _Room, reads: _Room) -> Part | None:
    file.seek(at)
    raw = file.read(_HEADER.size)
    if len(raw) < _HEADER.size or not raw.startswith(_LOCAL):
        return None
    _, _, flags, method, _, _, crc, packed, _, name_length, extra_length = _HEADER.unpack(raw)
    name = file.read(name_length)
    if len(name) < name_length:
        return None
    start = at + _HEADER.size + name_length + extra_length
    return Part(file, start, (flags, method, crc, packed), _shown(name), room, reads)


def _shown(name: bytes) -> str:
    text = name[:200].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _next_header(file: BinaryIO, at: int) -> int | None:
    """Where the next header with a name that could be ours begins, from `at` on."""
    overlap = len(_LOCAL) - 1
    kept, looked_at = b"", 0
    while True:
        file.seek(at)
        piece = file.read(_PIECE)
        if not piece or looked_at > MAX_LOOKS:
            return None
        window, base = kept + piece, at - len(kept)
        found = window.find(_LOCAL)
        while found >= 0:
            looked_at += 1
            if _is_plausible(file, base + found):
                return base + found
            found = window.find(_LOCAL, found + 1)
        kept = window[-overlap:]
        at += len(piece)


def _is_plausible(file: BinaryIO, at: int) -> bool:
    file.seek(at)
    raw = file.read(_HEADER.size)
    if len(raw) < _HEADER.size:
        return False
    name_length = _HEADER.unpack(raw)[9]
    name = file.read(name_length) if name_length <= 200 else b""
    return len(name) == name_length and _PLAUSIBLE.fullmatch(name) is not None
