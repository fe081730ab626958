"""The ledger's port on our tables: one organisation, one transaction, a fixed number of statements a batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from sync.journal import Append, Head, Known, Link
from sync.rules.parcel import About, Fact, Mark
from webapp.store import journal_writing
from webapp.store.models import Device, Event, EventParcel, Parcel, Place, Run, RunParcel
from webapp.store.prepared import Prepared, one_of
from webapp.store.unit import Session

MOST_BETWEEN = 8  # sequence numbers nobody asked for, read rather than asked around


class SqlJournal:
    """`sync.journal.Journal` for one organisation. `head` is the change number this batch was given."""

    def __init__(self, session: Session, org_id: str, head: int, now: datetime) -> None:
        self._connection = session.connection()
        self._org_id = org_id
        self._head = head
        self._now = now

    def events(self, ids: Collection[str], refs: Collection[str]) -> Sequence[Known]:
        """Events by id, and events that refer to one of `refs`."""
        rows: dict[str, Sequence[Any]] = {}
        for statement, keys in ((_EVENTS, ids), (_REFERRING, refs)):
            if keys:
                rows.update((row[0], row) for row in self._rows(statement, keys=keys))
        codes = self._codes_of(_OWN_CODES, rows)
        return [
            Known(_fact(row[:-3]), row[-3], codes.get(key, ()), row[-2], tuple(row[-1] or ()))
            for key, row in rows.items()
        ]

    def chain(self, device_id: str, seqs: Collection[int]) -> Sequence[Link]:
        """The device's events at these sequence numbers, forks included."""
        wanted = set(seqs)
        rows = [
            row
            for low, high in _stretches(seqs)
            for row in self._rows(_CHAIN, device_id=device_id, low=low, high=high)
            if row[1] in wanted
        ]
        codes = self._codes_of(_CODES, [row[0] for row in rows])
        return [
            Link(id_, seq, sha256, prev, _marks(marks), codes.get(id_, ()))
            for id_, seq, sha256, prev, marks in rows
        ]

    def seqs(self, device_id: str) -> tuple[tuple[int, int], ...]:
        """The device's received sequence numbers, as closed rising ranges."""
        rows = self._rows(_SEQS, device_id=device_id)
        return tuple((first, last) for first, last in (rows[0][0] if rows else None) or ())

    def head(self, device_id: str) -> Head | None:
        """The device's newest event on branch 0."""
        rows = self._rows(_HEAD, device_id=device_id)
        return Head(*rows[0]) if rows else None

    def parcels(self, codes: Collection[str], tracking_numbers: Collection[str]) -> Sequence[About]:
        """Parcels by internal code or by tracking number."""
        rows: dict[str, Sequence[Any]] = {}
        for statement, keys in ((_PARCELS, codes), (_BY_TRACKING, tracking_numbers)):
            if keys:
                rows.update((row[0], row) for row in self._rows(statement, keys=keys))
        runs = _grouped(self._rows(_RUNS, keys=rows)) if rows else {}
        return [
            About(
                code,
                known,
                tracking,
                carrier,
                frozenset(runs.get(code, ())),
                (pieces or None) if known else None,
                bool(dangerous),
            )
            for code, known, tracking, carrier, pieces, dangerous in rows.values()
        ]

    def facts(self, codes: Collection[str]) -> Mapping[str, Sequence[Fact]]:
        """Every event of each parcel; one object serves all the parcels of an event."""
        links = self._rows(_EVENTS_OF, keys=codes) if codes else []
        # Read once each: the office confirms and labels hundreds of parcels by one event.
        rows = self._rows(_FACTS, keys={event_id for _, event_id in links}) if links else []
        made = {row[0]: _fact(row) for row in rows}
        by_code: dict[str, list[Fact]] = {}
        for code, event_id in links:
            by_code.setdefault(code, []).append(made[event_id])
        return by_code

    def places(self, run_ids: Collection[str]) -> Mapping[str, tuple[float, float]]:
        """Where those runs are planned to be, if anywhere."""
        rows = self._rows(_PLACES, keys=run_ids) if run_ids else ()
        return {run: (lat, lon) for run, lat, lon in rows if lat is not None and lon is not None}

    def append(self, change: Append) -> None:
        """Write the whole batch."""
        journal_writing.write(self._connection, self._org_id, self._head, self._now, change)

    def _rows(self, statement: Prepared, **values: Any) -> list[Sequence[Any]]:
        return statement.rows(self._connection, org_id=self._org_id, **values)

    def _codes_of(self, statement: Prepared, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        return _grouped(self._rows(statement, keys=ids)) if ids else {}


# The order of Fact's members.
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
_ABOUT = (
    Parcel.code,
    Parcel.is_known,
    Parcel.tracking_number,
    Parcel.carrier,
    Parcel.items,
    Parcel.dangerous,
)


def _of_ours(model: Any) -> Any:
    return model.org_id == bindparam("org_id")


def _by(model: Any, column: Any, *columns: Any) -> Prepared:
    """`columns` of the organisation's rows of which `column` is one of `keys`."""
    return Prepared(lambda dialect: select(*columns).where(_of_ours(model), one_of(dialect, column, "keys")))


_EVENTS, _REFERRING = (
    _by(Event, column, *_FACT, Event.sha256, Event.result, Event.effects) for column in (Event.id, Event.ref)
)
_PARCELS, _BY_TRACKING = (_by(Parcel, column, *_ABOUT) for column in (Parcel.code, Parcel.tracking_number))
_RUNS = _by(RunParcel, RunParcel.code, RunParcel.code, RunParcel.run_id)
_CODES = _by(EventParcel, EventParcel.event_id, EventParcel.event_id, EventParcel.code)
_OWN_CODES = Prepared(
    lambda dialect: select(EventParcel.event_id, EventParcel.code).where(
        _of_ours(EventParcel),
        one_of(dialect, EventParcel.event_id, "keys"),
        EventParcel.scanned.is_not(None),
    )
)
_EVENTS_OF = _by(EventParcel, EventParcel.code, EventParcel.code, EventParcel.event_id)
_FACTS = _by(Event, Event.id, *_FACT)
_PLACES = Prepared(
    lambda dialect: (
        select(Run.id, Place.lat, Place.lon)
        .join(Place, (Place.org_id == Run.org_id) & (Place.id == Run.place_id))
        .where(_of_ours(Run), one_of(dialect, Run.id, "keys"))
    )
)
_CHAIN = Prepared(
    lambda _dialect: select(Event.id, Event.seq, Event.sha256, Event.prev, Event.marks).where(
        _of_ours(Event),
        Event.device_id == bindparam("device_id"),
        Event.seq.between(bindparam("low"), bindparam("high")),
    )
)
_HEAD = Prepared(
    lambda _dialect: (
        select(Event.seq, Event.sha256)
        .where(_of_ours(Event), Event.device_id == bindparam("device_id"), Event.branch == 0)
        .order_by(Event.seq.desc())
        .limit(1)
    )
)
_SEQS = Prepared(
    lambda _dialect: select(Device.seqs).where(_of_ours(Device), Device.id == bindparam("device_id"))
)


def _fact(columns: Sequence[Any]) -> Fact:
    return Fact(*columns[:11], columns[11] or {}, _marks(columns[12]))  # type: ignore[call-arg]


def _marks(pairs: Sequence[Sequence[str]] | None) -> tuple[Mark, ...]:
    return tuple(Mark(code, detail) for code, detail in pairs or ())


def _stretches(seqs: Collection[int]) -> list[tuple[int, int]]:
    """Closed ranges over these numbers: a batch is mostly a run of neighbours, and a range reads the index once."""
    found: list[tuple[int, int]] = []
    for seq in sorted(seqs):
        if found and seq - found[-1][1] <= MOST_BETWEEN:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found


def _grouped(rows: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
