"""What sent bytes really are: told from the bytes alone, before any decoder touches them.

A few kilobytes can unfold to gigabytes in a decoder, and some decoders allocate the whole canvas just by opening
a file, so type and size are read here from the headers that the formats define (ITU T.81, PNG 3rd edition,
RFC 9649). Nothing is inflated; every read is within the bytes given.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.protocol.problems import Problem

MAX_PIXELS = 50_000_000
MAX_SIDE = 12_000
MOST_WORK = (
    100 * MAX_PIXELS
)  # pixels times scans of a JPEG: a progressive one has some ten, and each goes over them all
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

_PNG = b"\x89PNG\r\n\x1a\n"
# Markers that start a frame: all of C0..CF but the tables (C4, CC) and the extension (C8).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that stand alone: TEM and the restarts.
_LONE = frozenset({0x01, *range(0xD0, 0xD8)})
_LAST = frozenset({0xD9, 0xDA})  # end of image, start of scan: no frame comes after them


@dataclass(frozen=True, slots=True)
class Picture:
    """What a file says of itself in its header: media type, width and height in pixels."""

    type: str
    width: int
    height: int


def sniff(data: bytes) -> str | None:
    """The media type by the first bytes: JPEG, PNG or WebP; None for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(_PNG):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def inspect(data: bytes) -> Picture:
    """Type and size of a picture that may be decoded.

    Problems: `media-unsupported` (no JPEG, PNG or WebP), `picture-broken` (its header cannot be read),
    `picture-too-large` (more than MAX_PIXELS, or a side over MAX_SIDE).
    """
    media_type = sniff(data)
    if media_type is None:
        raise Problem("media-unsupported", "The bytes are no JPEG, PNG or WebP, whatever the file is called.")
    read = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}[media_type]
    try:
        width, height = read(data)
    except IndexError:
        raise _broken("ends before its size is told") from None
    if not (width and height):
        raise _broken("says it has no pixels")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Problem(
            "picture-too-large",
            f"{width} × {height} pixels; at most {MAX_SIDE} a side and 50 million in all.",
        )
    return Picture(media_type, width, height)


def admit(data: bytes) -> tuple[str, Picture | None]:
    """The media type of a blob that may be kept, and the picture that its header tells of, if it can be read.

    A phone has sealed the digest of these bytes: they come home also when a defect has made them unreadable, and it
    is the look at them that says so. Problems: `media-unsupported`, `picture-too-large`.
    """
    try:
        picture = inspect(data)
    except Problem as problem:
        media_type = sniff(data)
        if problem.code != "picture-broken" or media_type is None:
            raise
        return media_type, None
    return picture.type, picture


def is_as_told(data: bytes, size: tuple[int, int]) -> bool:
    """Whether a decoder that read this size is about to do what the header told: for processes that nobody may kill.

    It may have read a second header; and a JPEG of very many scans takes minutes at any size.
    """
    try:
        told = inspect(data)
    except Problem:
        return False
    # In what is compressed FF is followed by 00 or a restart: FF DA begins a scan.
    scans = data.count(b"\xff\xda") if told.type == "image/jpeg" else 1
    return size == (told.width, told.height) and scans * told.width * told.height <= MOST_WORK


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise _broken("has bytes between its segments")
        while data[at] == 0xFF:  # any number of fill bytes may stand before a marker
            at += 1
        marker = data[at]
        at += 1
        if marker in _LONE:
            continue
        if marker in _LAST:
            raise _broken("has no frame")
        length = _big(data, at, 2)
        if length < 2:
            raise _broken("has a segment without a length")
        if marker in _FRAMES:
            return _big(data, at + 5, 2), _big(data, at + 3, 2)
        at += length


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or _big(data, 8, 4) != 13:
        raise _broken("does not begin with its header")
    return _big(data, 16, 4), _big(data, 20, 4)


def _webp(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if chunk == b"VP8L":
        if data[20] != 0x2F:
            raise _broken("has no lossless signature")
        packed = _little(data, 21, 4)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise _broken("does not begin with a key frame")
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    raise _broken("has no picture chunk")


def _big(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(_exactly(data, at, size), "big")


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(_exactly(data, at, size), "little")


def _exactly(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) < size:
        raise IndexError(at)
    return found


def _broken(why: str) -> Problem:
    return Problem("picture-broken", f"The picture {why}.")
