"""Settle what is held: take it in under a reason, or set it aside; nothing is deleted.

What can be taken in, and as what, is `sync.vouching`'s to say. Each decision is an `amend` of the server's in the
ledger, signed, with the person and the reason; the item's row only repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync import ledger, vouching
from sync.intake import Sender
from sync.ledger import make_receipt
from sync.protocol.problems import CATALOGUE, Problem
from sync.rules.findings import claimed_at
from sync.vouching import NEVER, OWN, Ruling
from webapp.services.accept_batch import settle_tasks
from webapp.services.record import Draft, record
from webapp.services.server_identity import signing_key
from webapp.store import database
from webapp.store.journal import SqlJournal
from webapp.store.models import Event, Quarantined
from webapp.store.queries import devices, quarantine, rescues
from webapp.store.unit import Session, lock_org, transaction

LONGEST = 1000
ACCEPTED, STATED, ASIDE = "accepted", "stated", "aside"
KNOWN = "known"  # it came in by itself meanwhile
# What the mark on the record says it had been held for.
_HELD_FOR = {
    "device_revoked": "its phone was signed out",
    "device_unknown": "no phone here has made it",
    "not_this_device": "another phone or person brought it",
    "bad_signature": "the office's word only",
    "id_reused": "its id was used before",
    "kind_unknown": "its kind was not known then",
    "version_unknown": "its version was not known then",
    "event_malformed": "it could not be read then",
    "event_too_large": "it was too large then",
}


@dataclass(frozen=True, slots=True)
class Prospect:
    """What taking an item in would mean now: `way` is own, statement, known or never."""

    way: str
    ruling: Ruling

    @property
    def finding(self) -> str | None:
        """The mark that stays on the record; None when it needs none."""
        return None if self.way in {KNOWN, NEVER} else self.ruling.finding


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an item; `event_id` is what it is in the ledger, `parcels` whom it concerns."""

    outcome: str
    event_id: str | None = None
    parcels: tuple[str, ...] = ()


def foresee(session: Session, org_id: str, sha256: str, raw: str) -> Prospect:
    """What taking this item in would mean."""
    claimed = vouching.claims(raw).device
    rows = rescues.callers(session, org_id, [claimed] if claimed else [])
    named = Sender(rows[0]["id"], rows[0]["jwk"], frozenset({rows[0]["user_id"]})) if rows else None
    ruling = vouching.rule(raw, named, quarantine.people_ids(session, org_id))
    claimed_id = (ruling.payload or {}).get("id")
    event = session.get(Event, (org_id, claimed_id)) if isinstance(claimed_id, str) else None
    if event is not None and event.sha256 == sha256:
        return Prospect(KNOWN, ruling)
    if event is not None and ruling.way == OWN:
        return Prospect(vouching.STATEMENT, ruling)
    return Prospect(ruling.way, ruling)


def accept_held(
    org_id: str, actor_id: str, sha256: str, reason: str, now: datetime, *, seen: str = ""
) -> Settled:
    """Take an item in. `seen` is its outcome as the person saw it, "" while open.

    Problems: `not-found`, `conflict` (settled meanwhile), `field-invalid` (no reason), `never-acceptable` (the detail
    says what speaks against it), `event-refused`.
    """
    words = _reason(reason)
    with transaction() as session:
        head = lock_org(session, org_id)
        row = _row(session, org_id, sha256, seen)
        raw = vouching.original(row.raw.decode("utf-8", "replace"), sha256)
        prospect = foresee(session, org_id, sha256, raw)
        if prospect.way == NEVER:
            raise _never(prospect.ruling)
        if prospect.way == KNOWN:
            event = session.get_one(Event, (org_id, str((prospect.ruling.payload or {})["id"])))
            done = Settled(ACCEPTED, event.id, tuple(effect["parcel"] for effect in event.effects or ()))
        elif prospect.way == OWN:
            done = _as_its_own(session, row, raw, prospect.ruling.sender, head, now)
        else:
            done = _as_a_statement(session, row, prospect.ruling, actor_id, now)
        _amend(session, row, done, actor_id, words, prospect.finding, now)
        return done


