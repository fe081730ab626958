"""Write one batch of the ledger: rows in bulk, in the order that foreign keys ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync.journal import Append, Entry, NewParcel
from sync.rules.anomalies import CATALOGUE
from sync.rules.parcel import Mark, ParcelState
from webapp.store.among import among
from webapp.store.models import Anomaly, BlobRef, Device, Event, EventParcel, Parcel, Quarantined

PROOF_KINDS = frozenset({"pack", "drop_off", "collect", "deliver", "attempt", "return", "report"})


def write(session: Session, org_id: str, head: int, now: datetime, change: Append) -> None:
    """Write it all inside the caller's transaction."""
    _new_parcels(session, org_id, head, now, change.parcels)
    _entries(session, org_id, change.entries)
    _links(session, org_id, change)
    _blob_refs(session, org_id, change)
    _remarks(session, org_id, change.remarks or {})
    write_states(session, org_id, head, now, change.states)
    _quarantined(session, org_id, change)
    _device(session, org_id, change)


def write_states(
    session: Session, org_id: str, head: int, now: datetime, states: Sequence[ParcelState]
) -> None:
    """Put the folded state of each parcel on its row, and its anomalies beside it."""
    if not states:
        return
    _anomalies(session, org_id, states)
    table = _table(Parcel)
    session.execute(
        update(table)
        .where(table.c.org_id == org_id, table.c.code == bindparam("b_code"))
        .values({name: bindparam(f"b_{name}") for name in _STATE}),
        [{"b_code": s.code, **_state_row(s, head, now)} for s in states],
    )


_STATE = (
    "status",
    "status_event_id",
    "status_at",
    "is_deemed",
    "flags",
    "milestones",
    "handed_over_at",
    "delivered_at",
    "open_anomalies",
    "updated_at",
    "changed",
)


def state_columns(state: ParcelState) -> dict[str, Any]:
    """What the fold decides of a parcel's row, by column."""
    return {
        "status": state.status,
        "status_event_id": state.status_event,
        "status_at": state.status_at,
        "is_deemed": state.deemed,
        "flags": state.flags.as_dict(),
        "milestones": {
            name: {"at": m.at.isoformat(), "event": m.event_id, "actor": m.actor_id}
            for name, m in state.milestones.items()
        },
        "handed_over_at": state.handed_over_at,
        "delivered_at": state.delivered_at,
        "open_anomalies": len(state.open_anomalies),
    }


def _state_row(state: ParcelState, head: int, now: datetime) -> dict[str, Any]:
    row = {**state_columns(state), "updated_at": now, "changed": head}
    return {f"b_{name}": value for name, value in row.items()}


def _new_parcels(
    session: Session, org_id: str, head: int, now: datetime, parcels: Sequence[NewParcel]
) -> None:
    rows = [
        {
            "org_id": org_id,
            "code": p.code,
            "is_known": False,
            "tracking_number": p.tracking_number,
            "created_at": now,
            "updated_at": now,
            "changed": head,
        }
        for p in parcels
    ]
    if rows:
        session.execute(insert(Parcel), rows)


