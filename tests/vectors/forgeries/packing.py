"""What can be done to the zip itself: torn, doubled, hidden in, named like a path, swollen, or no bundle at all."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from tests.vectors.forgeries.cast import Members, zipped

Case = tuple[str, str, bytes]
_BIG = 11 * 1024 * 1024


def repacked(parts: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, **info: int) -> bytes:
    """As another program packs it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in parts:
            entry = zipfile.ZipInfo(name, (2026, 11, 22, 12, 0, 0))
            entry.compress_type, entry.external_attr = method, info.get("attr", 0o644 << 16)
            archive.writestr(entry, data)
    return out.getvalue()


def header_at(data: bytes, name: str, mark: bytes = b"PK\x03\x04") -> int:
    """Where a part's header (or its entry in the directory) begins."""
    offset, at = (26, 30) if mark == b"PK\x03\x04" else (28, 46)
    found = data.index(mark)
    while True:
        length = struct.unpack_from("<H", data, found + offset)[0]
        if data[found + at : found + at + length] == name.encode():
            return found
        found = data.index(mark, found + 4)


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """Some bytes overwritten."""
    return data[:at] + new + data[at + len(new) :]


def changed_packing(true: Members) -> Iterator[Case]:
    """Bundles whose zip says something odd; the finding that names it."""
    parts = list(true.items())
    data = zipped(parts)
    photo = next(name for name in true if name.startswith("blobs/"))
    for name, what in (
        ("a part that no bundle has", "note.txt"),
        ("a part with a path upwards", "../../outside.jpg"),
        ("a part with a path from the root", "/outside.jpg"),
        ("a part with a backward path", "blobs\\..\\..\\outside.jpg"),
        ("a part that is a folder", "secret/"),
        ("a part named like a photo in capitals", photo.upper()),
        ("a part with a name that is cut by a null", "events.jws\x00.jpg"),
    ):
        yield name, "member_unknown", zipped([*parts, (what, b"x" if not what.endswith("/") else b"")])
    folder = zipped([*parts, ("blobs/", zipped([("proof.pdf", b"another")]))])
    at, entry = header_at(folder, "blobs/"), header_at(folder, "blobs/", b"PK\x01\x02")
    hidden = patched(patched(folder, at + 18, bytes(8)), entry + 24, bytes(4))
    yield "a folder with a part hidden in it", "member_unknown", hidden
    yield "two parts of one name", "member_twice", zipped([*parts, ("events.jws", true["events.jws"][:-9])])
    yield "two parts of one name, the true one last", "member_twice", zipped([("events.jws", b""), *parts])
    central = data.index(b"PK\x01\x02")
    hidden = _moved(data[:central] + b"hidden here" + data[central:], central, 11)
    yield "bytes hidden before the directory", "archive_hidden_bytes", hidden
    local = header_at(data, photo)
    crc = header_at(data, photo, b"PK\x01\x02") + 16
    lying = patched(patched(data, local + 14, b"\0\0\0\0"), crc, b"\0\0\0\0")
    yield "a checksum that does not fit", "archive_checksum", lying
    yield "a header that tells another name", "archive_two_stories", patched(data, local + 30, b"blobs/0")
    yield "a header that tells another size", "archive_two_stories", patched(data, local + 22, b"\1\0\0\0")
    yield (
        "a photo larger than any",
        "member_too_large",
        repacked([*parts[:4], (photo, bytes(_BIG)), *parts[5:]]),
    )
    bomb = repacked(parts)
    entry = header_at(bomb, "events.jws", b"PK\x01\x02")
    yield (
        "a part that unfolds to more than it says",
        "member_damaged",
        patched(bomb, entry + 24, b"\x10\0\0\0"),
    )
    start = header_at(bomb, "keys.json")
    body = start + 30 + len("keys.json")
    yield "a part that cannot be unpacked", "member_damaged", patched(bomb, body, b"\xff\xff\xff\xff")
    yield (
        "a part packed in an unknown way",
        "member_damaged",
        patched(patched(data, local + 8, b"\x0c\0"), header_at(data, photo, b"PK\x01\x02") + 10, b"\x0c\0"),
    )


def no_bundles(true: Members) -> Iterator[Case]:
    """Files that are none: the code that says why."""
    data = zipped(true.items())
    end = len(data) - 22
    entry = header_at(data, "keys.json", b"PK\x01\x02")
    yield "an empty file", "not_a_zip", b""
    yield "a text", "not_a_zip", b"This is to certify that the parcel was handed over.\n" * 9
    yield "a bundle cut in the middle", "archive_torn", data[: len(data) // 2]
    yield "a bundle that lacks its last byte", "archive_torn", data[:-1]
    yield "bytes behind the end", "archive_broken", data + b"more"
    yield "bytes before the beginning", "archive_broken", b"#!/bin/sh\n" + data
    yield "a comment at the end", "archive_broken", patched(data, end + 20, b"\4\0") + b"more"
    yield "a zip without parts", "no_bundle", zipped([])
    yield "another zip", "no_bundle", zipped([("holiday.jpg", b"\xff\xd8\xff"), ("readme.txt", b"hello")])
    yield "a directory that counts too many", "archive_broken", patched(data, end + 8, b"\xff\0\xff\0")
    yield "more parts than any bundle", "archive_too_many", patched(data, end + 8, b"\xff\xff\xff\xff")
    yield "a directory that is elsewhere", "archive_broken", patched(data, end + 16, b"\0\0\0\0")
    yield "a part locked with a password", "archive_locked", patched(data, entry + 8, b"\1\x08")
    yield "a part that begins elsewhere", "archive_broken", patched(data, entry + 42, b"\7\0\0\0")
    yield "parts that share their bytes", "archive_broken", patched(data, entry + 42, _at(data, "events.jws"))
    yield (
        "a part that runs into the directory",
        "archive_broken",
        patched(
            patched(data, entry + 20, struct.pack("<I", len(data))), entry + 24, struct.pack("<I", len(data))
        ),
    )
    yield "a part of four gigabytes", "archive_broken", patched(data, entry + 24, b"\xff\xff\xff\xff")
    newer = true["timeline.json"].replace(b'"format": 1', b'"format": 2', 1)
    yield "a bundle of a newer kind", "format_unknown", zipped({**true, "timeline.json": newer}.items())


def packed_anew(true: Members) -> Iterator[Case]:
    """The same parts, packed by somebody else: it holds, and the note says so."""
    yield "packed anew, smaller", "archive_repacked", repacked(true.items())
    yield (
        "packed anew in another order",
        "archive_repacked",
        repacked(sorted(true.items()), zipfile.ZIP_STORED),
    )
    yield "packed anew with a folder", "archive_repacked", repacked([("blobs/", b""), *true.items()])
    yield "packed anew in a stream", "archive_repacked", _streamed(true)


def _at(data: bytes, name: str) -> bytes:
    return struct.pack("<I", header_at(data, name))


def _moved(data: bytes, directory: int, by: int) -> bytes:
    end = data.rindex(b"PK\x05\x06")
    return patched(data, end + 16, struct.pack("<I", directory + by))


class _Pipe(io.RawIOBase):
    """A stream that cannot go back, as a server's answer is."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.held += data
        return len(data)


def _streamed(true: Members) -> bytes:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in true.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 22, 12, 0, 0)), data, zipfile.ZIP_DEFLATED)
    assert zlib.crc32(bytes(pipe.held))
    return bytes(pipe.held)
