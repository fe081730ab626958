"""The port between `sync.ledger.accept` and a store: what it reads, and the one append it makes.

A batch of any size costs at most one call of each method here, two of `parcels`. Every method is about one organisation
(the store is made for one) and runs inside the caller's transaction. Collections may hold tens of
thousands of codes (200 events x 500 parcels): a store must not bind one variable per item
(`json_each(?)` on SQLite, `= ANY(:array)` on PostgreSQL, or chunks). Absent ids and codes are simply
absent from the answer; the order of answers does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sync.rules.parcel import About, Fact, Mark, ParcelState

Effect = Mapping[str, Any]  # {"parcel": code, "status": status, "anomalies": [code, …]}


@dataclass(frozen=True, slots=True)
class Known:
    """An event the store already has: to answer duplicates and to follow references."""

    fact: Fact
    sha256: str
    parcels: tuple[str, ...]  # canonical codes of the parcels it names itself (links with `scanned` set)
    result: str  # "applied" or "recorded", as first answered
    effects: tuple[Effect, ...]  # as first answered


@dataclass(frozen=True, slots=True)
class Link:
    """One event in a device's chain, with the findings it has now."""

    id: str
    seq: int
    sha256: str
    prev: str | None
    marks: tuple[Mark, ...]
    parcels: tuple[str, ...]  # canonical codes of all its links, also those through `ref`


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a device: what the next one's `seq` and `prev` come from."""

    seq: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A newly accepted event, every column of it. Unique: `id`, `sha256`, (`device_id`, `seq`, `branch`).

    `branch` is 0, or 1.. for a fork (same device and seq, other bytes) in order of arrival. `payload` is
    the parsed payload as sent, unknown members included; `jws` is verbatim.
    """

    id: str
    device_id: str
    actor_id: str
    seq: int
    branch: int
    prev: str | None
    kind: str
    at: datetime
    offset_ms: int | None
    effective_at: datetime
    received_at: datetime
    run_id: str | None
    carrier: str | None
    ref: str | None
    reason: str | None
    data: Mapping[str, Any]
    payload: Mapping[str, Any]
    jws: str
    sha256: str
    marks: tuple[Mark, ...]
    result: str
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class ParcelLink:
    """An event belongs to a parcel's timeline.

    `scanned` is the code as the phone read it; None when the link comes from `ref` (a void, a lost blob or
    a review that names an event of that parcel). The event may be an older one: a void that came first.
    """

    event_id: str
    code: str
    scanned: str | None


@dataclass(frozen=True, slots=True)
class NewParcel:
    """A parcel nobody imported, first seen in a scan.

    `tracking_number` is set when that is what was read, or may be: one in 37 numbers of twelve characters
    (J&T's, say) is a valid internal code as well, and an import must find the parcel by it.
    """

    code: str
    tracking_number: str | None
    event_id: str


@dataclass(frozen=True, slots=True)
class BlobRef:
    """An event says that these bytes belong to it. `parcel` is the canonical code, if one was named.

    `is_lost`: a `blob_lost` event says that these bytes will never come; nobody need wait for them.
    """

    event_id: str
    sha256: str
    type: str
    size: int
    role: str
    parcel: str | None
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item kept raw for the office. Unique by `sha256`: appending it again changes nothing.

    `device_id` is who sent it; the claimed members are what it says of itself, unproved, or None.
    """

    raw: str
    sha256: str
    code: str
    detail: str
    device_id: str
    received_at: datetime
    claimed_id: str | None
    claimed_device: str | None
    claimed_seq: int | None
    signature_good: bool
    blobs: tuple[str, ...] = ()  # digests of the pictures it says are its own


@dataclass(frozen=True, slots=True)
class Append:
    """All that one batch changes, to be written in one go.

    Order that satisfies foreign keys: parcels, entries, links, blobs, remarks, states, quarantined, seqs.
    `remarks` replaces the marks of older events (a gap was filled, a fork appeared). `links` may repeat a
    link the store has (ignore it). `states` is the new state of each touched parcel. `seqs` is the
    device's received sequence numbers as closed, disjoint, rising ranges (None: unchanged).
    """

    device_id: str
    received_at: datetime
    parcels: tuple[NewParcel, ...] = ()
    entries: tuple[Entry, ...] = ()
    links: tuple[ParcelLink, ...] = ()
    blobs: tuple[BlobRef, ...] = ()
    remarks: Mapping[str, tuple[Mark, ...]] | None = None
    states: tuple[ParcelState, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    seqs: tuple[tuple[int, int], ...] | None = None


class Journal(Protocol):
    """One organisation's events and parcels, inside one transaction."""

    def events(self, ids: Collection[str], refs: Collection[str]) -> Sequence[Known]:
        """Events whose id is in `ids`, and events whose `ref` is in `refs`."""

    def chain(self, device_id: str, seqs: Collection[int]) -> Sequence[Link]:
        """The device's events with one of these sequence numbers, forks included."""

    def seqs(self, device_id: str) -> tuple[tuple[int, int], ...]:
        """The device's received sequence numbers as ranges, as last appended; () for a new one."""

    def head(self, device_id: str) -> Head | None:
        """The device's event with the highest seq (branch 0)."""

    def parcels(self, codes: Collection[str], tracking_numbers: Collection[str]) -> Sequence[About]:
        """Parcels by internal code or by tracking number (stored upper case, without spaces)."""

    def facts(self, codes: Collection[str]) -> Mapping[str, Sequence[Fact]]:
        """All events linked to each parcel, in any order; parcels without events may be absent."""

    def places(self, run_ids: Collection[str]) -> Mapping[str, tuple[float, float]]:
        """(lat, lon) of the planned place of those runs that have one."""

    def append(self, change: Append) -> None:
        """Write it all, or raise and write nothing."""
