"""Write one batch of the ledger: rows in bulk, in the order that foreign keys ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from sync.evidence.judge import UNCHECKED, doubt_of
from sync.journal import Append, Entry, NewParcel
from sync.rules.anomalies import CATALOGUE
from sync.rules.lifecycle import ON_THE_SPOT
from sync.rules.parcel import Mark, ParcelState
from webapp.store import stock_writing
from webapp.store.models import (
    Anomaly,
    Blob,
    BlobRef,
    DeletedBlob,
    Device,
    Event,
    EventParcel,
    Parcel,
    Quarantined,
    QuarantinedBlob,
)
from webapp.store.prepared import Prepared, one_of

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


def write(connection: Connection, org_id: str, head: int, now: datetime, change: Append) -> None:
    """Write it all inside the caller's transaction."""
    _new_parcels(connection, org_id, head, now, change.parcels)
    _entries(connection, org_id, change.entries)
    _links(connection, org_id, change)
    _blob_refs(connection, org_id, change)
    _remarks(connection, org_id, change.remarks or {})
    write_states(connection, org_id, head, now, change.states)
    _quarantined(connection, org_id, change)
    _device(connection, org_id, change)


def write_states(
    connection: Connection, org_id: str, head: int, now: datetime, states: Sequence[ParcelState]
) -> None:
    """Put the folded state of each parcel on its row, and its anomalies beside it."""
    if not states:
        return
    _anomalies(connection, org_id, states)
    stock_writing.keep_in_step(connection, org_id, now, states)  # it compares with what the rows said before
    _PUT_STATE.run_many(
        connection,
        [
            {
                "b_org_id": org_id,
                "b_code": s.code,
                "b_updated_at": now,
                "b_changed": head,
                **{f"b_{name}": value for name, value in state_columns(s).items()},
            }
            for s in states
        ],
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


def _new_parcels(
    connection: Connection, org_id: str, head: int, now: datetime, parcels: Sequence[NewParcel]
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
        connection.execute(insert(_table(Parcel)), rows)


def _entries(connection: Connection, org_id: str, entries: Sequence[Entry]) -> None:
    _ADD_EVENT.run_many(connection, [_event_row(org_id, e) for e in entries])
    _SET_REVIEW.run_many(
        connection,
        [
            {"b_org_id": org_id, "b_ref": e.ref, "b_state": e.data.get("verdict")}
            for e in entries
            if e.kind == "review" and e.ref
        ],
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
        "review_state": "waiting" if e.kind in ON_THE_SPOT else None,
        "doubt": doubt_of(mark.code for mark in e.marks) + UNCHECKED if e.kind in ON_THE_SPOT else 0,
        "jws": e.jws,
    }


def _pairs(marks: Iterable[Mark]) -> list[list[str]] | None:
    return [[mark.code, mark.detail] for mark in marks] or None


def _links(connection: Connection, org_id: str, change: Append) -> None:
    _ADD_LINK.run_many(
        connection,
        [
            {"org_id": org_id, "code": link.code, "event_id": link.event_id, "scanned": link.scanned}
            for link in change.links
        ],
    )


def _blob_refs(connection: Connection, org_id: str, change: Append) -> None:
    if not change.blobs:
        return
    device_id = change.device_id
    told = {ref.sha256 for ref in change.blobs}
    settled = {row[0] for row in _SETTLED.rows(connection, org_id=org_id, device_id=device_id, keys=told)}
    lost = {ref.sha256 for ref in change.blobs if ref.is_lost}
    _ADD_BLOB_REF.run_many(
        connection,
        [
            {
                "org_id": org_id,
                "event_id": ref.event_id,
                "sha256": ref.sha256,
                "role": ref.role,
                "parcel": ref.parcel or "",
                "device_id": device_id,
                "type": ref.type,
                "size": ref.size,
                "is_lost": ref.is_lost,
                "is_awaited": ref.sha256 not in settled and ref.sha256 not in lost,
                "is_checked": False,
            }
            for ref in change.blobs
        ],
    )
    _GIVE_UP.run_many(
        connection, [{"b_org_id": org_id, "b_device_id": device_id, "b_sha256": sha256} for sha256 in lost]
    )


def _remarks(connection: Connection, org_id: str, remarks: Mapping[str, tuple[Mark, ...]]) -> None:
    _SET_MARKS.run_many(
        connection,
        [
            {"b_org_id": org_id, "b_id": event_id, "b_marks": _pairs(marks)}
            for event_id, marks in remarks.items()
        ],
    )


def _anomalies(connection: Connection, org_id: str, states: Sequence[ParcelState]) -> None:
    rows = _ANOMALIES.rows(connection, org_id=org_id, keys=[s.code for s in states])
    held = {(parcel, event, code): (detail, closed_by) for parcel, event, code, detail, closed_by in rows}
    wanted = {
        (state.code, a.event_id, a.code): (a.detail, a.closed_by) for state in states for a in state.anomalies
    }
    stale = [key for key, said in held.items() if wanted.get(key) != said]
    fresh = [key for key, said in wanted.items() if held.get(key) != said]
    _DROP_ANOMALY.run_many(
        connection,
        [
            {"b_org_id": org_id, "b_parcel": parcel, "b_event": event, "b_code": code}
            for parcel, event, code in stale
        ],
    )
    _ADD_ANOMALY.run_many(connection, [_anomaly_row(org_id, key, *wanted[key]) for key in fresh])


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


def _quarantined(connection: Connection, org_id: str, change: Append) -> None:
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
            "settled_event_id": None,
            "event_id": None,
        }
        for q in change.quarantined
    ]
    _QUARANTINE.run_many(connection, rows)
    _HOLD_BLOB.run_many(
        connection,
        [
            {"org_id": org_id, "sha256": sha256, "item_sha256": q.sha256}
            for q in change.quarantined
            for sha256 in q.blobs
        ],
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _device(connection: Connection, org_id: str, change: Append) -> None:
    if change.seqs is not None:
        seqs = [list(pair) for pair in change.seqs]
        _SET_SEQS.run(
            connection, b_org_id=org_id, b_id=change.device_id, b_seqs=seqs, b_high_seq=change.seqs[-1][1]
        )


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


def _adding(model: Any, *names: str, if_new: bool = False) -> Prepared:
    """A row into a table: these columns, or all; `if_new` leaves one that is there as it is."""

    def build(dialect: str) -> Any:
        flavour = sqlite if dialect == "sqlite" else postgresql
        statement = flavour.insert(_table(model))
        if names:
            statement = statement.values({name: bindparam(name) for name in names})
        return statement.on_conflict_do_nothing() if if_new else statement

    return Prepared(build)


def _setting(model: Any, where: Sequence[str], *names: str) -> Prepared:
    """New values for columns of the rows chosen by other columns; every value is bound as `b_<name>`."""
    table = _table(model)
    chosen = [table.c[name] == bindparam(f"b_{name}") for name in where]
    return Prepared(
        lambda _dialect: (
            update(table).where(*chosen).values({table.c[name]: bindparam(f"b_{name}") for name in names})
        )
    )


_ADD_EVENT = _adding(Event)
_ADD_LINK = _adding(EventParcel, if_new=True)
_ADD_BLOB_REF = _adding(BlobRef, if_new=True)
# Bytes that are held, that were let go on purpose, and those that this phone has said it lost.
_SETTLED = Prepared(
    lambda dialect: union_all(
        select(Blob.sha256).where(Blob.org_id == bindparam("org_id"), one_of(dialect, Blob.sha256, "keys")),
        select(DeletedBlob.sha256).where(
            DeletedBlob.org_id == bindparam("org_id"), one_of(dialect, DeletedBlob.sha256, "keys")
        ),
        select(BlobRef.sha256).where(
            BlobRef.org_id == bindparam("org_id"),
            one_of(dialect, BlobRef.sha256, "keys"),
            BlobRef.device_id == bindparam("device_id"),
            BlobRef.is_lost,
        ),
    )
)
_GIVE_UP = Prepared(
    lambda _dialect: (
        update(_table(BlobRef))
        .where(
            BlobRef.org_id == bindparam("b_org_id"),
            BlobRef.sha256 == bindparam("b_sha256"),
            BlobRef.device_id == bindparam("b_device_id"),
        )
        .values(is_awaited=False)
    )
)
_ADD_ANOMALY = _adding(Anomaly)
_QUARANTINE = _adding(
    Quarantined,
    "org_id",
    "sha256",
    "device_id",
    "claimed_id",
    "claimed_device",
    "claimed_seq",
    "signature_good",
    "code",
    "detail",
    "received_at",
    "raw",
    if_new=True,
)
_HOLD_BLOB = _adding(QuarantinedBlob, if_new=True)
_BY_ID = ("org_id", "id")
_SET_MARKS = _setting(Event, _BY_ID, "marks")
_SET_REVIEW = Prepared(
    lambda _dialect: (
        update(_table(Event))
        .where(Event.org_id == bindparam("b_org_id"), Event.id == bindparam("b_ref"))
        .values(review_state=bindparam("b_state"))
    )
)
_SET_SEQS = _setting(Device, _BY_ID, "seqs", "high_seq")
_PUT_STATE = _setting(Parcel, ("org_id", "code"), *_STATE)
_ANOMALIES = Prepared(
    lambda dialect: select(
        Anomaly.parcel, Anomaly.event_id, Anomaly.code, Anomaly.detail, Anomaly.closed_by
    ).where(Anomaly.org_id == bindparam("org_id"), one_of(dialect, Anomaly.parcel, "keys"))
)
_DROP_ANOMALY = Prepared(
    lambda _dialect: delete(_table(Anomaly)).where(
        Anomaly.org_id == bindparam("b_org_id"),
        Anomaly.parcel == bindparam("b_parcel"),
        Anomaly.event_id == bindparam("b_event"),
        Anomaly.code == bindparam("b_code"),
    )
)
