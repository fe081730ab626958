"""Receive a blob in one request or in pieces that may be days apart (tus 1.0.0).

An upload that comes whole never has a row: its bytes are made durable and one commit says so. One that comes in
pieces has a row with an offset, and a part in the spool for each request. A part is durable before the row
counts it, and it is counted only if the upload is still where the request began: so the offset told is never
ahead of the bytes, two requests at once cannot mix their bytes, and a request that died holds nothing up.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils

from sync.protocol.problems import Problem
from sync.protocol.schema import MAX_BLOB_BYTES
from webapp.services.keep_blob import keep_blob
from webapp.store import blobs
from webapp.store.blobs import Missing
from webapp.store.models import Upload
from webapp.store.queries import blobs as ask
from webapp.store.queries import deletions
from webapp.store.unit import Session, reading, transaction

EXPIRES_AFTER = timedelta(days=3)
MAX_OPEN = 256  # uploads under way of one phone; the oldest makes room
MAX_PARTS = 10_000
TOLD_AGAIN_AFTER = timedelta(days=1)

# What is wrong with the bytes themselves: sending them again would not help, so the upload ends.
_HOPELESS = frozenset({"digest-mismatch", "media-unsupported", "picture-too-large"})

Read = Callable[[int], bytes]  # at most so many bytes of the request; a problem when there are more


@dataclass(frozen=True, slots=True)
class Asked:
    """What a phone says of an upload before its first byte; lengths in bytes, the digest in lower-case hex."""

    size: int
    sha256: str
    type: str
    role: str
    header: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an upload is. `expires_at` is None when all of it is held."""

    id: str
    offset: int
    size: int
    header: str
    expires_at: datetime | None


def begin_upload(
    org_id: str, device_id: str, asked: Asked, announced: int, read: Read, now: datetime
) -> Standing:
    """Begin an upload with what came of it so far; bytes already held are not asked for again.

    `announced` is how many bytes the request says it brings: one that brings all is taken without a question.

    Problems: `blob-too-large`, `length-invalid` (held, and of another length), those of `keep_blob`.
    """
    if asked.size > MAX_BLOB_BYTES:
        raise Problem("blob-too-large", f"It has {asked.size} bytes; at most {MAX_BLOB_BYTES} are taken.")
    if announced != asked.size and _is_held(org_id, asked, now):
        return _whole(asked.sha256, asked.size, asked.header)
    data = read(asked.size)
    if len(data) == asked.size:
        keep_blob(org_id, device_id, asked.sha256, data, now)
        return _whole(asked.sha256, asked.size, asked.header)
    return _open(org_id, device_id, asked, data, now)


def look_at_upload(org_id: str, device_id: str, upload_id: str, now: datetime) -> Standing:
    """How far an upload is; a digest stands for a blob that came whole. Problems `upload-unknown`, `upload-expired`."""
    with reading() as session:
        if len(upload_id) == 64:
            size = _size_of(session, org_id, upload_id)
            if size is None:
                raise _unknown()
            return _whole(upload_id, size, "")
        return _standing(_find(ask.upload(session, org_id, device_id, upload_id), now))


def take_chunk(
    org_id: str, device_id: str, upload_id: str, offset: int, read: Read, now: datetime
) -> Standing:
    """Take the next bytes of an upload; with the last one the blob is checked and held.

    Bytes of a blob that was held when its upload was begun are compared, not kept.

    Problems: `upload-unknown`, `upload-expired`, `offset-conflict` (member `offset` says where it is),
    `upload-fragmented`, those of `keep_blob`; when the bytes themselves are wrong the upload ends.
    """
    standing = look_at_upload(org_id, device_id, upload_id, now)
    if offset < standing.offset and len(upload_id) == 64:
        return _again(org_id, standing, offset, read)
    if standing.offset != offset:
        raise _elsewhere(standing.offset)
    data = read(standing.size - offset)
    if not data:
        return standing
    if offset + len(data) == standing.size:
        return _finish(org_id, device_id, standing, data, now)
    return _append(org_id, device_id, standing, data, now)


def end_upload(org_id: str, device_id: str, upload_id: str, now: datetime) -> None:
    """Forget an upload under way at its sender's wish; a held blob stays. Problems as `look_at_upload`."""
    look_at_upload(org_id, device_id, upload_id, now)
    if len(upload_id) != 64:
        _drop(org_id, upload_id)


def _is_held(org_id: str, asked: Asked, now: datetime) -> bool:
    with reading() as session:
        blob = ask.held(session, org_id, asked.sha256)
        size = blob.size if blob is not None else _size_of(session, org_id, asked.sha256)
    if size is None:
        return False
    if size != asked.size:
        raise Problem("length-invalid", f"The bytes of this SHA-256 are {size}, not {asked.size}.")
    if blob is not None and blob.held_at < now - TOLD_AGAIN_AFTER:
        with transaction() as session:
            ask.keep_unreferenced(session, org_id, asked.sha256, now)
            # A sweep may have forgotten it since it was looked up.
            return ask.held(session, org_id, asked.sha256) is not None
    return True


