"""What is kept in the store and under which key: blobs held, parts of uploads under way, pictures derived."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from sync.protocol.schema import SHA256
from webapp.store.blobs.port import Missing, Objects

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class HeldBlob:
    """One blob that is in the store, whether or not a row speaks of it."""

    org_id: str
    sha256: str
    size: int
    modified_at: datetime


class BlobStore:
    """Bytes by organisation and digest.

    Keys: `held/<org>/<ab>/<sha256>` are the proofs (back these up), `spool/<org>/<upload>/<part>` are parts of
    uploads under way, `derived/<org>/<ab>/<sha256>/<name>` can be made again from what is held.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, org_id: str, sha256: str, data: bytes) -> None:
        """Keep a blob. The caller has checked that these are the digest's bytes. Durable when this returns."""
        self._objects.put(_held(org_id, sha256), data)

    def has(self, org_id: str, sha256: str) -> bool:
        """Whether the bytes are really there, rows apart."""
        return self._objects.stat(_held(org_id, sha256)) is not None

    def open(self, org_id: str, sha256: str) -> BinaryIO:
        """A reading stream of a blob; the caller closes it. Raises Missing."""
        return self._objects.open(_held(org_id, sha256))

    def read(self, org_id: str, sha256: str) -> bytes:
        """A blob's bytes (at most `max_blob_bytes`). Raises Missing."""
        with self.open(org_id, sha256) as stream:
            return stream.read()

    def delete(self, org_id: str, sha256: str) -> None:
        """Forget a blob and all that was derived from it."""
        for stored in list(self._objects.walk(_derived(org_id, sha256, ""))):
            self._objects.delete(stored.key)
        self._objects.delete(_held(org_id, sha256))

    def walk(self) -> Iterator[HeldBlob]:
        """All blobs of all organisations."""
        for stored in self._objects.walk("held/"):
            _, org_id, *between, sha256 = stored.key.split("/")
            if len(between) == 1 and SHA256.fullmatch(sha256):
                yield HeldBlob(org_id, sha256, stored.size, stored.modified_at)

    def put_part(self, org_id: str, upload_id: str, part: str, data: bytes) -> None:
        """Keep one part of an upload under way. Durable when this returns."""
        self._objects.put(_spool(org_id, upload_id, part), data)

    def open_part(self, org_id: str, upload_id: str, part: str) -> BinaryIO:
        """A reading stream of one part; the caller closes it. Raises Missing."""
        return self._objects.open(_spool(org_id, upload_id, part))

    def drop_part(self, org_id: str, upload_id: str, part: str) -> None:
        """Forget one part, one that lost against another request."""
        self._objects.delete(_spool(org_id, upload_id, part))

    def drop_parts(self, org_id: str, upload_id: str) -> None:
        """Forget all parts of an upload, also those that no row speaks of."""
        for stored in list(self._objects.walk(_spool(org_id, upload_id, ""))):
            self._objects.delete(stored.key)

    def spooled(self) -> Iterator[tuple[str, str, datetime]]:
        """Every part in the spool as (organisation, upload, since when)."""
        for stored in self._objects.walk("spool/"):
            segments = stored.key.split("/")
            if len(segments) == 4:
                yield segments[1], segments[2], stored.modified_at

    def derived(self, org_id: str, sha256: str, name: str) -> bytes | None:
        """Bytes once made from a blob (a thumbnail), or None: make them again. A power cut may have torn them."""
        try:
            with self._objects.open(_derived(org_id, sha256, name)) as stream:
                return stream.read()
        except Missing:
            return None

    def put_derived(self, org_id: str, sha256: str, name: str, data: bytes) -> None:
        """Keep bytes made from a blob; losing them costs only the making."""
        self._objects.put(_derived(org_id, sha256, name), data, durable=False)

    def drop_derived(self, org_id: str, sha256: str, name: str) -> None:
        """Forget bytes made from a blob, that they may be put anew."""
        self._objects.delete(_derived(org_id, sha256, name))

    def tidy(self, before: datetime) -> int:
        """Remove what writers that died before this time have left half made. Gives how many."""
        return self._objects.tidy(before)

    def check(self) -> None:
        """Raise the problem `busy` or `storage-full` when nothing can be kept now."""
        self._objects.check()


def _held(org_id: str, sha256: str) -> str:
    return f"held/{_name(org_id)}/{_digest(sha256)[:2]}/{sha256}"


def _spool(org_id: str, upload_id: str, part: str) -> str:
    return f"spool/{_name(org_id)}/{_name(upload_id)}/{_name(part) if part else ''}"


def _derived(org_id: str, sha256: str, name: str) -> str:
    return f"derived/{_name(org_id)}/{_digest(sha256)[:2]}/{sha256}/{_name(name) if name else ''}"


def _digest(text: str) -> str:
    if not SHA256.fullmatch(text):
        raise ValueError("not a SHA-256 in lower-case hex")
    return text


def _name(text: str) -> str:
    # The last guard against a path made from what somebody sent.
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} cannot be part of a key")
    return text
