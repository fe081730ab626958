"""Read a zip from somebody else: every part that its directory names, within bounds, and nothing that is hidden.

Stricter than the usual readers, which pass over what they do not understand: two programs must never see two different
things in one file. The page's `zip.js` reads by the same rules.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from sync.evidence.bundle import layout
from sync.evidence.bundle.findings import NoBundle
from sync.evidence.bundle.limits import MAX_FILE, MAX_MEMBERS, MAX_NAME

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZE_FOLLOWS = 0x01, 0x08
_MOST_FOLLOWING = 24  # a data descriptor, with its mark and 64-bit sizes
_PIECE = 1 << 16
_TO_ZIP64 = 0xFFFFFFFF


class Unreadable(ValueError):
    """A part's bytes cannot be had; `code` is a finding."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Member:
    """One part: where its bytes are, packed by `method`, and what the directory says of them."""

    name: str
    start: int
    packed: int
    size: int
    method: int
    crc: int
    has_two_stories: bool  # its own header says something else than the directory


@dataclass(slots=True)
class Archive:
    """The parts in the directory's order. `oddities` are (finding code, where) of the packing alone."""

    file: BinaryIO
    members: list[Member]
    oddities: list[tuple[str, str]] = field(default_factory=list)

    def read(self, member: Member, most: int) -> bytes:
        """A part's bytes; raises `Unreadable` (`member_too_large`, `member_damaged`)."""
        if member.size > most:
            raise Unreadable(
                "member_too_large", f"It says that it has {member.size} bytes; {most} is the most."
            )
        self.file.seek(member.start)
        if member.method == _STORED:
            data = self.file.read(member.size)
        elif member.method == _DEFLATED:
            data = self._inflated(member)
        else:
            raise Unreadable("member_damaged", "It is packed in a way that is not read here.")
        if len(data) != member.size:
            raise Unreadable("member_damaged", "It has not as many bytes as the directory says.")
        return data

    def _inflated(self, member: Member) -> bytes:
        inflate, left, out = zlib.decompressobj(-15), member.packed, io.BytesIO()
        try:
            while left and not inflate.eof and out.tell() <= member.size:
                packed = inflate.unconsumed_tail
                if not packed:
                    packed = self.file.read(min(_PIECE, left))
                    left -= len(packed)
                    if not packed:
                        break
                out.write(inflate.decompress(packed, _PIECE))
            while not inflate.eof and out.tell() <= member.size:
                piece = inflate.decompress(inflate.unconsumed_tail, _PIECE)
                if not piece:
                    break
                out.write(piece)
        except zlib.error:
            raise Unreadable("member_damaged", "It cannot be unpacked.") from None
        if not inflate.eof or left or inflate.unused_data:
            raise Unreadable("member_damaged", "What is packed in it is not what the directory says.")
        return out.getvalue()


def read_archive(file: BinaryIO) -> Archive:
    """The archive in a seekable file; raises `NoBundle` with the reason."""
    end_at, count, size, at = _end(file)
    if at + size != end_at:
        raise NoBundle("archive_broken", "Its directory is not where the file's end says.")
    file.seek(at)
    raw = file.read(size)
    entries, offset = [], 0
    for _ in range(count):
        entry, offset = _entry(raw, offset)
        entries.append(entry)
    if offset != len(raw):
        raise NoBundle("archive_broken", "Its directory has more in it than the file's end says.")
    members = [_member(file, entry, at) for entry in entries]
    archive = Archive(file, members)
    _look_between(archive, entries, at)
    if _is_packed_anew(members, entries, raw):
        archive.oddities.append(("archive_repacked", ""))
    return archive


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


