"""Events as a person reads them: who, when, where, on which phone, with what findings and which photos."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from sync.protocol import envelope
from sync.rules import anomalies
from webapp.store.among import among
from webapp.store.models import Anomaly, Blob, BlobRef, Device, Event, EventParcel, Place, Run, User
from webapp.store.queries import deletions, rescues
from webapp.store.queries.deletions import Deletion
from webapp.store.queries.rescues import Brought

_NOBODY = {"clock": "The clock", "checks": "The photo checks"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A mark on an event or an anomaly on a parcel, with its sentence. `severity` is info, warning or urgent."""

    code: str
    detail: str
    sentence: str
    severity: str


@dataclass(frozen=True, slots=True)
class Photo:
    """Bytes an event speaks of. `is_held` is false until they are home; `is_lost`: the phone says they never will.

    `deleted`: they were home, and the shop has let them go.
    """

    sha256: str
    role: str
    parcel: str
    type: str
    size: int
    is_held: bool
    is_lost: bool
    width: int | None
    height: int | None
    deleted: Deletion | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """Where an event was made: a known place, coordinates in degrees, or both. `accuracy_m` in metres."""

    name: str | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class EventView:
    """One event. `at` is the phone's clock, `effective_at` corrected by what the phone knew of the server's.

    `voided_by` are the ids of the events that withdrew it; `count` is how many parcels were scanned. `brought` is the
    rescue file that it came in, None when its phone sent it.
    """

    id: str
    kind: str
    at: datetime
    offset_ms: int | None
    effective_at: datetime
    received_at: datetime
    seq: int
    branch: int
    device_id: str
    device_label: str
    is_phone: bool
    actor_id: str
    actor_name: str
    actor_role: str
    run_id: str | None
    run_title: str | None
    carrier: str | None
    expected: int | None
    count: int
    reason: str | None
    note: str | None
    ref: str | None
    counterpart_name: str | None
    counterpart_role: str | None
    intact: bool | None
    where: Where | None
    result: str
    effects: tuple[Mapping[str, Any], ...]
    review_state: str | None
    data: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()
    photos: tuple[Photo, ...] = ()
    signature: Photo | None = None
    voided_by: tuple[str, ...] = field(default=())
    brought: Brought | None = None

    @property
    def missing_blobs(self) -> int:
        """How many of its photos and signatures are not home yet."""
        own = (*self.photos, *((self.signature,) if self.signature else ()))
        return sum(not b.is_held and b.deleted is None for b in own)


def finding(code: str, detail: str = "") -> Finding:
    """A finding's words, from the catalogue; a code of a newer version speaks for itself."""
    kind = anomalies.CATALOGUE.get(code)
    sentence = kind.sentence if kind else code.replace("_", " ").capitalize() + "."
    return Finding(code, detail, sentence, anomalies.severity(code))


def views(session: Session, org_id: str, ids: Sequence[str], parcel: str | None = None) -> list[EventView]:
    """These events in effective order, absent ids left out. `parcel` narrows photos to those that show it."""
    if not ids:
        return []
    rows = session.execute(_query(session, org_id, ids)).all()
    payloads = {row.Event.id: envelope.open_(row.Event.jws).payload for row in rows}
    photos = _photos(session, org_id, ids, parcel)
    counts = _counts(session, org_id, ids)
    withdrawn = voids(session, org_id, ids)
    places = _places(session, org_id, payloads.values())
    brought = rescues.brought(session, org_id, [row.Event.sha256 for row in rows])
    return [
        replace(
            _view(row, payloads[row.Event.id], places, counts.get(row.Event.id, 0), photos, withdrawn),
            brought=brought.get(row.Event.sha256),
        )
        for row in rows
    ]


def _query(session: Session, org_id: str, ids: Collection[str]) -> Any:
    return (
        select(
            Event,
            Device.label,
            Device.kind.label("device_kind"),
            User.name,
            User.role,
            Run.title.label("run_title"),
        )
        .outerjoin(Device, (Device.org_id == Event.org_id) & (Device.id == Event.device_id))
        .outerjoin(User, (User.org_id == Event.org_id) & (User.id == Event.actor_id))
        .outerjoin(Run, (Run.org_id == Event.org_id) & (Run.id == Event.run_id))
        .where(Event.org_id == org_id, among(session, Event.id, ids))
        .order_by(Event.effective_at, Event.device_id, Event.seq, Event.id)
    )


