"""Which parcels are on which run, which wait for one, and the rows that change when somebody moves them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import Anomaly, Parcel, Run, RunParcel


def waiting(
    session: Session, org_id: str, own_seller: str | None, statuses: Collection[str], kinds: Collection[str]
) -> list[tuple[str | None, str | None, int]]:
    """Parcels in these statuses on no open run of these kinds: (carrier, place_id, how many), most first."""
    on_a_run = (
        exists()
        .where(
            RunParcel.org_id == Parcel.org_id,
            RunParcel.code == Parcel.code,
            RunParcel.removed_at.is_(None),
            Run.org_id == RunParcel.org_id,
            Run.id == RunParcel.run_id,
            Run.state == "open",
            Run.kind.in_(kinds),
        )
        .correlate(Parcel)
    )
    query = (
        select(Parcel.carrier, Parcel.place_id, func.count())
        .where(Parcel.org_id == org_id, Parcel.is_known, Parcel.status.in_(statuses), ~on_a_run)
        .group_by(Parcel.carrier, Parcel.place_id)
        .order_by(func.count().desc())
    )
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def open_runs_of(
    session: Session, org_id: str, parcel_codes: Collection[str], kinds: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Which of these parcels are on an open run of these kinds: code to (run id, title)."""
    rows = session.execute(
        select(RunParcel.code, Run.id, Run.title)
        .join(Run, (Run.org_id == RunParcel.org_id) & (Run.id == RunParcel.run_id))
        .where(
            RunParcel.org_id == org_id,
            RunParcel.removed_at.is_(None),
            among(session, RunParcel.code, parcel_codes),
            Run.state == "open",
            Run.kind.in_(kinds),
        )
    )
    return {row.code: (row.id, row.title) for row in rows}


def codes_on(session: Session, org_id: str, run_id: str) -> list[str]:
    """The codes on a run now."""
    rows = session.execute(
        select(RunParcel.code)
        .where(RunParcel.org_id == org_id, RunParcel.run_id == run_id, RunParcel.removed_at.is_(None))
        .order_by(RunParcel.code)
    )
    return list(rows.scalars())


def missed_on(session: Session, org_id: str, run_id: str, parcel_codes: Collection[str]) -> list[str]:
    """Which of these were scanned in this run while it did not list them."""
    rows = session.execute(
        select(Anomaly.parcel)
        .where(
            Anomaly.org_id == org_id,
            among(session, Anomaly.parcel, parcel_codes),
            Anomaly.code == "not_on_list",
            Anomaly.detail == run_id,
        )
        .distinct()
    )
    return sorted(rows.scalars())


def same_run(
    session: Session,
    org_id: str,
    *,
    kind: str,
    day: date,
    user_id: str | None,
    place_id: str | None,
    carrier: str | None,
) -> Run | None:
    """The open run for the same person, place, carrier, day and kind, if there is one."""
    query = select(Run).where(
        Run.org_id == org_id,
        Run.kind == kind,
        Run.day == day,
        Run.state == "open",
        Run.user_id == user_id,
        Run.place_id == place_id,
        Run.carrier == carrier,
    )
    return session.execute(query.order_by(Run.created_at).limit(1)).scalar_one_or_none()


def put_on(session: Session, org_id: str, run_id: str, parcel_codes: Sequence[str]) -> None:
    """Put parcels on a run; one that was taken off comes back."""
    held = select(RunParcel.code).where(RunParcel.org_id == org_id, RunParcel.run_id == run_id)
    ever = set(session.execute(held).scalars())
    back = [code for code in parcel_codes if code in ever]
    fresh = [code for code in parcel_codes if code not in ever]
    if back:
        _set_removed(session, org_id, run_id, back, None)
    if fresh:
        session.execute(
            insert(RunParcel),
            [{"org_id": org_id, "run_id": run_id, "code": code, "removed_at": None} for code in fresh],
        )


def take_off(
    session: Session, org_id: str, run_id: str, parcel_codes: Sequence[str], now: datetime
) -> list[str]:
    """Take parcels off a run; the rows stay, with the time. Gives the codes that were on it."""
    on_it = set(codes_on(session, org_id, run_id))
    gone = [code for code in parcel_codes if code in on_it]
    if gone:
        _set_removed(session, org_id, run_id, gone, now)
    return gone


def mark_changed(session: Session, org_id: str, parcel_codes: Collection[str], number: int) -> None:
    """Give parcels a new change number: phones that may see them read them again."""
    if parcel_codes:
        session.execute(
            update(Parcel)
            .where(Parcel.org_id == org_id, among(session, Parcel.code, parcel_codes))
            .values(changed=number)
            .execution_options(synchronize_session=False)
        )


def _set_removed(
    session: Session, org_id: str, run_id: str, parcel_codes: Collection[str], at: datetime | None
) -> None:
    session.execute(
        update(RunParcel)
        .where(
            RunParcel.org_id == org_id,
            RunParcel.run_id == run_id,
            among(session, RunParcel.code, parcel_codes),
        )
        .values(removed_at=at)
        .execution_options(synchronize_session=False)
    )