def _end(file: BinaryIO) -> tuple[int, int, int, int]:
    """Where the end record begins, and what it says: parts, bytes and place of the directory."""
    length = file.seek(0, 2)
    if length > MAX_FILE:
        raise NoBundle("archive_too_large", f"It has {length} bytes; the most is {MAX_FILE}.")
    file.seek(0)
    begin = file.read(4)
    start = max(0, length - layout.END_RECORD.size - 0xFFFF)
    file.seek(start)
    tail = file.read()
    found = tail.rfind(layout.END)
    if found < 0 or len(tail) - found < layout.END_RECORD.size:
        torn = begin.startswith(b"PK")
        raise NoBundle(
            "archive_torn" if torn else "not_a_zip",
            "It breaks off before its directory: copy or download it again."
            if torn
            else "It is no zip file: choose the .zip that was exported.",
        )
    _, disk, first, here, count, size, at, comment = layout.END_RECORD.unpack_from(tail, found)
    if comment or found + layout.END_RECORD.size != len(tail):
        raise NoBundle("archive_broken", "Something is written behind its end.")
    if disk or first or here != count or _TO_ZIP64 in (size, at):
        raise NoBundle("archive_broken", "It is spread over several files, or larger than a bundle can be.")
    if count > MAX_MEMBERS:
        raise NoBundle("archive_too_many", f"It has {count} parts; the most is {MAX_MEMBERS}.")
    return start + found, count, size, at


def _entry(raw: bytes, offset: int) -> tuple[_Entry, int]:
    head = layout.CENTRAL_HEADER
    if len(raw) - offset < head.size or raw[offset : offset + 4] != layout.CENTRAL:
        raise NoBundle("archive_broken", "Its directory cannot be read.")
    fields = head.unpack_from(raw, offset)
    _, _, _, flags, method, _, _, crc, packed, size, names, extra, comment, disk, _, _, at = fields
    end = offset + head.size + names + extra + comment
    if end > len(raw) or disk or not 0 < names <= MAX_NAME:
        raise NoBundle("archive_broken", "Its directory cannot be read.")
    if flags & _ENCRYPTED:
        raise NoBundle("archive_locked", "It is locked with a password.")
    if _TO_ZIP64 in (packed, size, at):
        raise NoBundle("archive_broken", "A part is larger than a bundle can hold.")
    name = _name(raw[offset + head.size : offset + head.size + names])
    return _Entry(name, flags, method, crc, packed, size, at), end


def _member(file: BinaryIO, entry: _Entry, directory_at: int) -> Member:
    file.seek(entry.at)
    raw = file.read(layout.LOCAL_HEADER.size)
    if len(raw) < layout.LOCAL_HEADER.size or not raw.startswith(layout.LOCAL):
        raise NoBundle("archive_broken", f"{entry.name} is not where the directory says.")
    _, _, flags, method, _, _, crc, packed, size, names, extra = layout.LOCAL_HEADER.unpack(raw)
    own_name = _name(file.read(names))
    start = entry.at + layout.LOCAL_HEADER.size + names + extra
    if start + entry.packed > directory_at:
        raise NoBundle("archive_broken", f"{entry.name} runs into the directory.")
    told = (crc, packed, size) if not flags & _SIZE_FOLLOWS else (entry.crc, entry.packed, entry.size)
    agrees = (own_name, method, *told) == (entry.name, entry.method, entry.crc, entry.packed, entry.size)
    is_odd = entry.method == _STORED and entry.packed != entry.size
    return Member(entry.name, start, entry.packed, entry.size, entry.method, entry.crc, not agrees or is_odd)


def _look_between(archive: Archive, entries: list[_Entry], directory_at: int) -> None:
    """Parts must follow each other without a gap and without sharing a byte."""
    placed = sorted(zip(entries, archive.members, strict=True), key=lambda pair: pair[0].at)
    at = 0
    for entry, member in placed:
        if entry.at < at:
            raise NoBundle("archive_broken", f"{entry.name} shares its bytes with another part.")
        if entry.at > at:
            archive.oddities.append(("archive_hidden_bytes", f"before {entry.name}"))
        at = member.start + member.packed
        if entry.flags & _SIZE_FOLLOWS:
            at = min((e.at for e in entries if at <= e.at <= at + _MOST_FOLLOWING), default=at)
            if directory_at - at <= _MOST_FOLLOWING:
                at = directory_at
    if at != directory_at:
        archive.oddities.append(("archive_hidden_bytes", "before the directory"))


def _is_packed_anew(members: list[Member], entries: list[_Entry], raw: bytes) -> bool:
    parts = [layout.Part(e.name, e.size, e.crc, e.at) for e in entries]
    if b"".join(layout.central_header(part) for part in parts) != raw:
        return True
    return any(
        m.start - e.at != len(layout.local_header(e.name, e.size, e.crc))
        for m, e in zip(members, entries, strict=True)
    )


def _name(raw: bytes) -> str:
    text = raw.decode("latin-1")
    return "".join(char if " " <= char <= "~" else "?" for char in text)