def _view(
    row: Any,
    payload: Mapping[str, Any],
    places: Mapping[str, str],
    count: int,
    photos: Mapping[str, list[Photo]],
    withdrawn: Mapping[str, tuple[str, ...]],
) -> EventView:
    event: Event = row.Event
    shown = photos.get(event.id, [])
    other = payload.get("counterpart") or {}
    return EventView(
        id=event.id,
        kind=event.kind,
        at=event.at,
        offset_ms=event.offset_ms,
        effective_at=event.effective_at,
        received_at=event.received_at,
        seq=event.seq,
        branch=event.branch,
        device_id=event.device_id,
        device_label=row.label or event.device_id,
        is_phone=row.device_kind == "phone",
        actor_id=event.actor_id,
        actor_name=row.name or _NOBODY.get(event.actor_id, "Somebody unknown"),
        actor_role=row.role or "",
        run_id=event.run_id,
        run_title=row.run_title,
        carrier=event.carrier,
        expected=event.expected,
        count=count,
        reason=event.reason,
        note=payload.get("note"),
        ref=event.ref,
        counterpart_name=other.get("name"),
        counterpart_role=other.get("role"),
        intact=payload.get("intact"),
        where=_where(payload.get("place"), places),
        result=event.result,
        effects=tuple(event.effects or ()),
        review_state=event.review_state,
        data=event.data or {},
        findings=tuple(finding(code, detail) for code, detail in event.marks or ()),
        photos=tuple(p for p in shown if p.role != "signature"),
        signature=next((p for p in shown if p.role == "signature"), None),
        voided_by=withdrawn.get(event.id, ()),
    )


def _where(place: Mapping[str, Any] | None, names: Mapping[str, str]) -> Where | None:
    if not place:
        return None
    found = Where(
        names.get(place.get("id") or ""), place.get("lat"), place.get("lon"), place.get("accuracy_m")
    )
    return found if found.name or found.lat is not None else None


def _photos(
    session: Session, org_id: str, ids: Collection[str], parcel: str | None
) -> dict[str, list[Photo]]:
    query = (
        select(BlobRef, Blob.sha256.label("held"), Blob.width, Blob.height)
        .outerjoin(Blob, (Blob.org_id == BlobRef.org_id) & (Blob.sha256 == BlobRef.sha256))
        .where(BlobRef.org_id == org_id, among(session, BlobRef.event_id, ids))
        .order_by(BlobRef.role, BlobRef.parcel, BlobRef.sha256)
    )
    if parcel is not None:
        query = query.where(BlobRef.parcel.in_(("", parcel)))
    found: dict[str, list[Photo]] = {}
    rows = session.execute(query).all()
    absent = [row.BlobRef.sha256 for row in rows if row.held is None]
    gone = deletions.among_digests(session, org_id, absent) if absent else {}
    for row in rows:
        ref: BlobRef = row.BlobRef
        found.setdefault(ref.event_id, []).append(
            Photo(
                ref.sha256,
                ref.role,
                ref.parcel,
                ref.type,
                ref.size,
                row.held is not None,
                ref.is_lost,
                row.width,
                row.height,
                gone.get(ref.sha256),
            )
        )
    return found


def _counts(session: Session, org_id: str, ids: Collection[str]) -> dict[str, int]:
    rows = session.execute(
        select(EventParcel.event_id, func.count())
        .where(
            EventParcel.org_id == org_id,
            among(session, EventParcel.event_id, ids),
            EventParcel.scanned.is_not(None),
        )
        .group_by(EventParcel.event_id)
    )
    return {row[0]: row[1] for row in rows}


def voids(session: Session, org_id: str, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Which events withdrew these, of those that somebody did withdraw."""
    # A void that was only a request raises `void_requested`, and withdraws nothing until that is granted.
    is_request = exists().where(
        Anomaly.org_id == Event.org_id, Anomaly.event_id == Event.id, Anomaly.code == "void_requested"
    )
    rows = session.execute(
        select(Event.ref, Event.id).where(
            Event.org_id == org_id, among(session, Event.ref, ids), Event.kind == "void", ~is_request
        )
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        found[row.ref] = (*found.get(row.ref, ()), row.id)
    return found


def _places(session: Session, org_id: str, payloads: Collection[Mapping[str, Any]]) -> dict[str, str]:
    wanted = {str(p["place"]["id"]) for p in payloads if (p.get("place") or {}).get("id")}
    if not wanted:
        return {}
    rows = session.execute(
        select(Place.id, Place.name).where(Place.org_id == org_id, among(session, Place.id, wanted))
    )
    return {row.id: row.name for row in rows}
