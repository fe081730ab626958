"""Make events for the office, the clock and imports: signed by the server, through the one door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uuid_utils

from sync import ledger
from sync.ledger import Result, Sender
from sync.making import Chain
from sync.protocol.problems import Problem
from sync.protocol.schema import MAX_PARCELS
from webapp.services.server_identity import server_device, signing_key
from webapp.store.journal import SqlJournal
from webapp.store.unit import Session, lock_org

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be made. `at` is when it happened, if that was not now; `parcels` are internal codes.

    `more` are members that the office's own events do not have (counterpart, blobs …): it repeats what a phone said.
    """

    kind: str
    parcels: Sequence[str]
    reason: str | None = None
    note: str | None = None
    ref: str | None = None
    run: str | None = None
    carrier: str | None = None
    at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def record(
    session: Session, org_id: str, actor_id: str, drafts: Sequence[Draft], now: datetime
) -> list[Result]:
    """Sign and accept these events inside the caller's transaction; results in the order given.

    A draft of more than 500 parcels becomes several events, and so several results.
    Problem `event-refused` when the ledger would not take one: nothing of the unit may be kept then.
    """
    results: list[Result] = []
    if not drafts:
        return results
    head = lock_org(session, org_id)
    device = server_device(session, org_id, now)
    sender = Sender(device.id, device.jwk, None)
    journal = SqlJournal(session, org_id, head, now)
    pieces = [piece for draft in drafts for piece in _pieces(draft)]
    chain = Chain(device.id, signing_key(), journal.head(device.id))
    for start in range(0, len(pieces), CHUNK):
        lines = [_sealed(chain, *piece, actor_id, now) for piece in pieces[start : start + CHUNK]]
        results.extend(ledger.accept(ledger.Batch(sender, lines), journal, now).results)
    for result in results:
        if result.status not in {"applied", "recorded"}:
            raise Problem("event-refused", f"The ledger did not take it: {result.detail or result.status}")
    return results


def _pieces(draft: Draft) -> list[tuple[Draft, Sequence[str]]]:
    codes = list(dict.fromkeys(draft.parcels))
    return [(draft, codes[i : i + MAX_PARCELS]) for i in range(0, len(codes), MAX_PARCELS)] or [
        (draft, codes)
    ]


def _sealed(chain: Chain, draft: Draft, parcels: Sequence[str], actor_id: str, now: datetime) -> str:
    return chain.make(
        draft.kind,
        id=str(uuid_utils.uuid7()),
        actor_id=actor_id,
        at=draft.at or now,
        parcels=parcels,
        reason=draft.reason,
        note=draft.note,
        ref=draft.ref,
        run=draft.run,
        carrier=draft.carrier,
        data=dict(draft.data),
        **draft.more,
    )
