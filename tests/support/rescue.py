"""Rescue files as a phone writes them, and ways to break them."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

MADE_AT = "2026-11-22T10:00:00.000Z"


def digest(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()


def manifest(device: str = "", **members: Any) -> dict[str, Any]:
    """What a phone writes of itself."""
    return {"format": 1, "made_at": MADE_AT, "device": device, "client": "tests/1.0", **members}


def rescue_parts(
    device: str, lines: Sequence[str | bytes], pictures: Sequence[bytes] = ()
) -> dict[str, bytes]:
    """The parts of a file by name, in their order."""
    raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
    found = {
        "manifest.json": json.dumps(manifest(device)).encode(),
        "events.jws": b"".join(line + b"\n" for line in raw),
    }
    for data in pictures:
        ending = "png" if data.startswith(b"\x89PNG") else "jpg"
        found[f"blobs/{digest(data)}.{ending}"] = data
    return found


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these parts, stored as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def rescue_file(device: str, lines: Sequence[str | bytes], pictures: Sequence[bytes] = ()) -> bytes:
    """A whole file."""
    return zipped(rescue_parts(device, lines, pictures))


def header_of(data: bytes, name: str) -> int:
    """Where the local header of a part begins."""
    found = 0
    while True:
        found = data.index(b"PK\x03\x04", found)
        length = struct.unpack_from("<H", data, found + 26)[0]
        if data[found + 30 : found + 30 + length] == name.encode():
            return found
        found += 4


def without_directory(data: bytes) -> bytes:
    """The file as it is when the phone died before its end."""
    return data[: data.index(b"PK\x01\x02")]


def flipped(data: bytes, at: int) -> bytes:
    """One byte changed."""
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