def _entries(session: Session, org_id: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    session.execute(insert(_table(Event)), [_event_row(org_id, e) for e in entries])
    reviews = [
        {"b_ref": e.ref, "b_state": e.data.get("verdict")} for e in entries if e.kind == "review" and e.ref
    ]
    if reviews:
        table = _table(Event)
        session.execute(
            update(table)
            .where(table.c.org_id == org_id, table.c.id == bindparam("b_ref"))
            .values(review_state=bindparam("b_state")),
            reviews,
        )


def _event_row(org_id: str, e: Entry) -> dict[str, Any]:
    return {
        "org_id": org_id,
        "id": e.id,
        "device_id": e.device_id,
        "actor_id": e.actor_id,
        "seq": e.seq,
        "branch": e.branch,
        "prev": e.prev,
        "sha256": e.sha256,
        "kind": e.kind,
        "at": e.at,
        "offset_ms": e.offset_ms,
        "effective_at": e.effective_at,
        "received_at": e.received_at,
        "run_id": e.run_id,
        "carrier": e.carrier,
        "expected": e.payload.get("expected"),
        "reason": e.reason,
        "ref": e.ref,
        "data": dict(e.data) or None,
        "marks": _pairs(e.marks),
        "result": e.result,
        "effects": [dict(effect) for effect in e.effects] or None,
        "review_state": "waiting" if e.kind in PROOF_KINDS else None,
        "jws": e.jws,
    }


def _pairs(marks: Iterable[Mark]) -> list[list[str]] | None:
    return [[mark.code, mark.detail] for mark in marks] or None


def _links(session: Session, org_id: str, change: Append) -> None:
    rows = [
        {"org_id": org_id, "code": link.code, "event_id": link.event_id, "scanned": link.scanned}
        for link in change.links
    ]
    _insert_new(session, EventParcel, rows)


def _blob_refs(session: Session, org_id: str, change: Append) -> None:
    by_event = {entry.id: entry.device_id for entry in change.entries}
    rows = [
        {
            "org_id": org_id,
            "event_id": ref.event_id,
            "sha256": ref.sha256,
            "role": ref.role,
            "parcel": ref.parcel or "",
            "device_id": by_event.get(ref.event_id, change.device_id),
            "type": ref.type,
            "size": ref.size,
            "is_lost": ref.is_lost,
        }
        for ref in change.blobs
    ]
    _insert_new(session, BlobRef, rows)


def _insert_new(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    flavour = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(flavour.insert(_table(model)).on_conflict_do_nothing(), rows)


def _remarks(session: Session, org_id: str, remarks: Mapping[str, tuple[Mark, ...]]) -> None:
    if not remarks:
        return
    table = _table(Event)
    session.execute(
        update(table)
        .where(table.c.org_id == org_id, table.c.id == bindparam("b_id"))
        .values(marks=bindparam("b_marks")),
        [{"b_id": event_id, "b_marks": _pairs(marks)} for event_id, marks in remarks.items()],
    )


def _anomalies(session: Session, org_id: str, states: Sequence[ParcelState]) -> None:
    held = {
        (row.parcel, row.event_id, row.code): (row.detail, row.closed_by)
        for row in session.execute(
            select(Anomaly.parcel, Anomaly.event_id, Anomaly.code, Anomaly.detail, Anomaly.closed_by).where(
                Anomaly.org_id == org_id, among(session, Anomaly.parcel, [s.code for s in states])
            )
        )
    }
    wanted = {
        (state.code, a.event_id, a.code): (a.detail, a.closed_by) for state in states for a in state.anomalies
    }
    stale = [key for key, said in held.items() if wanted.get(key) != said]
    fresh = [key for key, said in wanted.items() if held.get(key) != said]
    if stale:
        table = _table(Anomaly)
        session.execute(
            delete(table).where(
                table.c.org_id == org_id,
                table.c.parcel == bindparam("b_parcel"),
                table.c.event_id == bindparam("b_event"),
                table.c.code == bindparam("b_code"),
            ),
            [{"b_parcel": parcel, "b_event": event, "b_code": code} for parcel, event, code in stale],
        )
    if fresh:
        session.execute(insert(_table(Anomaly)), [_anomaly_row(org_id, key, *wanted[key]) for key in fresh])


def _anomaly_row(
    org_id: str, key: tuple[str, str, str], detail: str, closed_by: str | None
) -> dict[str, Any]:
    parcel, event_id, code = key
    return {
        "org_id": org_id,
        "parcel": parcel,
        "event_id": event_id,
        "code": code,
        "severity": CATALOGUE[code].severity,
        "detail": detail,
        "is_open": closed_by is None,
        "closed_by": closed_by,
    }


def _quarantined(session: Session, org_id: str, change: Append) -> None:
    rows = [
        {
            "org_id": org_id,
            "sha256": q.sha256,
            "device_id": q.device_id,
            "claimed_id": _storable(q.claimed_id),
            "claimed_device": _storable(q.claimed_device),
            "claimed_seq": q.claimed_seq,
            "signature_good": q.signature_good,
            "code": q.code,
            "detail": _storable(q.detail) or "",
            "received_at": q.received_at,
            "raw": q.raw.encode("utf-8", "surrogatepass"),
        }
        for q in change.quarantined
    ]
    _insert_new(session, Quarantined, rows)


def _storable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _device(session: Session, org_id: str, change: Append) -> None:
    if change.seqs is None:
        return
    values = {"seqs": [list(pair) for pair in change.seqs], "high_seq": change.seqs[-1][1]}
    session.execute(
        update(Device).where(Device.org_id == org_id, Device.id == change.device_id).values(values)
    )


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