def set_aside(
    org_id: str, actor_id: str, sha256: str, reason: str, now: datetime, *, seen: str = ""
) -> Settled:
    """Leave an item where it is, with a reason. Problems `not-found`, `conflict`, `field-invalid`."""
    words = _reason(reason)
    with transaction() as session:
        lock_org(session, org_id)
        row = _row(session, org_id, sha256, seen)
        if row.settled_at is not None:
            raise Problem("conflict", "It is set aside already.")
        done = Settled(ASIDE)
        _amend(session, row, done, actor_id, words, None, now)
        return done


def _as_its_own(
    session: Session, row: Quarantined, raw: str, sender: Sender, head: int, now: datetime
) -> Settled:
    """Into its phone's chain, as the bytes it is; received when it first came."""
    journal = SqlJournal(session, row.org_id, head, now)
    done = ledger.accept(ledger.Batch(sender, [raw]), journal, row.received_at)
    (result,) = done.results
    if result.status not in {"applied", "recorded"} or result.id is None:
        raise Problem("event-refused", f"The ledger did not take it: {result.detail or result.status}")
    settle_tasks(session, row.org_id, head, done, now)
    epoch = database.epoch_in(session)
    receipt = make_receipt(sender.device_id, epoch, now, [(result.id, result.sha256)], signing_key())
    devices.keep_receipt(session, row.org_id, sender.device_id, now, receipt)
    return Settled(ACCEPTED, result.id, tuple(effect["parcel"] for effect in result.effects))


def _as_a_statement(
    session: Session, row: Quarantined, ruling: Ruling, actor_id: str, now: datetime
) -> Settled:
    """The office says the same in its own name; what nothing proves stays out of the phone's chain."""
    event = ruling.event
    if event is None:
        raise _never(ruling)
    said = vouching.said(event)
    source = {"sha256": row.sha256, "device": event.device, "actor": event.actor, "seq": event.seq}
    named = {name: said.pop(name, None) for name in ("reason", "note", "ref", "run", "carrier")}
    draft = Draft(
        event.kind,
        event.parcels,
        at=min(claimed_at(event), row.received_at),
        data={**event.data, "stated_from": source},
        more=said,
        **named,
    )
    result = record(session, row.org_id, actor_id, [draft], now)[0]
    return Settled(STATED, result.id, tuple(effect["parcel"] for effect in result.effects))


def _amend(
    session: Session,
    row: Quarantined,
    done: Settled,
    actor_id: str,
    reason: str,
    finding: str | None,
    now: datetime,
) -> None:
    data: dict[str, Any] = {"quarantine": row.sha256, "code": row.code, "outcome": done.outcome}
    if finding is not None:
        data |= {"finding": finding, "held_for": _HELD_FOR.get(row.code, row.code.replace("_", " "))}
    draft = Draft("amend", done.parcels, note=reason, ref=done.event_id, data=data)
    result = record(session, row.org_id, actor_id, [draft], now)[0]
    said = quarantine.Settlement(row.sha256, done.outcome, now, actor_id, result.id or "", done.event_id)
    quarantine.settle(session, row.org_id, [said])


def _row(session: Session, org_id: str, sha256: str, seen: str) -> Quarantined:
    row = quarantine.row(session, org_id, sha256)
    if row is None:
        raise Problem("not-found", "There is nothing like this in this shop's quarantine.")
    if (row.outcome or "") != seen or row.outcome in {ACCEPTED, STATED}:
        raise Problem("conflict", "Somebody settled it meanwhile. Your decision was not kept.")
    return row


def _never(ruling: Ruling) -> Problem:
    code, detail = ruling.fault or ("event_malformed", "")
    return Problem(
        "never-acceptable",
        f"{CATALOGUE[code][0]}: {detail}. It stays here; a newer version of Baton may be able to read it.",
    )


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise Problem("field-invalid", "Say why: the reason is signed and stays with the record.")
    if len(words) > LONGEST:
        raise Problem("field-invalid", f"Keep the reason under {LONGEST} characters.")
    return words
