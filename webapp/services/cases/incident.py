"""Force majeure on its parcels (`R31`): a signed `hold` with the incident and its period; deadlines stand still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync.protocol.times import format_time
from webapp.services.moving import drafts_for
from webapp.services.record import record
from webapp.store.models import Case
from webapp.store.queries import cases as ask
from webapp.store.queries import picking
from webapp.store.unit import lock_org, transaction

# Phones wait while a unit holds the shop's row.
PART = 500


def record_incident(
    org_id: str, actor_id: str, case_id: str, codes: Sequence[str], now: datetime, *, on: bool
) -> None:
    """Begin the incident on these parcels, with the case's period, or end it. Of several words the last one counts."""
    for start in range(0, len(codes), PART):
        part = tuple(codes[start : start + PART])
        with transaction() as session:
            lock_org(session, org_id)
            case = ask.find(session, org_id, case_id)
            if case is None:
                return
            parcels = picking.pick(session, org_id, None, picking.Choice(codes=part))
            drafts = drafts_for("hold", parcels, note=case.title, data=_data(case, on=on))
            record(session, org_id, actor_id, drafts, now)


def _data(case: Case, *, on: bool) -> dict[str, object]:
    told: dict[str, object] = {"force_majeure": True, "incident": case.id, "on": on}
    if on and case.starts_at is not None:
        told["from"] = format_time(case.starts_at)
    if on and case.ends_at is not None:
        told["until"] = format_time(case.ends_at)
    return told
