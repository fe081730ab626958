"""Force majeure on its parcels (`R31`): a signed `hold` with the incident and its period; deadlines stand still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync.protocol.times import format_time
from webapp.services.moving import drafts_for
from webapp.services.record import record
from webapp.store.models import Case
from webapp.store.queries import picking
from webapp.store.unit import Session


def record_incident(
    session: Session,
    case: Case,
    actor_id: str,
    codes: Sequence[str],
    now: datetime,
    *,
    on: bool,
    at: datetime | None = None,
) -> None:
    """Begin the incident on these parcels, with the case's period, or end it, dated `at` if that was not now.

    Of several words the last one counts.
    Inside the transaction that changes the case: one is never kept without the other.
    """
    if not codes:
        return
    choice = picking.Choice(codes=tuple(codes))
    parcels = picking.pick(session, case.org_id, None, choice, also_scanned=True)
    drafts = drafts_for("hold", parcels, note=case.title, at=at, data=_data(case, on=on))
    record(session, case.org_id, actor_id, drafts, now)


def _data(case: Case, *, on: bool) -> dict[str, object]:
    told: dict[str, object] = {"force_majeure": True, "incident": case.id, "on": on}
    if on and case.starts_at is not None:
        told["from"] = format_time(case.starts_at)
    if on and case.ends_at is not None:
        told["until"] = format_time(case.ends_at)
    return told
