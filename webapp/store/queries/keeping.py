"""Which pictures have been kept for long enough, and what keeps those that are not let go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from sync.rules.keeping import SIGNATURE
from webapp.store.among import among
from webapp.store.models import (
    Blob,
    BlobRef,
    Case,
    CaseParcel,
    Event,
    EventParcel,
    OfficeAct,
    OfficeFile,
    Parcel,
    Quarantined,
    QuarantinedBlob,
    Task,
    User,
)

Place = tuple[datetime, str]  # where a walk through the old pictures is: (held_at, sha256)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What came home before these times is old; None: pictures of that role are kept for ever."""

    photos: datetime | None
    signatures: datetime | None

    @property
    def latest(self) -> datetime | None:
        """Nothing younger than this goes; None when nothing goes at all."""
        return max((at for at in (self.photos, self.signatures) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Due:
    """A picture to let go; `is_signature` when no event speaks of it otherwise."""

    blob: Blob
    is_signature: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the history, with the name of who did it (None: the server)."""

    kind: str
    made_at: datetime
    name: str | None
    data: Mapping[str, Any]


def due(
    session: Session,
    org_id: str,
    cutoffs: Cutoffs,
    after: Place | None,
    limit: int,
    *,
    only: Collection[str] | None = None,
) -> list[Due]:
    """Old pictures that nothing keeps, oldest first, behind `after`; of `only` these digests, if said."""
    latest = cutoffs.latest
    if latest is None:
        return []
    is_photo = _any(_speaks_of(), BlobRef.role != SIGNATURE)
    query = select(Blob, is_photo).where(Blob.org_id == org_id, Blob.held_at < latest, ~_is_kept(cutoffs))
    if after is not None:
        query = query.where(tuple_(Blob.held_at, Blob.sha256) > tuple_(*after))
    if only is not None:
        query = query.where(among(session, Blob.sha256, only))
    rows = session.execute(query.order_by(Blob.held_at, Blob.sha256).limit(limit))
    return [Due(row[0], not row[1]) for row in rows]


def totals(session: Session, org_id: str, cutoffs: Cutoffs) -> tuple[int, int]:
    """How many old pictures nothing keeps, and their bytes together."""
    latest = cutoffs.latest
    if latest is None:
        return 0, 0
    query = select(func.count(), func.coalesce(func.sum(Blob.size), 0)).where(
        Blob.org_id == org_id, Blob.held_at < latest, ~_is_kept(cutoffs)
    )
    count, size = session.execute(query).one()
    return int(count), int(size)


def kept_back(session: Session, org_id: str, cutoffs: Cutoffs) -> dict[str, int]:
    """How many pictures are old enough and stay all the same, by what keeps them; one may be kept by several."""
    latest = cutoffs.latest
    if latest is None:
        return {}
    reasons = _reasons()
    old = and_(Blob.org_id == org_id, Blob.held_at < latest, ~_is_young(cutoffs), _is_proof())
    counts = [func.coalesce(func.sum(case((why, 1), else_=0)), 0) for why in reasons.values()]
    row = session.execute(select(*counts).select_from(Blob).where(old)).one()
    return {name: int(count) for name, count in zip(reasons, row, strict=True) if count}


def needed(session: Session, org_id: str, digests: Collection[str]) -> list[str]:
    """Why some of these pictures cannot go now, whoever asks: review, retake, hold; nothing when all of them can.

    Held or not: one that has not come home yet is waited for by the same.
    """
    mine = (BlobRef.org_id == org_id, among(session, BlobRef.sha256, digests))
    return [
        name
        for name, why in _waits().items()
        if session.execute(select(BlobRef.sha256).where(*mine, *why).limit(1)).first()
    ]


def held_totals(session: Session, org_id: str) -> tuple[int, int, datetime | None]:
    """How many pictures the shop holds, their bytes, and since when the oldest."""
    query = select(func.count(), func.coalesce(func.sum(Blob.size), 0), func.min(Blob.held_at))
    count, size, oldest = session.execute(query.where(Blob.org_id == org_id)).one()
    return int(count), int(size), oldest


def acts(session: Session, org_id: str, limit: int) -> Sequence[Act]:
    """What was set and what was let go, newest first."""
    rows = session.execute(
        select(OfficeAct.kind, OfficeAct.made_at, User.name, OfficeAct.data)
        .outerjoin(User, (User.org_id == OfficeAct.org_id) & (User.id == OfficeAct.made_by))
        .where(OfficeAct.org_id == org_id)
        .order_by(OfficeAct.made_at.desc(), OfficeAct.id.desc())
        .limit(limit)
    )
    return [Act(*row) for row in rows]


def _is_kept(cutoffs: Cutoffs) -> ColumnElement[bool]:
    """A picture goes when events speak of it and none of them, and nothing else, still needs it."""
    return or_(~_is_proof(), _is_young(cutoffs), *_reasons().values())


def _is_proof() -> ColumnElement[bool]:
    return _any(_speaks_of())


def _is_young(cutoffs: Cutoffs) -> ColumnElement[bool]:
    """By the youngest of the events that speak of it, and by when it came home itself."""
    return _any(
        _speaks_of(),
        _of_event(),
        or_(
            and_(BlobRef.role == SIGNATURE, _is_after(cutoffs.signatures)),
            and_(BlobRef.role != SIGNATURE, _is_after(cutoffs.photos)),
        ),
    )


def _is_after(cutoff: datetime | None) -> ColumnElement[bool]:
    return true() if cutoff is None else or_(Event.received_at >= cutoff, Blob.held_at >= cutoff)


def _reasons() -> dict[str, ColumnElement[bool]]:
    """What keeps an old picture, by name. Of a handover that is needed, everything is kept."""
    return {
        **{name: _any(_speaks_of(), *why) for name, why in _waits().items()},
        "unseen": _any(_speaks_of(), BlobRef.is_checked.is_(False), BlobRef.is_lost.is_(False)),
        "case": _any(
            _speaks_of(),
            _of_parcels(),
            CaseParcel.org_id == EventParcel.org_id,
            CaseParcel.code == EventParcel.code,
            Case.org_id == CaseParcel.org_id,
            Case.id == CaseParcel.case_id,
            Case.state == "open",
        ),
        "quarantine": _any(
            QuarantinedBlob.org_id == Blob.org_id, QuarantinedBlob.sha256 == Blob.sha256, still_held_back()
        ),
        "file": _any(OfficeFile.org_id == Blob.org_id, OfficeFile.sha256 == Blob.sha256),
    }


def still_held_back() -> ColumnElement[bool]:
    """That what says a picture is its own is in quarantine still, of a row of QuarantinedBlob.

    Set aside, it may still be taken in; taken in, its event speaks for the picture.
    """
    return and_(_of_item(), func.coalesce(Quarantined.outcome, "aside") == "aside")


def waits_for_a_decision() -> ColumnElement[bool]:
    """The same, and nobody has decided: set aside it proves nothing, and keeps no picture of somebody who is erased."""
    return and_(_of_item(), Quarantined.settled_at.is_(None))


def _of_item() -> ColumnElement[bool]:
    return and_(
        Quarantined.org_id == QuarantinedBlob.org_id, Quarantined.sha256 == QuarantinedBlob.item_sha256
    )


def _waits() -> dict[str, tuple[ColumnElement[bool], ...]]:
    """What of a picture's event (a row of BlobRef) is not over, by name."""
    return {
        "review": (_of_event(), Event.review_state == "waiting"),
        "retake": (_is_open_task(),),
        "hold": (
            _of_parcels(),
            Parcel.org_id == EventParcel.org_id,
            Parcel.code == EventParcel.code,
            func.coalesce(Parcel.flags["on_hold"].as_boolean(), false()),
        ),
    }


def _any(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(*conditions).correlate(Blob)


def _speaks_of() -> ColumnElement[bool]:
    return and_(BlobRef.org_id == Blob.org_id, BlobRef.sha256 == Blob.sha256)


def _of_event() -> ColumnElement[bool]:
    return and_(Event.org_id == BlobRef.org_id, Event.id == BlobRef.event_id)


def _of_parcels() -> ColumnElement[bool]:
    return and_(EventParcel.org_id == BlobRef.org_id, EventParcel.event_id == BlobRef.event_id)


def _is_open_task() -> ColumnElement[bool]:
    return and_(Task.org_id == BlobRef.org_id, Task.event_id == BlobRef.event_id, Task.done_at.is_(None))
