"""Close an anomaly with a person's reason, or decide what became of a parcel: a `resolve` event in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sync.protocol.problems import Problem
from sync.protocol.schema import MAX_PARCELS
from sync.rules.lifecycle import STATUSES
from webapp.services.record import Draft, record
from webapp.store.models import Anomaly, Parcel
from webapp.store.queries import exceptions as ask
from webapp.store.unit import lock_org, transaction

LONGEST = 1000


def close_anomaly(
    org_id: str,
    actor_id: str,
    parcel: str,
    code: str,
    event_id: str,
    reason: str,
    now: datetime,
    *,
    grant: bool = False,
) -> None:
    """Close one anomaly. `grant` gives a `void_requested` what it asks for: the record is withdrawn, whole.

    A record is one event, so it goes on every parcel on which that void stands, not on the one in hand alone.
    Problems: `not-found` (no such anomaly on a parcel of this shop), `conflict` (closed meanwhile),
    `field-invalid` (no reason).
    """
    words = reason_given(reason)
    with transaction() as session:
        lock_org(session, org_id)
        anomaly = session.get(Anomaly, (org_id, parcel, event_id, code))
        if anomaly is None:
            raise Problem("not-found", "There is no such anomaly on this parcel.")
        if not anomaly.is_open:
            raise Problem("conflict", "Somebody closed it meanwhile. Your reason was not kept.")
        data: dict[str, Any] = {"anomaly": code, "event": event_id}
        meant = [[parcel]]
        if grant and code == "void_requested":
            data["grant"] = True
            meant = parts(ask.standing(session, org_id, code, event_id))
        drafts = [Draft("resolve", part, note=words, data=data) for part in meant]
        record(session, org_id, actor_id, drafts, now)


def decide_status(
    org_id: str, actor_id: str, parcel: str, status: str, reason: str, now: datetime, *, seen: str
) -> None:
    """Say what a parcel has become (after a report, a loss, a cancel request).

    Problems: `not-found`, `conflict` (its status is not `seen` any more), `field-invalid` (no reason, no status).
    """
    words = reason_given(reason)
    if status not in STATUSES:
        raise Problem("field-invalid", "Choose what it has become.")
    with transaction() as session:
        lock_org(session, org_id)
        held = session.get(Parcel, (org_id, parcel))
        if held is None:
            raise Problem("not-found", "There is no such parcel in this shop.")
        if held.status != seen:
            raise Problem("conflict", "The parcel moved on meanwhile. Look at it again, then decide.")
        data = {"anomaly": None, "event": None, "status": status, "stays": status == seen}
        record(session, org_id, actor_id, [Draft("resolve", [parcel], note=words, data=data)], now)


def parts(meant: Iterable[tuple[str, str | None]]) -> list[list[str]]:
    """These (parcel, seller): few enough for one event each, and none naming two sellers' parcels."""
    by_seller: dict[str | None, list[str]] = {}
    for parcel, seller in meant:
        by_seller.setdefault(seller, []).append(parcel)
    return [
        codes[start : start + MAX_PARCELS]
        for codes in by_seller.values()
        for start in range(0, len(codes), MAX_PARCELS)
    ]


def reason_given(text: str) -> str:
    """A person's reason, tidied. Problem `field-invalid` when there is none, or too much."""
    words = " ".join(text.split())
    if not words:
        raise Problem("field-invalid", "Say why: the reason stays with the parcel.")
    if len(words) > LONGEST:
        raise Problem("field-invalid", f"Keep the reason under {LONGEST} characters.")
    return words
