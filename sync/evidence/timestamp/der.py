"""As much of DER as a time stamp needs: pieces within pieces. The page's `der.js` reads by the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INTEGER, OCTETS, OID, SEQUENCE, TIME, INSIDE = 0x02, 0x04, 0x06, 0x30, 0x18, 0xA0
_MOST_LENGTH = 4  # bytes of a length: no answer has 4 GB


class NotDer(ValueError):
    """These bytes are not what was asked for."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One value: its tag, where its header and its content begin, and where it ends."""

    data: bytes
    tag: int
    at: int
    start: int
    end: int

    @property
    def content(self) -> bytes:
        """What it holds."""
        return self.data[self.start : self.end]

    def of(self, tag: int) -> Piece:
        """Itself, if it is of this kind. Raises NotDer."""
        if self.tag != tag:
            raise NotDer(f"there is {self.tag:#x} where {tag:#x} belongs")
        return self

    def parts(self) -> list[Piece]:
        """What lies in it, one after the other."""
        found, at = [], self.start
        while at < self.end:
            found.append(_piece(self.data, at, self.end))
            at = found[-1].end
        return found


def read(data: bytes) -> Piece:
    """All of these bytes as one piece. Raises NotDer."""
    piece = _piece(data, 0, len(data))
    if piece.end != len(data):
        raise NotDer("something follows it")
    return piece


def take(pieces: Sequence[Piece], index: int, tag: int) -> Piece:
    """The one at a place, of a kind. Raises NotDer."""
    if index >= len(pieces):
        raise NotDer("it breaks off")
    return pieces[index].of(tag)


def _piece(data: bytes, at: int, end: int) -> Piece:
    if end - at < 2:
        raise NotDer("it breaks off")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise NotDer("it has a kind of value that no time stamp has")
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= _MOST_LENGTH or end - start < count:
            raise NotDer("it has a length that cannot be read")
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
        if length < 0x80 or length >> 8 * (count - 1) == 0:
            raise NotDer("it has a length that is not written as short as can be")
    if length > end - start:
        raise NotDer("it breaks off")
    return Piece(data, tag, at, start, start + length)
