"""What the command line tells of parcels and of the quarantine, in the protocol's shapes."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from sync.protocol.codes import CodeInvalid, normalise, tracking_key
from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from webapp.store.among import among
from webapp.store.models import Anomaly, Blob, BlobRef, Event, EventParcel, Parcel, ParcelOrder, Quarantined
from webapp.store.queries import deletions


def parcels(session: Session, status: str | None) -> list[dict[str, Any]]:
    """Every parcel, or those of one status, by code."""
    query = select(Parcel).order_by(Parcel.code)
    if status is not None:
        query = query.where(Parcel.status == status)
    rows = list(session.execute(query).scalars())
    orders = _orders(session, rows)
    return [_brief(parcel, orders) for parcel in rows]


def parcel(session: Session, asked: str) -> tuple[dict[str, Any], str]:
    """One parcel whole and its shop, by internal code, tracking number or order id. Problem `parcel-unknown`.

    `deadlines` is left to who judges them.
    """
    found = find(session, asked)
    here = (Anomaly.org_id == found.org_id, Anomaly.parcel == found.code)
    anomalies = session.execute(
        select(Anomaly).where(*here).order_by(Anomaly.code, Anomaly.event_id)
    ).scalars()
    events = session.execute(
        select(Event)
        .join(EventParcel, and_(EventParcel.org_id == Event.org_id, EventParcel.event_id == Event.id))
        .where(EventParcel.org_id == found.org_id, EventParcel.code == found.code)
        .order_by(Event.effective_at, Event.device_id, Event.seq, Event.id)
    ).scalars()
    history = [_event(event) for event in events]
    whole = {
        **_brief(found, _orders(session, [found])),
        "flags": found.flags,
        "anomalies": [
            {
                "code": a.code,
                "severity": a.severity,
                "event": a.event_id,
                "closed": not a.is_open,
                "detail": a.detail,
            }
            for a in anomalies
        ],
        "deadlines": [],
        "events": history,
        "blobs": _blobs(session, found, [event["id"] for event in history]),
    }
    return whole, found.org_id


def quarantine(session: Session) -> list[dict[str, Any]]:
    """All that was held back, newest first."""
    rows = session.execute(select(Quarantined).order_by(Quarantined.received_at.desc())).scalars()
    return [
        {
            "sha256": q.sha256,
            "device": q.device_id,
            "claimed_id": q.claimed_id,
            "code": q.code,
            "detail": q.detail,
            "received_at": format_time(q.received_at),
            "signature_good": q.signature_good,
            "outcome": q.outcome,
            "settled_at": format_time(q.settled_at) if q.settled_at else None,
            "settled_by": q.settled_by,
            "event": q.event_id,
            "raw": q.raw.decode("utf-8", "replace"),
        }
        for q in rows
    ]


def find(session: Session, asked: str) -> Parcel:
    """The parcel of this internal code, tracking number or order id. Problem `parcel-unknown`."""
    ways = [Parcel.tracking_number == tracking_key(asked), Parcel.code == asked]
    with contextlib.suppress(CodeInvalid):
        ways.append(Parcel.code == normalise(asked))
    by_order = select(ParcelOrder.code).where(
        ParcelOrder.org_id == Parcel.org_id, ParcelOrder.order_id == asked.strip()
    )
    row = session.execute(
        select(Parcel).where(or_(*ways, Parcel.code.in_(by_order))).limit(1)
    ).scalar_one_or_none()
    if row is None:
        raise Problem("parcel-unknown", f"There is no parcel {asked}.")
    return row


def _orders(session: Session, rows: list[Parcel]) -> dict[tuple[str, str], str]:
    links = session.execute(
        select(ParcelOrder.org_id, ParcelOrder.code, ParcelOrder.order_id)
        .where(among(session, ParcelOrder.code, [p.code for p in rows]))
        .order_by(ParcelOrder.order_id.desc())
    )
    return {(link.org_id, link.code): link.order_id for link in links}


def _brief(p: Parcel, orders: dict[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "code": p.code,
        "order_id": orders.get((p.org_id, p.code)),
        "tracking_number": p.tracking_number,
        "carrier": p.carrier,
        "status": p.status,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "actor": event.actor_id,
        "device": event.device_id,
        "seq": event.seq,
        "at": format_time(event.at),
        "effective_at": format_time(event.effective_at),
        "received_at": format_time(event.received_at),
        "result": event.result,
        "marks": [mark[0] for mark in event.marks or ()],
        "sha256": event.sha256,
    }


def _blobs(session: Session, found: Parcel, event_ids: list[str]) -> list[dict[str, Any]]:
    query = (
        select(BlobRef, Blob)
        .outerjoin(Blob, and_(Blob.org_id == BlobRef.org_id, Blob.sha256 == BlobRef.sha256))
        .where(
            BlobRef.org_id == found.org_id,
            among(session, BlobRef.event_id, event_ids),
            BlobRef.parcel.in_(["", found.code]),
        )
        .order_by(BlobRef.event_id, BlobRef.role, BlobRef.sha256)
    )
    rows = session.execute(query).all()
    gone = deletions.among_digests(session, found.org_id, {ref.sha256 for ref, _ in rows})
    return [
        {
            "sha256": ref.sha256,
            "role": ref.role,
            "size": ref.size,
            "held": blob is not None,
            "deleted": deletions.as_told(gone.get(ref.sha256)),
            "differs": _differs(ref, blob),
            "event": ref.event_id,
        }
        for ref, blob in rows
    ]


def _differs(ref: BlobRef, blob: Blob | None) -> list[str]:
    """What the event says of bytes that they are not. Their digest is right, so they are kept all the same."""
    if blob is None:
        return []
    return [name for name in ("type", "size") if getattr(blob, name) != getattr(ref, name)]
