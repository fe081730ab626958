"""Clear away uploads that nobody came back for, and what dead writers left in the spool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.store import blobs
from webapp.store.queries import blobs as ask
from webapp.store.unit import reading, transaction

LEFTOVER_AFTER = timedelta(days=1)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class DroppedUploads:
    """How much one sweep has cleared away: uploads that expired, spools without an upload under way."""

    uploads: int
    stray: int


def drop_expired_uploads(now: datetime) -> DroppedUploads:
    """Sweep uploads and spool once; cheap enough for every minute. Safe twice, and from several processes."""
    leftover = now - LEFTOVER_AFTER
    dropped = DroppedUploads(_expired_uploads(now), _stray_parts(leftover))
    blobs.current().tidy(leftover)
    return dropped


def _expired_uploads(now: datetime) -> int:
    count = 0
    while True:
        with transaction() as session:
            found = ask.expired(session, now, AT_ONCE)
            for org_id, upload_id in found:
                ask.remove_upload(session, org_id, upload_id)
        for org_id, upload_id in found:
            blobs.current().drop_parts(org_id, upload_id)
        count += len(found)
        if len(found) < AT_ONCE:
            return count


def _stray_parts(before: datetime) -> int:
    """Parts whose upload is done or gone: their writer died before it could clear up."""
    store, count = blobs.current(), 0
    old = {(org_id, upload_id) for org_id, upload_id, at in store.spooled() if at < before}
    for org_id, upload_id in old:
        with reading() as session:
            needed = ask.is_open(session, org_id, upload_id)
        if not needed:
            store.drop_parts(org_id, upload_id)
            count += 1
    return count
