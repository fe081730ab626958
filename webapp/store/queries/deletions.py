"""Pictures whose bytes were let go on purpose: which, since when, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from sync.protocol.times import format_time
from webapp.store.among import among
from webapp.store.models import Blob, BlobRef, DeletedBlob, EventParcel
from webapp.store.prepared import Prepared, one_of
from webapp.store.queries.blobs import claim_blobs
from webapp.store.queries.evidence import forget_sketches

POLICY, ERASED = "policy", "erased"


@dataclass(frozen=True, slots=True)
class Deletion:
    """When and why a picture went: `policy` after `after_days`, or `erased` because somebody asked. `size` in bytes."""

    size: int
    why: str
    after_days: int | None
    deleted_at: datetime


def find(session: Session, org_id: str, sha256: str) -> Deletion | None:
    """What became of one picture; None when nobody let it go."""
    return among_digests(session, org_id, [sha256]).get(sha256)


def among_digests(session: Session, org_id: str, digests: Collection[str]) -> dict[str, Deletion]:
    """Those of the digests whose bytes were let go."""
    rows = session.execute(
        select(
            DeletedBlob.sha256,
            DeletedBlob.size,
            DeletedBlob.why,
            DeletedBlob.after_days,
            DeletedBlob.deleted_at,
        ).where(DeletedBlob.org_id == org_id, among(session, DeletedBlob.sha256, digests))
    )
    return {row[0]: Deletion(*row[1:]) for row in rows}


def since(session: Session, org_id: str, moment: datetime) -> list[DeletedBlob]:
    """The whole rows of what was let go since then, by digest."""
    query = select(DeletedBlob).where(DeletedBlob.org_id == org_id, DeletedBlob.deleted_at >= moment)
    return list(session.execute(query.order_by(DeletedBlob.sha256)).scalars())


def gone(session: Session, org_id: str, digests: Collection[str]) -> set[str]:
    """The same as plain digests, cheap enough for every photo that comes home."""
    rows = _GONE.rows(session.connection(), org_id=org_id, keys=digests)
    return {row[0] for row in rows}


_GONE = Prepared(
    lambda dialect: select(DeletedBlob.sha256).where(
        DeletedBlob.org_id == bindparam("org_id"), one_of(dialect, DeletedBlob.sha256, "keys")
    )
)


def mark(
    session: Session,
    org_id: str,
    blobs: Sequence[Blob | BlobRef],
    why: str,
    now: datetime,
    *,
    days: dict[str, int | None] | None = None,
    made_by: str | None = None,
) -> None:
    """Say that these are gone, in place of saying that they are held; their bytes go afterwards (`uncleared`).

    One that has not come home is named by a reference to it: should it come, it is not kept.
    `days` is the policy's number by digest. Nobody waits for them any more, nobody will look at them.
    """
    if not blobs:
        return
    told = {"org_id": org_id, "why": why, "made_by": made_by, "deleted_at": now, "cleared_at": None}
    rows = [
        {
            **told,
            "sha256": blob.sha256,
            "size": blob.size,
            "type": blob.type,
            "after_days": (days or {}).get(blob.sha256),
        }
        for blob in blobs
    ]
    # PostgreSQL shows nobody a row that is not committed yet: one that comes home just now would stay beside its mark.
    claim_blobs(session, org_id, [blob.sha256 for blob in blobs if isinstance(blob, BlobRef)], now)
    session.execute(insert(DeletedBlob), rows)
    digests = [blob.sha256 for blob in blobs]
    session.execute(delete(Blob).where(Blob.org_id == org_id, among(session, Blob.sha256, digests)))
    session.execute(
        update(BlobRef)
        .where(BlobRef.org_id == org_id, among(session, BlobRef.sha256, digests))
        .values(is_awaited=False, is_checked=True)
    )
    if why == ERASED:
        forget_sketches(session, org_id, digests)


def uncleared(session: Session, org_id: str, limit: int) -> list[str]:
    """Digests that are marked and whose bytes may still be in the store."""
    query = select(DeletedBlob.sha256).where(DeletedBlob.org_id == org_id, DeletedBlob.cleared_at.is_(None))
    return list(session.execute(query.order_by(DeletedBlob.sha256).limit(limit)).scalars())


def cleared(session: Session, org_id: str, digests: Collection[str], now: datetime) -> None:
    """Note that the bytes of these are gone from the store."""
    session.execute(
        update(DeletedBlob)
        .where(DeletedBlob.org_id == org_id, among(session, DeletedBlob.sha256, digests))
        .values(cleared_at=now)
    )


def take_back(session: Session, org_id: str, sha256: str) -> None:
    """Somebody in the office has brought the very bytes as a file of their own: they are held again."""
    session.execute(delete(DeletedBlob).where(DeletedBlob.org_id == org_id, DeletedBlob.sha256 == sha256))


def as_told(deletion: Deletion | None) -> dict[str, Any] | None:
    """As a command tells it; None when the picture is not gone."""
    if deletion is None:
        return None
    at = format_time(deletion.deleted_at)
    return {"at": at, "why": deletion.why, "after_days": deletion.after_days}


def photos_of(session: Session, org_id: str, events: Collection[str], codes: Collection[str]) -> int:
    """How many photos are held that show these parcels, or may: of one of them, or of the whole handover."""
    scanned = select(EventParcel.scanned).where(
        EventParcel.org_id == org_id,
        among(session, EventParcel.code, codes),
        EventParcel.scanned.is_not(None),
    )
    shows = or_(among(session, BlobRef.parcel, [*codes, ""]), BlobRef.parcel.in_(scanned))
    query = (
        select(func.count(BlobRef.sha256.distinct()))
        .join(Blob, (Blob.org_id == BlobRef.org_id) & (Blob.sha256 == BlobRef.sha256))
        .where(BlobRef.org_id == org_id, BlobRef.role != "signature")
        .where(among(session, BlobRef.event_id, events), shows)
    )
    return session.execute(query).scalar_one()
