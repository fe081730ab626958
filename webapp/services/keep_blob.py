"""Take a whole blob in: check what it is, make it durable, say that it is held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sync.evidence.intake import admit
from sync.protocol.problems import Problem
from webapp.services.checking import wake
from webapp.store import blobs
from webapp.store.blobs import BlobStore
from webapp.store.queries import blobs as ask
from webapp.store.queries import deletions
from webapp.store.together import Together
from webapp.store.unit import Session, transaction


@dataclass(frozen=True, slots=True)
class _Put:
    """A blob that lies in the store and waits for its row; `beside` is settled with it."""

    row: dict[str, Any]
    data: bytes
    beside: Callable[[Any], object] | None


_commits: WeakKeyDictionary[BlobStore, Together[_Put]] = WeakKeyDictionary()


def keep_blob(
    org_id: str,
    device_id: str,
    sha256: str,
    data: bytes,
    now: datetime,
    beside: Callable[[Any], object] | None = None,
) -> None:
    """Keep `data` as the blob `sha256`; durable, bytes and row, when this returns. Twice is once.

    One that the shop has let go on purpose is answered the same, and not kept again.

    `beside` is called with the session and settled in the same transaction, which several requests may share.
    Problems, before anything is kept: `digest-mismatch`, `media-unsupported`, `picture-too-large`;
    `storage-full` and `busy` of the store.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Problem(
            "digest-mismatch", "The bytes have another SHA-256 than was promised; none of them was kept."
        )
    media_type, picture = admit(data)
    store = blobs.current()
    row = {
        "org_id": org_id,
        "sha256": sha256,
        "type": media_type,
        "size": len(data),
        "width": picture and picture.width,
        "height": picture and picture.height,
        "device_id": device_id,
        "held_at": now,
    }
    with _committer(store).coming() as settle:
        store.put(org_id, sha256, data)
        settle(_Put(row, data, beside))
    wake.ask_for_a_look()


def _committer(store: BlobStore) -> Together[_Put]:
    found = _commits.get(store)
    # Of two that are made at once only one is kept; the other serves its one request and is gone.
    return found or _commits.setdefault(store, Together(_commit))


def _commit(puts: Sequence[_Put]) -> None:
    store = blobs.current()
    with transaction() as session:
        ask.add_blobs(session, [put.row for put in puts])
        gone = _gone(session, puts)
        for put in puts:
            org_id, sha256 = put.row["org_id"], put.row["sha256"]
            if (org_id, sha256) in gone:
                store.delete(org_id, sha256)
                ask.remove_blob(session, org_id, sha256)
            elif not store.has(org_id, sha256):
                # A sweep held the row's key until now and has removed what lay there from an earlier try.
                store.put(org_id, sha256, put.data)
            if put.beside is not None:
                put.beside(session)


def _gone(session: Session, puts: Sequence[_Put]) -> set[tuple[str, str]]:
    """What was let go on purpose. Asked after the rows' keys are ours: a round that marks them is over by then."""
    by_org: dict[str, list[str]] = {}
    for put in puts:
        by_org.setdefault(put.row["org_id"], []).append(put.row["sha256"])
    return {
        (org_id, sha256)
        for org_id, digests in by_org.items()
        for sha256 in deletions.gone(session, org_id, digests)
    }
