"""Close one sort of anomaly on many parcels with one reason: one `resolve` for each few hundred of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sync.protocol.problems import Problem
from sync.rules.anomalies import CATALOGUE
from webapp.services.close_anomaly import parts, reason_given
from webapp.services.record import Draft, record
from webapp.store.queries import exceptions as ask
from webapp.store.unit import lock_org, reading, transaction


def close_anomalies(
    org_id: str,
    actor_id: str,
    code: str,
    parcels: Collection[str] | None,
    reason: str,
    seen_at: datetime,
    now: datetime,
) -> int:
    """Close what is open of this sort on these parcels (None: on all) and was here when the list was seen.

    Gives how many parcels that was; closing again closes nothing. Problem `field-invalid` (no reason, no such sort).
    """
    words = reason_given(reason)
    if code not in CATALOGUE:
        raise Problem("field-invalid", "There is no such sort of anomaly.")
    with reading() as session:
        held = ask.open_parcels(session, org_id, code, seen_at)
    data = {"anomaly": code, "event": None, "seen_at": _exactly(seen_at)}
    meant = [(parcel, seller) for parcel, seller in held if parcels is None or parcel in parcels]
    for part in parts(meant):
        with transaction() as session:
            lock_org(session, org_id)
            draft = Draft("resolve", part, note=words, data=data)
            record(session, org_id, actor_id, [draft], now)
    return len(meant)


def _exactly(moment: datetime) -> str:
    """To the microsecond, as events are received."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
