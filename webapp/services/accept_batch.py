"""Take in what a phone sends, and answer it: one transaction, a success only when it is durable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog

from sync import ledger
from sync.ledger import Accepted, Result, Sender, make_receipt
from sync.protocol import batch as wire
from sync.protocol import envelope
from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from sync.rules.chain import missing_in
from webapp.services.find_device import CallingDevice
from webapp.services.server_identity import signing_key
from webapp.store import database
from webapp.store.journal import SqlJournal
from webapp.store.queries import blobs, devices, review
from webapp.store.queries.event_views import voids
from webapp.store.unit import OperationalError, Session, lock_org, transaction

log = structlog.get_logger()
COPIES_WITHIN = timedelta(minutes=12)  # hardly any way holds a request for longer
MOST_WANTED = 1000
MOST_GAPS = 1000  # the lowest; a phone hears of the next ones once it has sent these


def accept_batch(caller: CallingDevice, batch: wire.Body, now: datetime) -> dict[str, Any]:
    """The answer to `POST /sync/v1/events`, committed before it is given. A revoked phone's go to quarantine.

    Problems `busy`, `storage-full`. A fault of ours on one event answers `retry` for that one alone.
    """
    # Most of the work is signatures: nobody waits for the database meanwhile.
    opened = _open(caller, batch.events)
    try:
        with transaction() as session:
            # A heartbeat changes nothing that a list shows: it draws no number, so lists stay as told.
            head = lock_org(session, caller.org_id, 1 if batch.events else 0)
            done = _accept(session, caller, opened, head, now)
            return _answer(session, caller, batch, done, now)
    except (Problem, OperationalError):
        raise
    except Exception:
        log.exception("a batch failed; its events are tried one by one", device=caller.id)
    results = tuple(_accept_alone(caller, jws, now) for jws in batch.events)
    with transaction() as session:
        lock_org(session, caller.org_id, 0)
        seqs = SqlJournal(session, caller.org_id, 0, now).seqs(caller.id)
        done = Accepted(now, results, seqs[-1][1] if seqs else 0, missing_in(seqs), None)
        return _answer(session, caller, batch, done, now)


def take_lines(caller: CallingDevice, events: Sequence[str], now: datetime) -> tuple[Result, ...]:
    """Take in what a phone sealed and somebody else brought (a rescue file): promised, but no word of its queue.

    Problems as of `accept_batch`.
    """
    opened = _open(caller, events)
    try:
        with transaction() as session:
            done = _accept(session, caller, opened, lock_org(session, caller.org_id), now)
            _sign_for(session, caller, database.epoch_in(session), done.results, now)
            return done.results
    except (Problem, OperationalError):
        raise
    except Exception:
        log.exception("events that were brought failed; they are tried one by one", device=caller.id)
    return tuple(_accept_alone(caller, jws, now) for jws in events)


def _open(caller: CallingDevice, events: Sequence[str]) -> ledger.Opened:
    sender = Sender(
        caller.id, caller.jwk, frozenset({caller.user_id}), is_revoked=caller.revoked_at is not None
    )
    return ledger.open_batch(ledger.Batch(sender, events))


def _accept(
    session: Session, caller: CallingDevice, opened: ledger.Opened, head: int, now: datetime
) -> Accepted:
    journal = SqlJournal(session, caller.org_id, head, now)
    done = ledger.accept(opened, journal, now)
    settle_tasks(session, caller.org_id, head, done, now)
    return done


def _accept_alone(caller: CallingDevice, jws: str, now: datetime) -> Result:
    try:
        opened = _open(caller, [jws])
        with transaction() as session:
            (result,) = _accept(session, caller, opened, lock_org(session, caller.org_id), now).results
            # Should the answer fail, sending again finds a duplicate: the receipt is kept with the event.
            _sign_for(session, caller, database.epoch_in(session), [result], now)
            return result
    except (Problem, OperationalError):
        raise
    except Exception:
        sha256 = envelope.digest(jws)
        log.exception("an event failed", device=caller.id, sha256=sha256)
        detail = "The server made a mistake with this one; it will be sent again by itself."
        return Result(envelope.claimed_id(jws), sha256, "retry", (), "server_fault", detail)


def _answer(
    session: Session, caller: CallingDevice, batch: wire.Body, done: Accepted, now: datetime
) -> dict[str, Any]:
    epoch = database.epoch_in(session)
    receipt = _sign_for(session, caller, epoch, done.results, now)
    _heartbeat(session, caller, batch, now)
    return {
        "epoch": epoch,
        "received_at": format_time(now),
        "results": [result.as_dict() for result in done.results],
        "high_seq": done.high_seq,
        "missing_seqs": [list(gap) for gap in done.missing_seqs[:MOST_GAPS]],
        "want": blobs.wanted(session, caller.org_id, caller.id, MOST_WANTED),
        "receipt": receipt,
    }


def _sign_for(
    session: Session, caller: CallingDevice, epoch: str, results: Sequence[Result], now: datetime
) -> str:
    kept = [r for r in results if r.id is not None and r.status in {"applied", "recorded", "duplicate"}]
    receipt = make_receipt(caller.id, epoch, now, [(r.id or "", r.sha256) for r in kept], signing_key())
    if any(r.status != "duplicate" for r in kept):
        devices.keep_receipt(session, caller.org_id, caller.id, now, receipt)
    return receipt


def settle_tasks(session: Session, org_id: str, head: int, done: Accepted, now: datetime) -> None:
    """Close the tasks that newly accepted events answer; an answer that was withdrawn leaves its task open again.

    An answer that names its task (`data.task`) is of no other: the same proof may be asked for once more. A withdrawal
    may come with its answer, or before it.
    """
    entries = done.change.entries if done.change else ()
    answers = [e for e in entries if e.reason == "retake" and e.ref]
    taken_back = [e.ref for e in entries if e.kind == "void" and e.ref]
    if not answers and not taken_back:
        return
    withdrawn = voids(session, org_id, [*(e.id for e in answers), *taken_back])
    standing = [e for e in answers if e.id not in withdrawn]
    for task in review.open_tasks(session, org_id, [e.ref or "" for e in standing]):
        for answer in standing:
            if answer.ref == task.event_id and answer.data.get("task") in (None, task.id):
                task.done_at, task.done_event_id, task.changed = now, answer.id, head
    session.flush()
    for task in review.answered_by(session, org_id, list(withdrawn)):
        other = review.standing_answer(session, task)
        task.done_at, task.done_event_id = (now, other) if other else (None, None)
        task.changed = head


def _heartbeat(session: Session, caller: CallingDevice, batch: wire.Body, now: datetime) -> None:
    if _is_late(session, caller, batch):
        return
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
    devices.note_heartbeat(session, caller.org_id, caller.id, values)


def _is_late(session: Session, caller: CallingDevice, batch: wire.Body) -> bool:
    """Whether this is a copy that the network held back: the phone has told later of its queue.

    By more than a few minutes it is a clock that was set back, and is believed: the office would else go on telling of
    work that has long come home.
    """
    told_at = devices.told_at(session, caller.org_id, caller.id)
    if told_at is None or batch.sent_at is None:
        return False
    return timedelta(milliseconds=2) < told_at - batch.sent_at < COPIES_WITHIN
