"""The clock and the cases: one that falls due raises an alarm (`R30`), a period that is over ends by itself (`R31`)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from webapp.services.cases.incident import record_incident
from webapp.services.cases.writing import write_down
from webapp.services.notices import raise_notice, to_role
from webapp.services.sweep_notices import RECENT
from webapp.store.models import Case
from webapp.store.queries import cases as ask
from webapp.store.unit import Session, lock_org, transaction


def look_at_cases(org_id: str, clock_id: str, zone: ZoneInfo, now: datetime) -> int:
    """Look at each open case whose time has come, a unit each; gives how many. Twice changes nothing."""
    looked = 0
    while _look_at_one(org_id, clock_id, zone, now):
        looked += 1
    return looked


def _look_at_one(org_id: str, clock_id: str, zone: ZoneInfo, now: datetime) -> bool:
    with transaction() as session:
        lock_org(session, org_id, 0)
        case = ask.waiting(session, org_id, now)
        if case is None or case.next_at is None:
            return False
        if case.ends_at is not None and case.next_at <= case.ends_at <= now:
            _resume(session, case, clock_id, case.ends_at, now)
        if case.due_at is not None and case.due_at <= now:
            _alarm(session, case, clock_id, case.due_at, zone, now)
        later = [at for at in (case.due_at, case.ends_at) if at is not None and at > now]
        case.next_at = min(later, default=None)
    return True


def _resume(session: Session, case: Case, clock_id: str, ended_at: datetime, now: datetime) -> None:
    """Its parcels' deadlines go on from the second the period ended, whenever the clock looked."""
    codes = ask.codes_of(session, case.org_id, case.id)
    record_incident(session, case, clock_id, codes, now, on=False, at=ended_at)
    data = {"until": ended_at.isoformat(), "parcels": len(codes)}
    write_down(session, case, clock_id, "resumed", now, data=data)


def _alarm(
    session: Session, case: Case, clock_id: str, due_at: datetime, zone: ZoneInfo, now: datetime
) -> None:
    """Once for each deadline that the case was given; one long past is written down, and nobody is told of it."""
    if due_at.isoformat() in ask.alarms_of(session, case.org_id, case.id):
        return
    write_down(session, case, clock_id, "overdue", now, data={"due_at": due_at.isoformat()})
    if now - due_at >= RECENT:
        return
    params = {
        "what": "case_due",
        "detail": f"#{case.number} {case.title} · {due_at.astimezone(zone):%Y-%m-%d %H:%M}",
    }
    raise_notice(
        session,
        case.org_id,
        kind="alarm",
        key=f"case_due:{case.id}:{due_at:%Y%m%dT%H%M%S}",
        to=to_role("office"),
        params=params,
        now=now,
        path=f"/office/cases/{case.id}",
    )
