"""The headers of tus 1.0.0: read strictly, refused by name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from flask import request
from werkzeug.exceptions import ClientDisconnected

from sync.protocol.problems import Problem
from sync.protocol.schema import BLOB_ROLES, MAX_BLOB_BYTES, OFFSET_STREAM, SHA256
from sync.protocol.strictjson import is_storable
from webapp.services.receive_upload import Asked

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}

_NUMBER = re.compile(r"[0-9]{1,15}")
_MAX_METADATA = 4096
_CHUNK = 1024 * 1024


def require_version() -> None:
    """Every request but OPTIONS says which version it speaks. Problem `tus-version-unsupported`."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Problem("tus-version-unsupported", f"Send Tus-Resumable: {VERSION}.")


def read_asked() -> Asked:
    """What a creation asks for. Problems `length-invalid`, `metadata-missing`, `metadata-malformed`."""
    header = request.headers.get("Upload-Metadata", "")
    said = read_metadata(header)
    sha256 = said.get("sha256", "").strip().lower()
    if not sha256:
        raise Problem(
            "metadata-missing", "Upload-Metadata needs the member sha256: the digest of the whole, in hex."
        )
    if not SHA256.fullmatch(sha256):
        raise Problem("metadata-malformed", "sha256 in Upload-Metadata is not 64 hex digits.")
    role = said.get("role", "")
    # A stock client says filetype; neither decides anything, the bytes do.
    media_type = said.get("type") or said.get("filetype") or ""
    return Asked(_length(), sha256, media_type[:32], role if role in BLOB_ROLES else "", header)


def read_metadata(header: str) -> dict[str, str]:
    """`Upload-Metadata` as a mapping; a key without a value has ''. Problem `metadata-malformed`."""
    if len(header) > _MAX_METADATA:
        raise Problem("metadata-malformed", f"Upload-Metadata is over {_MAX_METADATA} characters.")
    said: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or key in said:
            raise Problem("metadata-malformed", "Upload-Metadata has an empty or a repeated key.")
        text = _text_in(value.strip())
        if text is None:
            raise Problem("metadata-malformed", f"Upload-Metadata: {key[:40]} is not base64 of text.")
        said[key] = text
    return said


def _text_in(base64_value: str) -> str | None:
    """The text in a value, if it is one that every database keeps."""
    try:
        # A file's name may be in any old encoding; what we need is plain ASCII and is checked after this.
        text = base64.b64decode(base64_value, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return None
    return text if is_storable(text) else None


def read_offset() -> int:
    """Where a PATCH begins. Problems `chunk-type-invalid`, `offset-invalid`."""
    _require_offset_stream()
    text = request.headers.get("Upload-Offset", "")
    if not _NUMBER.fullmatch(text):
        raise Problem("offset-invalid", "Upload-Offset must be a number of bytes.")
    return int(text)


def body_reader() -> Callable[[int], bytes]:
    """A function that reads at most so many bytes of the body and checks `Upload-Checksum` over them.

    Called only when the bytes are wanted. Problems `blob-too-large`, `checksum-invalid`, `checksum-mismatch`.
    """
    checksum = _checksum()

    def read(limit: int) -> bytes:
        if (request.content_length or 0) > limit:
            raise _too_much(limit)
        data = _drain(limit)
        if checksum is not None and ALGORITHMS[checksum[0]](data).digest() != checksum[1]:
            raise Problem(
                "checksum-mismatch", "The bytes do not have the checksum sent with them; none was kept."
            )
        return data

    return read


def require_body_type() -> None:
    """A creation may bring bytes, and says so by their type. Problem `chunk-type-invalid`."""
    if request.content_length or request.headers.get("Transfer-Encoding"):
        _require_offset_stream()


def _drain(limit: int) -> bytes:
    chunks: list[bytes] = []
    total = 0
    try:
        while chunk := request.stream.read(_CHUNK):
            chunks.append(chunk)
            total += len(chunk)
            if total > limit:
                raise _too_much(limit)
    except ClientDisconnected:
        # What did arrive is worth keeping: the phone goes on from there.
        pass
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _checksum() -> tuple[str, bytes] | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    name, _, value = header.partition(" ")
    if name not in ALGORITHMS:
        raise Problem("checksum-invalid", f"Upload-Checksum is one of {', '.join(ALGORITHMS)}.")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except binascii.Error as error:
        raise Problem("checksum-invalid", "Upload-Checksum is not base64.") from error
    if len(digest) != ALGORITHMS[name]().digest_size:
        raise Problem("checksum-invalid", f"Upload-Checksum has not the length of a {name}.")
    return name, digest


def _length() -> int:
    text = request.headers.get("Upload-Length", "")
    if not _NUMBER.fullmatch(text):
        raise Problem("length-invalid", "Upload-Length must be a number of bytes; it cannot be told later.")
    return int(text)


def _require_offset_stream() -> None:
    if request.mimetype != OFFSET_STREAM:
        raise Problem("chunk-type-invalid", f"Send the bytes as {OFFSET_STREAM}.")


def _too_much(limit: int) -> Problem:
    most = (
        "more bytes than one upload may have" if limit >= MAX_BLOB_BYTES else "more bytes than were promised"
    )
    return Problem("blob-too-large", f"The request has {most} ({limit}).")
