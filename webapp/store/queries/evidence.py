"""Which pictures wait for a look, who has one in hand, what was seen, and which older picture is like a new one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Text, and_, delete, exists, func, insert, or_, select, text, update
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import (
    Anomaly,
    Blob,
    BlobRef,
    Event,
    EventParcel,
    Parcel,
    PhotoCheck,
    PhotoCode,
    PhotoPrint,
    ProofCheck,
)

MOST_LIKE = 24  # candidates whose sketches are compared
_UNCHECKED = text("NOT blob_refs.is_checked AND NOT blob_refs.is_awaited AND NOT blob_refs.is_lost")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture of an event that is held and was not looked at."""

    org_id: str
    event_id: str
    sha256: str
    role: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Another event that speaks of a picture."""

    event_id: str
    kind: str
    effective_at: datetime
    ref: str | None
    reason: str | None


def met(session: Session, limit: int) -> list[tuple[str, str]]:
    """(organisation, digest) of what an event and its photo, told at one moment, each did not know of the other."""
    rows = session.execute(
        select(BlobRef.org_id, BlobRef.sha256)
        .join(Blob, and_(Blob.org_id == BlobRef.org_id, Blob.sha256 == BlobRef.sha256))
        .where(text("blob_refs.is_awaited"))
        .limit(limit)
    )
    return [(org_id, sha256) for org_id, sha256 in rows]


def settle_met(session: Session, found: Collection[tuple[str, str]]) -> None:
    """Note these as held."""
    for org_id, sha256 in found:
        session.execute(
            update(BlobRef).where(BlobRef.org_id == org_id, BlobRef.sha256 == sha256).values(is_awaited=False)
        )


def waiting(session: Session, idle_since: datetime, limit: int) -> list[Waiting]:
    """Pictures that wait, of all organisations, oldest event first; not those somebody has had since `idle_since`."""
    in_hand = exists().where(
        PhotoCheck.org_id == BlobRef.org_id,
        PhotoCheck.event_id == BlobRef.event_id,
        PhotoCheck.sha256 == BlobRef.sha256,
        PhotoCheck.done_at.is_(None),
        PhotoCheck.taken_at >= idle_since,
    )
    rows = session.execute(
        select(BlobRef.org_id, BlobRef.event_id, BlobRef.sha256, func.min(BlobRef.role))
        .join(Blob, and_(Blob.org_id == BlobRef.org_id, Blob.sha256 == BlobRef.sha256))
        .where(_UNCHECKED, ~in_hand)
        .group_by(BlobRef.org_id, BlobRef.event_id, BlobRef.sha256)
        .order_by(BlobRef.event_id)
        .limit(limit)
    )
    return [Waiting(*row) for row in rows]


def overdue(session: Session, org_id: str, received_by: datetime, limit: int) -> list[str]:
    """Records that were here by then, still miss a picture, and of which no check has said so."""
    # As text: one word of the findings is asked for, on both databases.
    is_told = cast_to(ProofCheck.findings, Text).contains("blob_missing")
    query = (
        select(BlobRef.event_id)
        .join(Event, and_(Event.org_id == BlobRef.org_id, Event.id == BlobRef.event_id))
        .outerjoin(
            ProofCheck,
            and_(ProofCheck.org_id == BlobRef.org_id, ProofCheck.event_id == BlobRef.event_id),
        )
        .where(
            BlobRef.org_id == org_id,
            text("blob_refs.is_awaited"),
            Event.received_at <= received_by,
            or_(ProofCheck.event_id.is_(None), ~is_told),
        )
        # The order of `ix_blob_refs_awaited`, so that it is used: of all pictures the awaited are few.
        .order_by(BlobRef.device_id, BlobRef.event_id)
        .limit(limit)
    )
    return list(dict.fromkeys(session.execute(query).scalars()))


def take(session: Session, it: Waiting, by: str, now: datetime, idle_since: datetime) -> int | None:
    """Take a picture in hand; gives how many have tried, None when somebody else has it or it is done."""
    flavour: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    row = {
        "org_id": it.org_id,
        "event_id": it.event_id,
        "sha256": it.sha256,
        "role": it.role,
        "taken_at": now,
        "taken_by": by,
        "tries": 1,
    }
    taken = (
        flavour.insert(PhotoCheck)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["org_id", "event_id", "sha256"],
            set_={"done_at": None, "taken_at": now, "taken_by": by, "tries": PhotoCheck.tries + 1},
            where=or_(PhotoCheck.done_at.is_not(None), PhotoCheck.taken_at < idle_since)
            & _still_unchecked(it),
        )
        .returning(PhotoCheck.tries)
    )
    return cast("int | None", session.execute(taken).scalar_one_or_none())


def give_back(session: Session, it: Waiting, by: str) -> None:
    """Let a try not count that could not begin; the lease stays, so that it is not tried again at once."""
    session.execute(
        update(PhotoCheck)
        .where(
            PhotoCheck.org_id == it.org_id,
            PhotoCheck.event_id == it.event_id,
            PhotoCheck.sha256 == it.sha256,
            PhotoCheck.taken_by == by,
        )
        .values(tries=PhotoCheck.tries - 1)
    )


def _still_unchecked(it: Waiting) -> Any:
    return exists().where(
        BlobRef.org_id == it.org_id,
        BlobRef.event_id == it.event_id,
        BlobRef.sha256 == it.sha256,
        BlobRef.is_checked.is_(False),
    )


def finish(session: Session, it: Waiting, by: str, result: dict[str, Any], now: datetime) -> bool:
    """Keep what was seen; whether it was still in these hands."""
    done = session.execute(
        update(PhotoCheck)
        .where(
            PhotoCheck.org_id == it.org_id,
            PhotoCheck.event_id == it.event_id,
            PhotoCheck.sha256 == it.sha256,
            PhotoCheck.taken_by == by,
            PhotoCheck.done_at.is_(None),
        )
        .values(done_at=now, result=result)
    )
    if cast("CursorResult[Any]", done).rowcount != 1:
        return False
    session.execute(
        update(BlobRef)
        .where(BlobRef.org_id == it.org_id, BlobRef.event_id == it.event_id, BlobRef.sha256 == it.sha256)
        .values(is_checked=True)
    )
    return True


def keep_print(session: Session, org_id: str, sha256: str, codes: Collection[int], sketch: bytes) -> None:
    """Keep by what a photo is known again; once is enough, and not of one that was erased while it was looked at."""
    if session.get(PhotoPrint, (org_id, sha256)) is not None or session.get(Blob, (org_id, sha256)) is None:
        return
    session.execute(insert(PhotoPrint).values(org_id=org_id, sha256=sha256, sketch=sketch))
    rows = [{"org_id": org_id, "code": code, "sha256": sha256} for code in codes]
    session.execute(insert(PhotoCode), rows)


def forget_sketches(session: Session, org_id: str, digests: Collection[str]) -> None:
    """Know these no more by how they look. Their codes stay: numbers that nobody can turn into a picture."""
    session.execute(
        delete(PhotoPrint).where(PhotoPrint.org_id == org_id, among(session, PhotoPrint.sha256, digests))
    )


def alike(session: Session, org_id: str, codes: Sequence[int], but: str) -> list[tuple[str, bytes]]:
    """(digest, sketch) of the photos that share most codes with these, the photo itself left out."""
    wanted = PhotoCode.code.in_(codes)
    nearest = session.execute(
        select(PhotoCode.sha256)
        .where(PhotoCode.org_id == org_id, wanted, PhotoCode.sha256 != but)
        .group_by(PhotoCode.sha256)
        .order_by(func.count().desc(), PhotoCode.sha256)
        .limit(MOST_LIKE)
    ).scalars()
    rows = session.execute(
        select(PhotoPrint.sha256, PhotoPrint.sketch).where(
            PhotoPrint.org_id == org_id, among(session, PhotoPrint.sha256, list(nearest))
        )
    )
    return [(row.sha256, row.sketch) for row in rows]


def speaking_of(session: Session, org_id: str, digests: Collection[str], but: str) -> list[Twin]:
    """Other events than `but` whose photos or signatures these are, oldest first."""
    rows = session.execute(
        select(Event.id, Event.kind, Event.effective_at, Event.ref, Event.reason)
        .join(BlobRef, and_(BlobRef.org_id == Event.org_id, BlobRef.event_id == Event.id))
        .where(
            Event.org_id == org_id,
            Event.id != but,
            among(session, BlobRef.sha256, digests),
            BlobRef.role != "tag",
            BlobRef.is_lost.is_(False),
        )
        .distinct()
        .order_by(Event.effective_at, Event.id)
    )
    return [Twin(*row) for row in rows]


def chain(session: Session, org_id: str, event_id: str, most: int = 8) -> set[str]:
    """An event, what it answers, and so on: a retake and the record it is the new photo of."""
    found = {event_id}
    at: str | None = event_id
    while at is not None and len(found) < most:
        at = session.execute(
            select(Event.ref).where(Event.org_id == org_id, Event.id == at, Event.reason == "retake")
        ).scalar_one_or_none()
        if at is not None:
            found.add(at)
    return found


def refs_of(session: Session, org_id: str, event_id: str) -> list[tuple[BlobRef, PhotoCheck | None, bool]]:
    """Every picture of an event: its reference, the look at it, whether its bytes are held."""
    rows = session.execute(
        select(BlobRef, PhotoCheck, Blob.sha256)
        .outerjoin(
            PhotoCheck,
            and_(
                PhotoCheck.org_id == BlobRef.org_id,
                PhotoCheck.event_id == BlobRef.event_id,
                PhotoCheck.sha256 == BlobRef.sha256,
                PhotoCheck.done_at.is_not(None),
            ),
        )
        .outerjoin(Blob, and_(Blob.org_id == BlobRef.org_id, Blob.sha256 == BlobRef.sha256))
        .where(BlobRef.org_id == org_id, BlobRef.event_id == event_id, BlobRef.is_lost.is_(False))
        .order_by(BlobRef.role, BlobRef.parcel, BlobRef.sha256)
    )
    return [(row[0], row[1], row[2] is not None) for row in rows]


def claims(session: Session, org_id: str, event_id: str) -> dict[str, str | None]:
    """The parcels an event scanned, each with its tracking number."""
    rows = session.execute(
        select(Parcel.code, Parcel.tracking_number)
        .join(EventParcel, and_(EventParcel.org_id == Parcel.org_id, EventParcel.code == Parcel.code))
        .where(
            EventParcel.org_id == org_id, EventParcel.event_id == event_id, EventParcel.scanned.is_not(None)
        )
    )
    return {row.code: row.tracking_number for row in rows}


def parcels_of_keys(session: Session, org_id: str, keys: Collection[str]) -> dict[str, str]:
    """Which parcel each key names: its internal code, or the tracking number of one that an order is known for."""
    if not keys:
        return {}
    by_number = session.execute(
        select(Parcel.tracking_number, Parcel.code)
        .where(Parcel.org_id == org_id, among(session, Parcel.tracking_number, keys), Parcel.is_known)
        .order_by(Parcel.code.desc())
    )
    found = {str(row.tracking_number): row.code for row in by_number}
    by_code = session.execute(
        select(Parcel.code).where(Parcel.org_id == org_id, among(session, Parcel.code, keys), Parcel.is_known)
    )
    return {**found, **{code: code for code in by_code.scalars()}}


def open_anomalies_at(session: Session, org_id: str, event_id: str) -> list[str]:
    """The codes of the open anomalies that stand at an event."""
    mine = select(EventParcel.code).where(EventParcel.org_id == org_id, EventParcel.event_id == event_id)
    query = select(Anomaly.code).where(
        Anomaly.org_id == org_id, Anomaly.parcel.in_(mine), Anomaly.event_id == event_id, Anomaly.is_open
    )
    return list(session.execute(query.distinct()).scalars())


def judged(session: Session, org_id: str, event_id: str) -> ProofCheck | None:
    """What the pictures of a proof said together, as last judged."""
    return session.get(ProofCheck, (org_id, event_id))


def looks(session: Session, org_id: str, event_id: str) -> dict[str, dict[str, Any]]:
    """What was seen in each picture of an event, by digest."""
    rows = session.execute(
        select(PhotoCheck.sha256, PhotoCheck.result).where(
            PhotoCheck.org_id == org_id, PhotoCheck.event_id == event_id, PhotoCheck.done_at.is_not(None)
        )
    )
    return {row.sha256: row.result or {} for row in rows}


def last_look(session: Session, org_id: str, sha256: str) -> dict[str, Any]:
    """What was last seen in a picture, in whichever event; empty when nobody has looked."""
    query = select(PhotoCheck.result).where(
        PhotoCheck.org_id == org_id, PhotoCheck.sha256 == sha256, PhotoCheck.done_at.is_not(None)
    )
    return session.execute(query.order_by(PhotoCheck.done_at.desc()).limit(1)).scalar_one_or_none() or {}


def set_doubt(session: Session, org_id: str, event_id: str, doubt: int) -> None:
    """Where a proof stands in the line of the desk."""
    session.execute(update(Event).where(Event.org_id == org_id, Event.id == event_id).values(doubt=doubt))
