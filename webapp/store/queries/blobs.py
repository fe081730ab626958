"""Questions about blobs and uploads, and the statements that settle them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Integer, and_, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import (
    Blob,
    BlobRef,
    EventParcel,
    OfficeFile,
    Parcel,
    Quarantined,
    QuarantinedBlob,
    Upload,
    UploadPart,
)
from webapp.store.prepared import Prepared

_TABLE: Any = Blob.__table__
_ADD = {
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_TABLE).on_conflict_do_nothing(),
}

Parts = Sequence[tuple[int, int, str]]  # offset, size, name in the spool


@dataclass(frozen=True, slots=True)
class BlobFacts:
    """What is known of a held blob."""

    sha256: str
    type: str
    size: int
    width: int | None
    height: int | None


def held(session: Session, org_id: str, sha256: str) -> Blob | None:
    """The row of a blob whose bytes are held."""
    return session.get(Blob, (org_id, sha256))


def held_among(session: Session, org_id: str, digests: Collection[str]) -> set[str]:
    """Those of the digests whose bytes are held."""
    chosen = select(Blob.sha256).where(Blob.org_id == org_id, among(session, Blob.sha256, digests))
    return set(session.scalars(chosen))


def total_size(session: Session, org_id: str, digests: Collection[str]) -> int:
    """How many bytes these have together, as far as they are held."""
    sizes = select(func.coalesce(func.sum(Blob.size), 0)).where(
        Blob.org_id == org_id, among(session, Blob.sha256, digests)
    )
    return int(session.scalar(sizes) or 0)


def lost_among(session: Session, org_id: str, digests: Collection[str]) -> set[str]:
    """Those of the digests of which a phone has said that it lost them."""
    chosen = select(BlobRef.sha256).where(
        BlobRef.org_id == org_id, among(session, BlobRef.sha256, digests), BlobRef.is_lost
    )
    return set(session.scalars(chosen))


def named_among(session: Session, org_id: str, device_id: str, digests: Collection[str]) -> set[str]:
    """Those of the digests that this phone's own events speak of, accepted or held in quarantine.

    A held line that its key does not prove counts for nothing: anybody can write one about any picture.
    """
    of_events = select(BlobRef.sha256).where(
        BlobRef.org_id == org_id, BlobRef.device_id == device_id, among(session, BlobRef.sha256, digests)
    )
    of_quarantine = (
        select(QuarantinedBlob.sha256)
        .join(
            Quarantined,
            (Quarantined.org_id == QuarantinedBlob.org_id)
            & (Quarantined.sha256 == QuarantinedBlob.item_sha256),
        )
        .where(
            QuarantinedBlob.org_id == org_id,
            Quarantined.device_id == device_id,
            Quarantined.signature_good,
            among(session, QuarantinedBlob.sha256, digests),
        )
    )
    return {*session.scalars(of_events), *session.scalars(of_quarantine)}


def wanted(session: Session, org_id: str, device_id: str, limit: int) -> list[str]:
    """Digests that this phone's events speak of and nobody has brought yet, oldest event first."""
    rows = _WANTED.rows(session.connection(), org_id=org_id, device_id=device_id, most=limit)
    return list(dict.fromkeys(row[0] for row in rows))


_WANTED = Prepared(
    lambda _dialect: (
        select(BlobRef.sha256)
        # Of an event and its photo that were told at the same moment, neither may have seen the other's row.
        .outerjoin(Blob, and_(Blob.org_id == BlobRef.org_id, Blob.sha256 == BlobRef.sha256))
        .where(
            BlobRef.org_id == bindparam("org_id"),
            BlobRef.device_id == bindparam("device_id"),
            BlobRef.is_awaited,
            Blob.sha256.is_(None),
        )
        .order_by(BlobRef.event_id)
        .limit(bindparam("most", type_=Integer))
    )
)
_NO_MORE_AWAITED = Prepared(
    lambda _dialect: (
        update(BlobRef)
        .where(BlobRef.org_id == bindparam("b_org_id"), BlobRef.sha256 == bindparam("b_sha256"))
        .values(is_awaited=False)
    )
)