def _size_of(session: Session, org_id: str, sha256: str) -> int | None:
    """How long a picture is that is held, or that was held and let go on purpose: nobody is to send it again."""
    blob = ask.held(session, org_id, sha256)
    if blob is not None:
        return blob.size
    deletion = deletions.find(session, org_id, sha256)
    return deletion.size if deletion is not None else None


def _open(org_id: str, device_id: str, asked: Asked, data: bytes, now: datetime) -> Standing:
    upload = Upload(
        org_id=org_id,
        id=str(uuid_utils.uuid7()),
        device_id=device_id,
        sha256=asked.sha256,
        type=asked.type,
        role=asked.role,
        size=asked.size,
        offset=0,
        metadata_header=asked.header,
        state="open",
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
    part = _spool(org_id, upload.id, data) if data else None
    with transaction() as session:
        surplus = ask.open_uploads(session, org_id, device_id)[MAX_OPEN - 1 :]
        for old in surplus:
            ask.remove_upload(session, org_id, old)
        session.add(upload)
        session.flush()
        if part:
            ask.add_part(session, org_id, upload.id, 0, len(data), part, upload.expires_at)
    for old in surplus:
        blobs.current().drop_parts(org_id, old)
    return Standing(upload.id, len(data), asked.size, asked.header, upload.expires_at)


def _again(org_id: str, standing: Standing, offset: int, read: Read) -> Standing:
    """Stock clients do not look at the offset that a creation answers, and send what was held from the start.

    The very bytes that are held change nothing, and the answer says that all are here.
    """
    data = read(standing.size - offset)
    try:
        held = blobs.current().read(org_id, standing.id)
    except Missing:
        with reading() as session:
            if deletions.find(session, org_id, standing.id) is None:
                raise
        return standing  # let go on purpose: there is nothing to compare, and nothing is kept
    if held[offset : offset + len(data)] != data:
        raise _elsewhere(standing.offset)
    return standing


def _append(org_id: str, device_id: str, standing: Standing, data: bytes, now: datetime) -> Standing:
    part = _spool(org_id, standing.id, data)
    expires_at = now + EXPIRES_AFTER
    with transaction() as session:
        counted = ask.add_part(session, org_id, standing.id, standing.offset, len(data), part, expires_at)
        fragmented = counted and ask.count_parts(session, org_id, standing.id) > MAX_PARTS
    if fragmented:
        _drop(org_id, standing.id)
        raise Problem("upload-fragmented", f"It came in more than {MAX_PARTS} pieces; send larger ones.")
    if not counted:
        blobs.current().drop_part(org_id, standing.id, part)
        raise _elsewhere(look_at_upload(org_id, device_id, standing.id, now).offset)
    return Standing(standing.id, standing.offset + len(data), standing.size, standing.header, expires_at)


def _finish(org_id: str, device_id: str, standing: Standing, data: bytes, now: datetime) -> Standing:
    with reading() as session:
        upload = _find(ask.upload(session, org_id, device_id, standing.id), now)
        parts = ask.parts(session, org_id, standing.id)
    whole = _gather(org_id, standing, parts) + data
    try:
        keep_blob(
            org_id,
            device_id,
            upload.sha256,
            whole,
            now,
            beside=lambda session: ask.finish(session, org_id, upload.id, standing.size),
        )
    except Problem as problem:
        if problem.code in _HOPELESS:
            _drop(org_id, upload.id)
        raise
    blobs.current().drop_parts(org_id, upload.id)
    return _whole(standing.id, standing.size, standing.header)


def _spool(org_id: str, upload_id: str, data: bytes) -> str:
    part = uuid.uuid4().hex
    blobs.current().put_part(org_id, upload_id, part, data)
    return part


def _gather(org_id: str, standing: Standing, parts: ask.Parts) -> bytes:
    gathered = bytearray()
    try:
        for _, _, name in parts:
            with blobs.current().open_part(org_id, standing.id, name) as stream:
                gathered += stream.read()
    except Missing:
        gathered.clear()
    if len(gathered) != standing.offset:
        _drop(org_id, standing.id)
        raise Problem("upload-expired", "Parts of it are no longer here; begin it again.")
    return bytes(gathered)


def _drop(org_id: str, upload_id: str) -> None:
    with transaction() as session:
        ask.remove_upload(session, org_id, upload_id)
    blobs.current().drop_parts(org_id, upload_id)


def _find(upload: Upload | None, now: datetime) -> Upload:
    if upload is None:
        raise _unknown()
    if upload.expires_at <= now:
        raise Problem("upload-expired", "It was begun too long ago; begin it again.")
    return upload


def _standing(upload: Upload) -> Standing:
    expires_at = None if upload.state == "done" else upload.expires_at
    return Standing(upload.id, upload.offset, upload.size, upload.metadata_header, expires_at)


def _whole(upload_id: str, size: int, header: str) -> Standing:
    return Standing(upload_id, size, size, header, None)


def _unknown() -> Problem:
    return Problem("upload-unknown", "There is no such upload of this phone; begin it again.")


def _elsewhere(offset: int) -> Problem:
    return Problem("offset-conflict", f"It is at {offset}; go on from there.", offset=offset)
