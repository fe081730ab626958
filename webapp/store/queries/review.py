"""The review desk: which proof is next, what it shows, what was expected against what was scanned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from sync.rules.anomalies import CATALOGUE
from webapp.store.among import among
from webapp.store.models import (
    Anomaly,
    Blob,
    BlobRef,
    Event,
    EventParcel,
    Parcel,
    ProofCheck,
    RunParcel,
    Task,
)
from webapp.store.models.ledger import WAITING
from webapp.store.queries.event_views import EventView, Finding, finding, views, voids
from webapp.store.queries.looks import Judged, Look, judged, looks
from webapp.store.queries.parcel_filter import GIVEN_ON

_SERIOUS = tuple(sorted(code for code, kind in CATALOGUE.items() if kind.severity != "info"))

# What the desk can be narrowed to, and the kinds of events in it.
HEAPS: dict[str, tuple[str, ...]] = {
    "handovers": GIVEN_ON,
    "packing": ("pack",),
    "problems": ("attempt", "report"),
}


@dataclass(frozen=True, slots=True)
class ProofParcel:
    """A parcel of a proof: scanned, expected by the run, or both.

    `troubles` are its open anomalies that the proof does not show itself; `notes` counts the mere notes.
    """

    code: str
    tracking_number: str | None
    status: str
    is_scanned: bool
    is_listed: bool
    scanned: str | None
    troubles: tuple[Finding, ...]
    notes: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody decided about a proof, with a reason's code and their own words."""

    verdict: str
    by: str
    at: datetime
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof on the desk. `answers` is the older proof that a retake replaces; `task` an open retake."""

    event: EventView
    parcels: tuple[ProofParcel, ...]
    verdicts: tuple[Verdict, ...]
    answers: EventView | None
    is_retake_open: bool
    judged: Judged | None
    looks: Mapping[str, Look]

    @property
    def scanned(self) -> tuple[ProofParcel, ...]:
        """What the phone scanned."""
        return tuple(p for p in self.parcels if p.is_scanned)

    @property
    def missing(self) -> tuple[ProofParcel, ...]:
        """What the run listed and the phone did not scan."""
        return tuple(p for p in self.parcels if not p.is_scanned)

    @property
    def expected(self) -> int | None:
        """How many the list said when it was made, as the phone signed it."""
        return self.event.expected


def waiting_counts(session: Session, org_id: str) -> dict[str, int]:
    """How many proofs wait, by heap, and in all under ``."""
    rows = session.execute(
        select(Event.kind, func.count())
        .where(Event.org_id == org_id, Event.review_state == "waiting")
        .group_by(Event.kind)
    )
    by_kind = {row[0]: row[1] for row in rows}
    counts = {heap: sum(by_kind.get(kind, 0) for kind in kinds) for heap, kinds in HEAPS.items()}
    return {"": sum(by_kind.values()), **counts}


def oldest_waiting(session: Session, org_id: str) -> datetime | None:
    """Since when the oldest proof waits."""
    return session.execute(
        select(func.min(Event.received_at)).where(Event.org_id == org_id, Event.review_state == "waiting")
    ).scalar_one_or_none()


def next_waiting(
    session: Session, org_id: str, heap: str, after: str | None = None, *, is_back: bool = False
) -> str | None:
    """The id of the waiting proof with most doubt, or of the one after (before) another; None at the end.

    Worst first; of equal doubt the oldest.
    """
    query = _waiting(org_id, heap)
    if after is not None:
        place = _place(session, org_id, after)
        if place is None:
            return None
        query = query.where(_before(place) if is_back else _behind(place))
    order = (Event.doubt.desc(), Event.received_at.asc(), Event.id.asc())
    if is_back:
        order = (Event.doubt.asc(), Event.received_at.desc(), Event.id.desc())
    return session.execute(query.order_by(*order).limit(1)).scalar_one_or_none()


def place_in_line(session: Session, org_id: str, heap: str, event_id: str) -> int:
    """How many waiting proofs come before this one."""
    place = _place(session, org_id, event_id)
    if place is None:
        return 0
    earlier = _waiting(org_id, heap).where(_before(place))
    return session.execute(select(func.count()).select_from(earlier.subquery())).scalar_one()


def ready(session: Session, org_id: str, judged_by: datetime, limit: int) -> list[str]:
    """Waiting proofs whose every check was found to hold by then, oldest first: what may be accepted unlooked at.

    Not those drawn for a person to see, the answers to a retake, reports and attempts, or what was withdrawn.
    """
    is_judged = exists().where(
        ProofCheck.org_id == Event.org_id, ProofCheck.event_id == Event.id, ProofCheck.judged_at <= judged_by
    )
    found = _ready(org_id).where(is_judged).order_by(Event.received_at, Event.id).limit(limit)
    return list(session.execute(found).scalars())


def count_ready(session: Session, org_id: str) -> int:
    """How many those are."""
    return session.execute(select(func.count()).select_from(_ready(org_id).subquery())).scalar_one()


def is_ready(session: Session, org_id: str, event_id: str) -> bool:
    """Whether this is one of them."""
    return session.execute(_ready(org_id).where(Event.id == event_id)).scalar_one_or_none() is not None


def _ready(org_id: str) -> Select[Any]:
    later = aliased(Event)
    is_drawn = exists().where(
        ProofCheck.org_id == Event.org_id, ProofCheck.event_id == Event.id, ProofCheck.is_sample
    )
    # Asked once for the shop, not once a proof: anomalies are found by their parcel.
    in_doubt = select(Anomaly.event_id).where(
        Anomaly.org_id == org_id, Anomaly.is_open, Anomaly.code.in_(_SERIOUS)
    )
    is_withdrawn = exists().where(later.org_id == Event.org_id, later.ref == Event.id, later.kind == "void")
    return select(Event.id).where(
        Event.org_id == org_id,
        WAITING,
        Event.doubt == 0,
        Event.kind.in_((*HEAPS["handovers"], *HEAPS["packing"])),
        ~is_drawn,
        Event.id.not_in(in_doubt),
        ~is_withdrawn,
    )


_Place = tuple[int, datetime, str]


def _place(session: Session, org_id: str, event_id: str) -> _Place | None:
    row = session.execute(
        select(Event.doubt, Event.received_at).where(Event.org_id == org_id, Event.id == event_id)
    ).one_or_none()
    return None if row is None else (row.doubt, row.received_at, event_id)


def _before(place: _Place) -> ColumnElement[bool]:
    doubt, at, event_id = place
    key = tuple_(Event.received_at, Event.id)
    return or_(Event.doubt > doubt, and_(Event.doubt == doubt, key < tuple_(at, event_id)))


def _behind(place: _Place) -> ColumnElement[bool]:
    doubt, at, event_id = place
    key = tuple_(Event.received_at, Event.id)
    return or_(Event.doubt < doubt, and_(Event.doubt == doubt, key > tuple_(at, event_id)))


def review_state(session: Session, org_id: str, event_id: str) -> tuple[str, str] | None:
    """(kind, state) of an event that can be reviewed in this shop; None when there is none."""
    row = session.execute(
        select(Event.kind, Event.review_state).where(
            Event.org_id == org_id, Event.id == event_id, Event.review_state.is_not(None)
        )
    ).one_or_none()
    return None if row is None else (row.kind, row.review_state)


def proof(session: Session, org_id: str, event_id: str) -> Proof | None:
    """All that the desk shows of one proof; None when this shop has no such."""
    if review_state(session, org_id, event_id) is None:
        return None
    event = views(session, org_id, [event_id])[0]
    older = views(session, org_id, [event.ref])[0:1] if event.reason == "retake" and event.ref else []
    return Proof(
        event,
        _parcels(session, org_id, event),
        verdicts(session, org_id, event_id),
        older[0] if older else None,
        open_retake(session, org_id, event_id) is not None,
        judged(session, org_id, event_id),
        looks(session, org_id, event_id),
    )


def verdicts(session: Session, org_id: str, event_id: str) -> tuple[Verdict, ...]:
    """What was decided about a proof, oldest first."""
    ids = session.execute(
        select(Event.id).where(Event.org_id == org_id, Event.ref == event_id, Event.kind == "review")
    ).scalars()
    return tuple(
        Verdict(str(e.data.get("verdict")), e.actor_name, e.received_at, e.reason, e.note)
        for e in views(session, org_id, list(ids))
    )


def open_retake(session: Session, org_id: str, event_id: str) -> Task | None:
    """The retake that a phone still owes for a proof."""
    query = select(Task).where(
        Task.org_id == org_id, Task.event_id == event_id, Task.kind == "retake", Task.done_at.is_(None)
    )
    return session.execute(query.limit(1)).scalar_one_or_none()


def open_tasks(session: Session, org_id: str, event_ids: Sequence[str]) -> list[Task]:
    """What phones still owe for these proofs."""
    query = select(Task).where(
        Task.org_id == org_id, among(session, Task.event_id, event_ids), Task.done_at.is_(None)
    )
    return list(session.execute(query).scalars())


def answered_by(session: Session, org_id: str, event_ids: Sequence[str]) -> list[Task]:
    """The tasks that these events settled, of proofs that nobody has judged otherwise or asked for anew since."""
    newer = aliased(Task)
    is_asked_anew = exists().where(
        newer.org_id == Task.org_id, newer.event_id == Task.event_id, newer.created_at > Task.created_at
    )
    query = (
        select(Task)
        .join(Event, (Event.org_id == Task.org_id) & (Event.id == Task.event_id))
        .where(
            Task.org_id == org_id,
            among(session, Task.done_event_id, event_ids),
            Event.review_state == "retake",
            ~is_asked_anew,
        )
    )
    return list(session.execute(query).scalars())


def standing_answer(session: Session, task: Task) -> str | None:
    """The id of an answer to this task, or to its proof with no task named, that nobody has withdrawn."""
    query = select(Event.id, Event.data).where(
        Event.org_id == task.org_id,
        Event.ref == task.event_id,
        Event.kind == "report",
        Event.reason == "retake",
        Event.received_at >= task.created_at,
    )
    meant = [row.id for row in session.execute(query) if (row.data or {}).get("task") in (None, task.id)]
    withdrawn = voids(session, task.org_id, meant)
    return next((it for it in meant if it not in withdrawn), None)


def scanned_codes(session: Session, org_id: str, event_id: str) -> list[str]:
    """The parcels that an event scanned."""
    query = select(EventParcel.code).where(
        EventParcel.org_id == org_id, EventParcel.event_id == event_id, EventParcel.scanned.is_not(None)
    )
    return list(session.execute(query.order_by(EventParcel.code)).scalars())


def picture(session: Session, org_id: str, event_id: str) -> str | None:
    """The digest of one photo of an event that is home, the one in doubt if any is; None when there is none."""
    found = judged(session, org_id, event_id)
    for it in found.findings if found else ():
        if it["code"].startswith("photo"):
            return str(it["sha256"])
    query = (
        select(BlobRef.sha256)
        .join(Blob, (Blob.org_id == BlobRef.org_id) & (Blob.sha256 == BlobRef.sha256))
        .where(BlobRef.org_id == org_id, BlobRef.event_id == event_id, BlobRef.role == "photo")
        .order_by(BlobRef.sha256)
    )
    return session.execute(query.limit(1)).scalar_one_or_none()


def _waiting(org_id: str, heap: str) -> Select[Any]:
    query = select(Event.id).where(Event.org_id == org_id, WAITING)
    return query.where(Event.kind.in_(HEAPS[heap])) if heap in HEAPS else query


def _parcels(session: Session, org_id: str, event: EventView) -> tuple[ProofParcel, ...]:
    scans = {
        row.code: row.scanned
        for row in session.execute(
            select(EventParcel.code, EventParcel.scanned).where(
                EventParcel.org_id == org_id,
                EventParcel.event_id == event.id,
                EventParcel.scanned.is_not(None),
            )
        )
    }
    listed = _listed(session, org_id, event.run_id)
    wanted = sorted({*scans, *listed})
    troubles = _troubles(session, org_id, wanted)
    shown = {mark.code for mark in event.findings}
    rows = session.execute(
        select(Parcel.code, Parcel.tracking_number, Parcel.status)
        .where(Parcel.org_id == org_id, among(session, Parcel.code, wanted))
        .order_by(Parcel.code)
    )
    return tuple(
        ProofParcel(
            row.code,
            row.tracking_number,
            row.status,
            row.code in scans,
            row.code in listed,
            scans.get(row.code) if scans.get(row.code) != row.code else None,
            tuple(a for a in troubles.get(row.code, ()) if a.severity != "info" and a.code not in shown),
            sum(a.severity == "info" for a in troubles.get(row.code, ())),
        )
        for row in rows
    )


def _listed(session: Session, org_id: str, run_id: str | None) -> set[str]:
    if run_id is None:
        return set()
    on_it: ColumnElement[bool] = RunParcel.removed_at.is_(None)
    query = select(RunParcel.code).where(RunParcel.org_id == org_id, RunParcel.run_id == run_id, on_it)
    return set(session.execute(query).scalars())


def _troubles(session: Session, org_id: str, codes: list[str]) -> dict[str, tuple[Finding, ...]]:
    rows = session.execute(
        select(Anomaly.parcel, Anomaly.code, Anomaly.detail)
        .where(Anomaly.org_id == org_id, Anomaly.is_open, among(session, Anomaly.parcel, codes))
        .order_by(Anomaly.code)
    )
    found: dict[str, tuple[Finding, ...]] = {}
    for row in rows:
        found[row.parcel] = (*found.get(row.parcel, ()), finding(row.code, row.detail))
    return found
