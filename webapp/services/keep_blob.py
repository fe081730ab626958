"""Take a whole blob in: check what it is, make it durable, say that it is held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sync.evidence.intake import Picture, inspect
from sync.protocol.problems import Problem
from webapp.store import blobs
from webapp.store.queries import blobs as ask
from webapp.store.unit import transaction


def keep_blob(
    org_id: str,
    device_id: str,
    sha256: str,
    data: bytes,
    now: datetime,
    beside: Callable[[Any], object] | None = None,
) -> Picture:
    """Keep `data` as the blob `sha256`; durable, bytes and row, when this returns. Twice is once.

    `beside` is settled in the same transaction. Problems, before anything is kept: `digest-mismatch`,
    `media-unsupported`, `picture-broken`, `picture-too-large`; `storage-full` and `busy` of the store.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Problem(
            "digest-mismatch", "The bytes have another SHA-256 than was promised; nothing of them was kept."
        )
    picture = inspect(data)
    store = blobs.current()
    store.put(org_id, sha256, data)
    with transaction() as session:
        ask.add_blob(session, _row(org_id, device_id, sha256, len(data), picture, now))
        if not store.has(org_id, sha256):
            # A sweep held the row's key until now and has removed what lay there from an earlier try.
            store.put(org_id, sha256, data)
        if beside is not None:
            beside(session)
    return picture


def _row(
    org_id: str, device_id: str, sha256: str, size: int, picture: Picture, now: datetime
) -> dict[str, object]:
    return {
        "org_id": org_id,
        "sha256": sha256,
        "type": picture.type,
        "size": size,
        "width": picture.width,
        "height": picture.height,
        "device_id": device_id,
        "held_at": now,
    }
