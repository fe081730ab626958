"""Clear away pictures that no event ever spoke of, and bytes that no row speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.store import blobs
from webapp.store.blobs import HeldBlob
from webapp.store.queries import blobs as ask
from webapp.store.unit import lock_org, reading, transaction

UNREFERENCED_AFTER = timedelta(days=7)
STRAY_AFTER = timedelta(days=1)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class DroppedBlobs:
    """How much one sweep has cleared away: rows without an event, bytes without a row."""

    unreferenced: int
    stray: int


def drop_unreferenced_blobs(now: datetime) -> DroppedBlobs:
    """Sweep the whole store once; for once a day. Safe twice, and from several processes."""
    unreferenced = _unreferenced(now - UNREFERENCED_AFTER)
    return DroppedBlobs(unreferenced, _stray_blobs(now - STRAY_AFTER))


def _unreferenced(before: datetime) -> int:
    """Only the rows: bytes without a row are stray, and go with those when they are old."""
    count = 0
    while True:
        with reading() as session:
            found = ask.unreferenced(session, before, AT_ONCE)
        for org_id, sha256 in found:
            with transaction() as session:
                # Held against an event that is just being accepted: it tells its phone what is wanted.
                lock_org(session, org_id, 0)
                count += ask.remove_unreferenced(session, org_id, sha256, before)
        if len(found) < AT_ONCE:
            return count


def _stray_blobs(before: datetime) -> int:
    """Bytes that no row speaks of: their writer died before its commit, or the row was dropped above.

    Counted in batches, so that a store of millions of pictures costs few questions.
    """
    count = 0
    batch: list[HeldBlob] = []
    for held in blobs.current().walk():
        if held.modified_at < before:
            batch.append(held)
        if len(batch) == AT_ONCE:
            count += _drop_stray(batch, before)
            batch = []
    return count + _drop_stray(batch, before)


def _drop_stray(batch: list[HeldBlob], before: datetime) -> int:
    count = 0
    for org_id in {held.org_id for held in batch}:
        mine = {held.sha256: held for held in batch if held.org_id == org_id}
        with reading() as session:
            said = ask.held_among(session, org_id, mine)
        count += sum(drop_bytes(org_id, sha256, before) for sha256 in mine.keys() - said)
    return count


def drop_bytes(org_id: str, sha256: str, before: datetime) -> bool:
    """Remove bytes that no row speaks of, while holding their row's key. Whether there was none.

    Whoever keeps the same blob just now waits for us, and then sees that its bytes are to be put again.
    """
    with transaction() as session:
        if not ask.claim_blob(session, org_id, sha256, before):
            return False
        blobs.current().delete(org_id, sha256)
        ask.remove_blob(session, org_id, sha256)
    return True