def add_blobs(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Say that bytes are held, where it is not said yet, and that nobody waits for them any more.

    Waits for a sweep of one of these digests.
    """
    # In one order everywhere, or two processes would wait for each other.
    ordered = sorted(rows, key=lambda row: (row["org_id"], row["sha256"]))
    session.connection().execute(_ADD[session.get_bind().dialect.name], ordered)
    keys = [{"b_org_id": row["org_id"], "b_sha256": row["sha256"]} for row in ordered]
    _NO_MORE_AWAITED.run_many(session.connection(), keys)


def claim_blob(session: Session, org_id: str, sha256: str, now: datetime) -> bool:
    """Hold the key of a blob that no row speaks of until the transaction ends. Whether there was none."""
    claim = _ADD[session.get_bind().dialect.name].returning(_TABLE.c.sha256)
    return session.connection().execute(claim, _claim(org_id, sha256, now)).one_or_none() is not None


def claim_blobs(session: Session, org_id: str, digests: Collection[str], now: datetime) -> None:
    """The same of several. Who is just bringing one of them is waited for, and its row seen by what is asked next.

    The rows that hold the keys are the caller's to remove.
    """
    # In the order of `add_blobs`, or each would wait for the other.
    rows = [_claim(org_id, sha256, now) for sha256 in sorted(digests)]
    if rows:
        session.connection().execute(_ADD[session.get_bind().dialect.name], rows)


def _claim(org_id: str, sha256: str, now: datetime) -> dict[str, Any]:
    return {"org_id": org_id, "sha256": sha256, "type": "", "size": 0, "device_id": "", "held_at": now}


def remove_blob(session: Session, org_id: str, sha256: str) -> None:
    """Stop saying that bytes are held."""
    session.execute(delete(Blob).where(Blob.org_id == org_id, Blob.sha256 == sha256))


def keep_unreferenced(session: Session, org_id: str, sha256: str, now: datetime) -> None:
    """Let a blob that no event speaks of yet wait from now on: somebody has just been told that it is held."""
    session.execute(
        update(Blob)
        .where(Blob.org_id == org_id, Blob.sha256 == sha256, ~_is_referenced())
        .values(held_at=now)
    )


def unreferenced(session: Session, before: datetime, limit: int) -> Sequence[tuple[str, str]]:
    """(organisation, digest) of blobs that have waited since before this time for an event to speak of them."""
    rows = session.execute(
        select(Blob.org_id, Blob.sha256).where(Blob.held_at < before, ~_is_referenced()).limit(limit)
    )
    return [(org_id, sha256) for org_id, sha256 in rows]


def remove_unreferenced(session: Session, org_id: str, sha256: str, before: datetime) -> bool:
    """Stop saying that a blob is held, if it still waits in vain. Call with the organisation locked."""
    done = session.execute(
        delete(Blob).where(
            Blob.org_id == org_id, Blob.sha256 == sha256, Blob.held_at < before, ~_is_referenced()
        )
    )
    return _count(done) == 1


def visible(session: Session, org_id: str, seller: str | None, sha256: str) -> BlobFacts | None:
    """A held blob that an event speaks of; for a seller only when it shows a parcel of theirs."""
    asked = (
        select(Blob.sha256, Blob.type, Blob.size, Blob.width, Blob.height)
        .where(Blob.org_id == org_id, Blob.sha256 == sha256)
        .where(_is_proof() if seller is None else _shows_parcel_of(seller))
    )
    row = session.execute(asked).one_or_none()
    return None if row is None else BlobFacts(*row)


def upload(session: Session, org_id: str, device_id: str, upload_id: str) -> Upload | None:
    """A phone's own upload."""
    found = session.get(Upload, (org_id, upload_id))
    return found if found is not None and found.device_id == device_id else None


def parts(session: Session, org_id: str, upload_id: str) -> Parts:
    """(offset, size, name) of an upload's parts, in order."""
    rows = session.execute(
        select(UploadPart.offset, UploadPart.size, UploadPart.name)
        .where(UploadPart.org_id == org_id, UploadPart.upload_id == upload_id)
        .order_by(UploadPart.offset)
    )
    return [(offset, size, name) for offset, size, name in rows]


def count_parts(session: Session, org_id: str, upload_id: str) -> int:
    """In how many pieces an upload has come so far."""
    counted = select(func.count()).where(UploadPart.org_id == org_id, UploadPart.upload_id == upload_id)
    return session.execute(counted).scalar_one()


def add_part(
    session: Session, org_id: str, upload_id: str, offset: int, size: int, name: str, expires_at: datetime
) -> bool:
    """Count a durable part, if the upload is still open at its offset. Whether it was."""
    if not _advance(session, org_id, upload_id, offset, offset=offset + size, expires_at=expires_at):
        return False
    session.execute(
        insert(UploadPart).values(org_id=org_id, upload_id=upload_id, offset=offset, size=size, name=name)
    )
    return True


def finish(session: Session, org_id: str, upload_id: str, size: int) -> None:
    """Mark an upload done wherever it is: its blob is held, so its parts count no more."""
    session.execute(delete(UploadPart).where(UploadPart.org_id == org_id, UploadPart.upload_id == upload_id))
    session.execute(
        update(Upload)
        .where(Upload.org_id == org_id, Upload.id == upload_id)
        .values(offset=size, state="done")
    )


def open_uploads(session: Session, org_id: str, device_id: str) -> Sequence[str]:
    """A phone's uploads under way, newest first."""
    return session.scalars(
        select(Upload.id)
        .where(Upload.org_id == org_id, Upload.device_id == device_id, Upload.state == "open")
        .order_by(Upload.created_at.desc(), Upload.id.desc())
    ).all()


def expired(session: Session, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
    """(organisation, id) of uploads whose time is over."""
    rows = session.execute(select(Upload.org_id, Upload.id).where(Upload.expires_at < now).limit(limit))
    return [(org_id, upload_id) for org_id, upload_id in rows]


def remove_upload(session: Session, org_id: str, upload_id: str) -> None:
    """Forget an upload and its parts."""
    session.execute(delete(UploadPart).where(UploadPart.org_id == org_id, UploadPart.upload_id == upload_id))
    session.execute(delete(Upload).where(Upload.org_id == org_id, Upload.id == upload_id))


def is_open(session: Session, org_id: str, upload_id: str) -> bool:
    """Whether an upload is under way: its parts in the spool are needed."""
    found = session.get(Upload, (org_id, upload_id))
    return found is not None and found.state == "open"


def _advance(session: Session, org_id: str, upload_id: str, at: int, **values: Any) -> bool:
    done = session.execute(
        update(Upload)
        .where(Upload.org_id == org_id, Upload.id == upload_id, Upload.state == "open", Upload.offset == at)
        .values(**values)
    )
    return _count(done) == 1


def _is_referenced() -> Any:
    # What is held in quarantine may still be taken in: its pictures wait with it. The office's own files are kept.
    is_of_office = exists().where(OfficeFile.org_id == Blob.org_id, OfficeFile.sha256 == Blob.sha256)
    return _is_proof() | is_of_office


def _is_proof() -> Any:
    is_of_event = exists().where(BlobRef.org_id == Blob.org_id, BlobRef.sha256 == Blob.sha256)
    return is_of_event | exists().where(
        QuarantinedBlob.org_id == Blob.org_id, QuarantinedBlob.sha256 == Blob.sha256
    )


def _shows_parcel_of(seller: str) -> Any:
    # A picture of one named parcel is that parcel's only; one of the whole handover belongs to all in it.
    return (
        exists()
        .where(BlobRef.org_id == Blob.org_id, BlobRef.sha256 == Blob.sha256)
        .where(EventParcel.org_id == BlobRef.org_id, EventParcel.event_id == BlobRef.event_id)
        .where((BlobRef.parcel == "") | (BlobRef.parcel == EventParcel.code))
        .where(Parcel.org_id == EventParcel.org_id, Parcel.code == EventParcel.code, Parcel.seller == seller)
    )


def _count(done: Any) -> int:
    return cast("CursorResult[Any]", done).rowcount
