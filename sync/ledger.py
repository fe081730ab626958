"""The one door into the server for every event, whoever made it: judge, order, fold, append.

`open_batch` does what needs no journal, the signatures above all, so that no transaction waits for it.
`accept` is pure but for its journal: six set-based reads and one append for a batch of any size. One bad
item never holds back another, the same item again has no second effect, and the items may come in any
order. Raising (from the journal) means that nothing was kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sync.intake import Item, Sender, judge, take_apart
from sync.journal import Append, Effect, Journal, Known, Quarantined
from sync.making import Chain, make_receipt
from sync.posting import Posting
from sync.protocol.problems import CATALOGUE
from sync.rules.chain import add_to_ranges, missing_in
from sync.rules.fold import fold
from sync.rules.parcel import ParcelState
from sync.rules.policy import Policy, load

__all__ = [
    "Accepted",
    "Batch",
    "Chain",
    "Opened",
    "Result",
    "Sender",
    "accept",
    "make_receipt",
    "open_batch",
    "refold",
]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one device sent, each item a compact JWS, in the order sent."""

    sender: Sender
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A batch taken apart and proved; good for one `accept`."""

    sender: Sender
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one item; `status` is applied, recorded, duplicate or quarantined (all final)."""

    id: str | None
    sha256: str
    status: str
    effects: tuple[Effect, ...] = ()
    code: str | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As in the answer to `POST /sync/v1/events`."""
        problem = None
        if self.code is not None:
            problem = {"code": self.code, "title": CATALOGUE[self.code][0], "detail": self.detail}
        return {
            "id": self.id,
            "sha256": self.sha256,
            "status": self.status,
            "effects": [dict(effect) for effect in self.effects],
            "problem": problem,
        }


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a batch. `change` is what was appended (None: nothing new)."""

    received_at: datetime
    results: tuple[Result, ...]
    high_seq: int
    missing_seqs: tuple[tuple[int, int], ...]
    change: Append | None

    @property
    def held(self) -> list[tuple[str, str]]:
        """(id, sha256) of every item that is in the ledger now: what the receipt attests."""
        return [
            (result.id, result.sha256)
            for result in self.results
            if result.id is not None and result.status != "quarantined"
        ]


def open_batch(batch: Batch) -> Opened:
    """Take every item apart and check its signature and its shape: the work that no journal is needed for."""
    return Opened(batch.sender, [take_apart(raw, batch.sender) for raw in batch.events])


def accept(batch: Batch | Opened, journal: Journal, now: datetime, policy: Policy | None = None) -> Accepted:
    """Take in a batch at `now` (aware UTC) and say what became of each item."""
    items = batch.items if isinstance(batch, Opened) else open_batch(batch).items
    known = _known(items, journal)
    fresh = _sort_out(items, known, batch.sender.device_id)
    ranges = journal.seqs(batch.sender.device_id)
    posting = Posting(batch.sender.device_id, now, policy or load(), is_server=batch.sender.is_server)
    change = posting.post(fresh, known, journal)
    quarantined = _quarantine(items, batch.sender, now)
    if fresh or quarantined:
        if fresh:
            ranges = add_to_ranges(ranges, [entry.seq for entry in change.entries])
        change = replace(change, quarantined=quarantined, seqs=ranges if fresh else None)
        journal.append(change)
    return Accepted(
        now,
        _results(items, known, change),
        ranges[-1][1] if ranges else 0,
        missing_in(ranges),
        change if fresh or quarantined else None,
    )


def refold(codes: Collection[str], journal: Journal, policy: Policy | None = None) -> list[ParcelState]:
    """The states of these parcels anew: after the books changed (import, runs), or to compare."""
    facts = journal.facts(codes)
    return [
        fold(facts.get(about.code, ()), about, policy)
        for about in sorted(journal.parcels(codes, ()), key=lambda about: about.code)
    ]


def _known(items: Iterable[Item], journal: Journal) -> dict[str, Known]:
    """What the journal has of these ids, of what they refer to, and of what refers to them."""
    ids = {item.claimed_id for item in items if item.claimed_id}
    if not ids:
        return {}
    targets = {item.claimed_ref for item in items if item.claimed_ref}
    return {known.fact.id: known for known in journal.events(ids | targets, ids)}


def _sort_out(items: Iterable[Item], known: Mapping[str, Known], device_id: str) -> list[Item]:
    """The items that are new and good, judged; the others are left refused, or are duplicates."""
    fresh: dict[str, Item] = {}
    for item in items:
        claimed = item.claimed_id
        earlier = known.get(claimed) if claimed else None
        if earlier is not None and _is_same(earlier, item, device_id):
            continue
        twin = fresh.get(claimed) if claimed else None
        if twin is not None and twin.sha256 == item.sha256:
            continue
        judge(item)
        if item.event is None:
            continue
        if earlier is not None or twin is not None:
            item.refuse("id_reused", "another event has this id")
        else:
            fresh[item.event.id] = item
    return list(fresh.values())


def _is_same(earlier: Known, item: Item, device_id: str) -> bool:
    return earlier.sha256 == item.sha256 and earlier.fact.device_id == device_id


def _quarantine(items: Iterable[Item], sender: Sender, now: datetime) -> tuple[Quarantined, ...]:
    kept = {item.sha256: item for item in items if item.code is not None}
    return tuple(
        Quarantined(
            raw=item.storable,
            sha256=item.sha256,
            code=item.code or "",
            detail=item.detail,
            device_id=sender.device_id,
            received_at=now,
            claimed_id=item.claimed_id,
            claimed_device=item.claims("device"),
            claimed_seq=item.claimed_seq,
            signature_good=item.is_signed,
            blobs=item.claimed_blobs,
        )
        for item in kept.values()
    )


def _results(items: Iterable[Item], known: Mapping[str, Known], change: Append) -> tuple[Result, ...]:
    """In the order sent. A duplicate has the first answer's effects, also within one batch."""
    first = {entry.sha256: entry for entry in change.entries}
    answered: set[str] = set()
    results = []
    for item in items:
        claimed, sha256 = item.claimed_id, item.sha256
        if item.code is not None:
            results.append(Result(claimed, sha256, "quarantined", (), item.code, item.detail))
        elif sha256 in first and sha256 not in answered:
            answered.add(sha256)
            entry = first[sha256]
            results.append(Result(entry.id, sha256, entry.result, entry.effects))
        else:
            effects = first[sha256].effects if sha256 in first else known[claimed or ""].effects
            results.append(Result(claimed, sha256, "duplicate", effects))
    return tuple(results)
