"""The ledger's port on our tables: one organisation, one transaction, a fixed number of statements a batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.journal import Append, Head, Known, Link
from sync.rules.parcel import About, Fact, Mark
from webapp.store import journal_writing
from webapp.store.among import among
from webapp.store.models import Device, Event, EventParcel, Parcel, Place, Run, RunParcel


class SqlJournal:
    """`sync.journal.Journal` for one organisation. `head` is the change number this batch was given."""

    def __init__(self, session: Session, org_id: str, head: int, now: datetime) -> None:
        self._session = session
        self._org_id = org_id
        self._head = head
        self._now = now

    def events(self, ids: Collection[str], refs: Collection[str]) -> Sequence[Known]:
        """Events by id, and events that refer to one of `refs`."""
        query = select(*_FACT, Event.sha256, Event.result, Event.effects).where(Event.org_id == self._org_id)
        rows: dict[str, Any] = {}
        for column, keys in ((Event.id, ids), (Event.ref, refs)):
            if keys:
                found = self._session.execute(query.where(among(self._session, column, keys)))
                rows.update((row.id, row) for row in found)
        codes = self._codes_of(rows, own=True)
        return [
            Known(_fact(row[:-3]), row.sha256, codes.get(key, ()), row.result, tuple(row.effects or ()))
            for key, row in rows.items()
        ]

    def chain(self, device_id: str, seqs: Collection[int]) -> Sequence[Link]:
        """The device's events at these sequence numbers, forks included."""
        if not seqs:
            return []
        numbers = select(Event.id, Event.seq, Event.sha256, Event.prev, Event.marks).where(
            Event.org_id == self._org_id, Event.device_id == device_id, _between(seqs)
        )
        wanted = set(seqs)
        rows = [row for row in self._session.execute(numbers) if row.seq in wanted]
        codes = self._codes_of([row.id for row in rows])
        return [Link(r.id, r.seq, r.sha256, r.prev, _marks(r.marks), codes.get(r.id, ())) for r in rows]

    def seqs(self, device_id: str) -> tuple[tuple[int, int], ...]:
        """The device's received sequence numbers, as closed rising ranges."""
        held = self._session.execute(
            select(Device.seqs).where(Device.org_id == self._org_id, Device.id == device_id)
        ).scalar_one_or_none()
        return tuple((first, last) for first, last in held or ())

    def head(self, device_id: str) -> Head | None:
        """The device's newest event on branch 0."""
        row = self._session.execute(
            select(Event.seq, Event.sha256)
            .where(Event.org_id == self._org_id, Event.device_id == device_id, Event.branch == 0)
            .order_by(Event.seq.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else Head(row.seq, row.sha256)

    def parcels(self, codes: Collection[str], tracking_numbers: Collection[str]) -> Sequence[About]:
        """Parcels by internal code or by tracking number."""
        columns = (Parcel.code, Parcel.is_known, Parcel.tracking_number, Parcel.carrier)
        query = select(*columns).where(Parcel.org_id == self._org_id)
        rows = {}
        if codes:
            rows = {
                r.code: r
                for r in self._session.execute(query.where(among(self._session, Parcel.code, codes)))
            }
        if tracking_numbers:
            found = self._session.execute(
                query.where(among(self._session, Parcel.tracking_number, tracking_numbers))
            )
            rows.update((row.code, row) for row in found)
        runs = self._runs_of(rows)
        return [
            About(r.code, r.is_known, r.tracking_number, r.carrier, frozenset(runs.get(r.code, ())))
            for r in rows.values()
        ]

    def facts(self, codes: Collection[str]) -> Mapping[str, Sequence[Fact]]:
        """Every event of each parcel; one object serves all the parcels of an event."""
        if not codes:
            return {}
        rows = self._session.execute(
            select(EventParcel.code, *_FACT)
            .join(Event, (Event.org_id == EventParcel.org_id) & (Event.id == EventParcel.event_id))
            .where(EventParcel.org_id == self._org_id, among(self._session, EventParcel.code, codes))
        )
        made: dict[str, Fact] = {}
        by_code: dict[str, list[Fact]] = {}
        for code, *columns in rows:
            fact = made.get(columns[0]) or made.setdefault(columns[0], _fact(columns))
            by_code.setdefault(code, []).append(fact)
        return by_code

    def places(self, run_ids: Collection[str]) -> Mapping[str, tuple[float, float]]:
        """Where those runs are planned to be, if anywhere."""
        if not run_ids:
            return {}
        rows = self._session.execute(
            select(Run.id, Place.lat, Place.lon)
            .join(Place, (Place.org_id == Run.org_id) & (Place.id == Run.place_id))
            .where(Run.org_id == self._org_id, among(self._session, Run.id, run_ids))
        )
        return {row.id: (row.lat, row.lon) for row in rows if row.lat is not None and row.lon is not None}

    def append(self, change: Append) -> None:
        """Write the whole batch."""
        journal_writing.write(self._session, self._org_id, self._head, self._now, change)

    def _codes_of(self, ids: Collection[str], *, own: bool = False) -> dict[str, tuple[str, ...]]:
        if not ids:
            return {}
        query = select(EventParcel.event_id, EventParcel.code).where(
            EventParcel.org_id == self._org_id, among(self._session, EventParcel.event_id, list(ids))
        )
        if own:
            query = query.where(EventParcel.scanned.is_not(None))
        return _grouped(self._session.execute(query))

    def _runs_of(self, codes: Collection[str]) -> dict[str, tuple[str, ...]]:
        if not codes:
            return {}
        rows = self._session.execute(
            select(RunParcel.code, RunParcel.run_id).where(
                RunParcel.org_id == self._org_id, among(self._session, RunParcel.code, list(codes))
            )
        )
        return _grouped(rows)


_FACT = (
    Event.id,
    Event.device_id,
    Event.actor_id,
    Event.seq,
    Event.kind,
    Event.effective_at,
    Event.received_at,
    Event.run_id,
    Event.carrier,
    Event.ref,
    Event.reason,
    Event.data,
    Event.marks,
)


def _fact(columns: Sequence[Any]) -> Fact:
    # The order of _FACT is that of Fact's members.
    return Fact(*columns[:11], columns[11] or {}, _marks(columns[12]))  # type: ignore[call-arg]


def _marks(pairs: Sequence[Sequence[str]] | None) -> tuple[Mark, ...]:
    return tuple(Mark(code, detail) for code, detail in pairs or ())


def _between(seqs: Collection[int]) -> Any:
    # A batch is mostly a run of neighbours: a range reads the index once, a list once per number.
    low, high = min(seqs), max(seqs)
    return Event.seq.between(low, high) if high - low <= 2 * len(seqs) else Event.seq.in_(list(seqs))


def _grouped(rows: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
