"""Take in what a phone sends, and answer it: one transaction, a success only when it is durable."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import uuid_utils
from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from sync import ledger
from sync.ledger import Accepted, Sender
from sync.protocol import batch as wire
from sync.protocol import envelope
from sync.protocol.times import format_time
from webapp.services.find_device import CallingDevice
from webapp.services.server_identity import signing_key
from webapp.store import database
from webapp.store.among import among
from webapp.store.journal import SqlJournal
from webapp.store.models import Blob, BlobRef, Device, EventReceipt, Receipt, Task
from webapp.store.unit import lock_org, transaction

MOST_WANTED = 1000


def accept_batch(caller: CallingDevice, batch: wire.Body, now: datetime) -> dict[str, Any]:
    """The answer to `POST /sync/v1/events`, committed before it is given. A revoked phone's go to quarantine."""
    sender = Sender(
        caller.id, caller.jwk, frozenset({caller.user_id}), is_revoked=caller.revoked_at is not None
    )
    epoch = database.epoch()
    with transaction() as session:
        head = lock_org(session, caller.org_id)
        journal = SqlJournal(session, caller.org_id, head, now)
        done = ledger.accept(ledger.Batch(sender, batch.events), journal, now)
        _settle_tasks(session, caller.org_id, head, done, now)
        receipt = _receipt(caller.id, epoch, done)
        _keep_receipt(session, caller, done, receipt, now)
        _heartbeat(session, caller, batch, now)
        want = wanted(session, caller.org_id, caller.id)
    return {
        "epoch": epoch,
        "received_at": format_time(now),
        "results": [result.as_dict() for result in done.results],
        "high_seq": done.high_seq,
        "missing_seqs": [list(gap) for gap in done.missing_seqs],
        "want": want,
        "receipt": receipt,
    }


def wanted(session: Session, org_id: str, device_id: str) -> list[str]:
    """Digests that this phone's events speak of and nobody has brought yet, oldest mention first."""
    given_up = select(BlobRef.sha256).where(
        BlobRef.org_id == org_id, BlobRef.device_id == device_id, BlobRef.is_lost.is_(True)
    )
    rows = session.execute(
        select(BlobRef.sha256)
        .outerjoin(Blob, and_(Blob.org_id == BlobRef.org_id, Blob.sha256 == BlobRef.sha256))
        .where(
            BlobRef.org_id == org_id,
            BlobRef.device_id == device_id,
            BlobRef.sha256.not_in(given_up),
            Blob.sha256.is_(None),
        )
        .order_by(BlobRef.event_id)
        .limit(MOST_WANTED)
    )
    return list(dict.fromkeys(row.sha256 for row in rows))


def _receipt(device_id: str, epoch: str, done: Accepted) -> str:
    promised = {
        "device": device_id,
        "epoch": epoch,
        "received_at": format_time(done.received_at),
        "events": [{"id": event_id, "sha256": sha256} for event_id, sha256 in done.held],
    }
    return envelope.sign(promised, signing_key(), envelope.RECEIPT_TYP)


def _settle_tasks(session: Session, org_id: str, head: int, done: Accepted, now: datetime) -> None:
    answers = {
        e.ref: e.id for e in (done.change.entries if done.change else ()) if e.reason == "retake" and e.ref
    }
    if not answers:
        return
    tasks = session.execute(
        select(Task).where(
            Task.org_id == org_id, among(session, Task.event_id, list(answers)), Task.done_at.is_(None)
        )
    ).scalars()
    for task in tasks:
        task.done_at, task.done_event_id, task.changed = now, answers[task.event_id], head


def _keep_receipt(
    session: Session, caller: CallingDevice, done: Accepted, receipt: str, now: datetime
) -> None:
    fresh = [entry.id for entry in done.change.entries] if done.change else []
    if not fresh:
        return
    kept = Receipt(
        org_id=caller.org_id, id=str(uuid_utils.uuid7()), device_id=caller.id, received_at=now, jws=receipt
    )
    session.add(kept)
    rows = [{"org_id": caller.org_id, "event_id": event_id, "receipt_id": kept.id} for event_id in fresh]
    session.execute(EventReceipt.__table__.insert(), rows)  # type: ignore[attr-defined]


def _heartbeat(session: Session, caller: CallingDevice, batch: wire.Body, now: datetime) -> None:
    values: dict[str, Any] = {"last_seen_at": now}
    if batch.sent_at is not None:
        values["clock_ms"] = int((now - batch.sent_at).total_seconds() * 1000)
    queue = batch.queue
    told = {
        "head_seq": queue.head_seq,
        "unsent": queue.unsent,
        "unsent_blobs": queue.unsent_blobs,
        "storage": asdict(queue.storage) if queue.storage else None,
        "client": queue.client,
    }
    values |= {name: value for name, value in told.items() if value is not None}
    if queue.unsent is not None:
        values["oldest_unsent_at"] = queue.oldest_at
    session.execute(update(Device).where(Device.id == caller.id).values(values))
