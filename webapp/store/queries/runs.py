"""Runs as the office reads them: the day's list, one run's progress, its parcels, what waits for a run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ScalarSelect, Select, and_, case, exists, func, select
from sqlalchemy.orm import Session

from sync.rules.lifecycle import HANDOVERS
from webapp.store.among import among
from webapp.store.models import Anomaly, Carrier, Event, Parcel, Place, Run, RunParcel, User

Query = Select[*tuple[Any, ...]]

KINDS = (*sorted(HANDOVERS), "deliver")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run and how far it is. `changed` is the newest change of the run or of a parcel on it."""

    id: str
    kind: str
    title: str
    day: date
    state: str
    user_id: str | None
    person: str | None
    place_id: str | None
    place: str | None
    carrier: str | None
    carrier_name: str | None
    created_at: datetime
    total: int
    done: int
    changed: int

    @property
    def left(self) -> int:
        """How many are still to be scanned."""
        return self.total - self.done


@dataclass(frozen=True, slots=True)
class RunItem:
    """A parcel on a run. `done_at` is when its handover (or delivery) was proved, on whatever run.

    `to_look_at` counts open anomalies that are more than a note.
    """

    code: str
    tracking_number: str | None
    carrier: str | None
    status: str
    flags: dict[str, Any]
    items: int
    fragile: bool
    to_look_at: int
    done_at: datetime | None
    done_by: str | None
    is_elsewhere: bool


def list_runs(
    session: Session,
    org_id: str,
    own_seller: str | None,
    *,
    day: date | None = None,
    state: str | None = None,
) -> list[RunRow]:
    """Runs of a day (all days when None), open ones first; a seller sees those with parcels of theirs."""
    query = _rows(org_id, own_seller)
    if day is not None:
        query = query.where(Run.day == day)
    if state is not None:
        query = query.where(Run.state == state)
    query = query.order_by(Run.state.desc(), Run.day, Run.created_at, Run.id)
    return [RunRow(*row) for row in session.execute(query)]


def find_run(session: Session, org_id: str, own_seller: str | None, run_id: str) -> RunRow | None:
    """One run; None when the shop, or this seller, has no such run."""
    row = session.execute(_rows(org_id, own_seller).where(Run.id == run_id)).one_or_none()
    return None if row is None else RunRow(*row)


def open_days(session: Session, org_id: str, own_seller: str | None, before: date) -> list[tuple[date, int]]:
    """Earlier days that still have open runs, with how many: what would be forgotten otherwise."""
    query = (
        select(Run.day, func.count())
        .where(Run.org_id == org_id, Run.state == "open", Run.day < before)
        .group_by(Run.day)
        .order_by(Run.day.desc())
    )
    if own_seller is not None:
        query = query.where(_has_own(own_seller))
    return [(row[0], row[1]) for row in session.execute(query)]


def run_items(
    session: Session,
    run: RunRow,
    org_id: str,
    own_seller: str | None,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[RunItem]:
    """The parcels on a run now, those still to be scanned first."""
    done_at = Parcel.delivered_at if run.kind == "deliver" else Parcel.handed_over_at
    query: Query = (
        select(
            Parcel.code,
            Parcel.tracking_number,
            Parcel.carrier,
            Parcel.status,
            Parcel.flags,
            Parcel.items,
            Parcel.fragile,
            _to_look_at(),
            done_at,
            Parcel.milestones,
        )
        .join(RunParcel, (RunParcel.org_id == Parcel.org_id) & (RunParcel.code == Parcel.code))
        .where(RunParcel.org_id == org_id, RunParcel.run_id == run.id, RunParcel.removed_at.is_(None))
        .order_by(done_at.is_not(None), done_at.desc(), Parcel.code)
        .limit(limit)
        .offset(offset)
    )
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    rows = [tuple[Any, ...](row) for row in session.execute(query)]
    reached = [(row[-1] or {}).get(_milestone(run.kind)) or {} for row in rows]
    people = _names(session, org_id, [r["actor"] for r in reached if r])
    made_on = _runs_of_events(session, org_id, [r["event"] for r in reached if r])
    proofs = [(people.get(hit.get("actor", "")), _is_other(hit, made_on, run.id)) for hit in reached]
    return [RunItem(*(*row[:-1], *proof)) for row, proof in zip(rows, proofs, strict=True)]


def _rows(org_id: str, own_seller: str | None) -> Query:
    on_it = and_(RunParcel.org_id == Run.org_id, RunParcel.run_id == Run.id, RunParcel.removed_at.is_(None))
    parcel = and_(Parcel.org_id == RunParcel.org_id, Parcel.code == RunParcel.code)
    if own_seller is not None:
        parcel = and_(parcel, Parcel.seller == own_seller)
    done_at = case((Run.kind == "deliver", Parcel.delivered_at), else_=Parcel.handed_over_at)
    query: Query = (
        select(
            Run.id,
            Run.kind,
            Run.title,
            Run.day,
            Run.state,
            Run.user_id,
            User.name,
            Run.place_id,
            Place.name,
            Run.carrier,
            Carrier.name,
            Run.created_at,
            func.count(Parcel.code),
            func.count(done_at),
            func.max(case((Parcel.changed > Run.changed, Parcel.changed), else_=Run.changed)),
        )
        .outerjoin(RunParcel, on_it)
        .outerjoin(Parcel, parcel)
        .outerjoin(User, and_(User.id == Run.user_id, User.org_id == Run.org_id))
        .outerjoin(Place, and_(Place.org_id == Run.org_id, Place.id == Run.place_id))
        .outerjoin(Carrier, and_(Carrier.org_id == Run.org_id, Carrier.code == Run.carrier))
        .where(Run.org_id == org_id)
        .group_by(Run.org_id, Run.id, User.name, Place.name, Carrier.name)
    )
    return query if own_seller is None else query.where(_has_own(own_seller))


def _has_own(own_seller: str) -> Any:
    return (
        exists()
        .where(
            RunParcel.org_id == Run.org_id,
            RunParcel.run_id == Run.id,
            RunParcel.removed_at.is_(None),
            Parcel.org_id == RunParcel.org_id,
            Parcel.code == RunParcel.code,
            Parcel.seller == own_seller,
        )
        .correlate(Run)
    )


def _to_look_at() -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(Anomaly)
        .where(
            Anomaly.org_id == Parcel.org_id,
            Anomaly.parcel == Parcel.code,
            Anomaly.is_open.is_(True),
            Anomaly.severity != "info",
        )
        .scalar_subquery()
    )


def _is_other(hit: dict[str, str], made_on: dict[str, str | None], run_id: str) -> bool:
    return bool(hit) and made_on.get(hit["event"]) != run_id


def _milestone(kind: str) -> str:
    return "delivered" if kind == "deliver" else "handed_over"


def _names(session: Session, org_id: str, user_ids: Collection[str]) -> dict[str, str]:
    rows = session.execute(
        select(User.id, User.name).where(User.org_id == org_id, among(session, User.id, set(user_ids)))
    )
    return {row.id: row.name for row in rows}


def _runs_of_events(session: Session, org_id: str, event_ids: Collection[str]) -> dict[str, str | None]:
    rows = session.execute(
        select(Event.id, Event.run_id).where(Event.org_id == org_id, among(session, Event.id, set(event_ids)))
    )
    return {row.id: row.run_id for row in rows}
