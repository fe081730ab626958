"""The ledger's port in memory: what a store must do, said in the fewest words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sync.journal import Append, Entry, Head, Known, Link, ParcelLink, Quarantined
from sync.rules.parcel import About, Fact, ParcelState


class MemoryJournal:
    """One organisation. `calls` counts how often each method was called."""

    def __init__(self, *abouts: About, places: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.about = {about.code: about for about in abouts}
        self.by_tracking = {about.tracking_number: about.code for about in abouts if about.tracking_number}
        self.run_places = dict(places or {})
        self.entries: dict[str, Entry] = {}
        self.links: dict[str, dict[str, ParcelLink]] = {}  # event id -> code -> link
        self.events_of: dict[str, list[str]] = {}
        self.by_seq: dict[tuple[str, int], list[str]] = {}
        self.by_ref: dict[str, list[str]] = {}
        self.states: dict[str, ParcelState] = {}
        self.quarantined: dict[str, Quarantined] = {}
        self.blobs: list[object] = []
        self.ranges: dict[str, tuple[tuple[int, int], ...]] = {}
        self.calls: Counter[str] = Counter()

    def events(self, ids: Collection[str], refs: Collection[str]) -> Sequence[Known]:
        self.calls["events"] += 1
        found = {id_ for id_ in ids if id_ in self.entries}
        found |= {id_ for ref in refs for id_ in self.by_ref.get(ref, ())}
        return [self._known(self.entries[id_]) for id_ in found]

    def chain(self, device_id: str, seqs: Collection[int]) -> Sequence[Link]:
        self.calls["chain"] += 1
        ids = [id_ for seq in seqs for id_ in self.by_seq.get((device_id, seq), ())]
        return [
            Link(e.id, e.seq, e.sha256, e.prev, e.marks, tuple(self.links.get(e.id, ())))
            for e in map(self.entries.__getitem__, ids)
        ]

    def seqs(self, device_id: str) -> tuple[tuple[int, int], ...]:
        self.calls["seqs"] += 1
        return self.ranges.get(device_id, ())

    def head(self, device_id: str) -> Head | None:
        ranges = self.ranges.get(device_id)
        if not ranges:
            return None
        first = self.entries[self.by_seq[device_id, ranges[-1][1]][0]]
        return Head(first.seq, first.sha256)

    def parcels(self, codes: Collection[str], tracking_numbers: Collection[str]) -> Sequence[About]:
        self.calls["parcels"] += 1
        found = {code: self.about[code] for code in codes if code in self.about}
        if tracking_numbers:
            codes = [self.by_tracking[number] for number in tracking_numbers if number in self.by_tracking]
            found.update({code: self.about[code] for code in codes})
        return list(found.values())

    def facts(self, codes: Collection[str]) -> Mapping[str, Sequence[Fact]]:
        self.calls["facts"] += 1
        return {
            code: [self._fact(self.entries[id_]) for id_ in self.events_of.get(code, ())] for code in codes
        }

    def places(self, run_ids: Collection[str]) -> Mapping[str, tuple[float, float]]:
        self.calls["places"] += 1
        return {run: self.run_places[run] for run in run_ids if run in self.run_places}

    def append(self, change: Append) -> None:
        self.calls["append"] += 1
        for parcel in change.parcels:
            assert parcel.code not in self.about
            if parcel.tracking_number:
                self.by_tracking[parcel.tracking_number] = parcel.code
            self.about[parcel.code] = About(parcel.code, False, parcel.tracking_number)
        for entry in change.entries:
            assert entry.id not in self.entries
            same = self.by_seq.setdefault((entry.device_id, entry.seq), [])
            assert entry.branch == len(same)
            same.append(entry.id)
            self.entries[entry.id] = entry
            if entry.ref:
                self.by_ref.setdefault(entry.ref, []).append(entry.id)
        for link in change.links:
            links = self.links.setdefault(link.event_id, {})
            if link.code not in links:
                links[link.code] = link
                self.events_of.setdefault(link.code, []).append(link.event_id)
        for event_id, marks in (change.remarks or {}).items():
            self.entries[event_id] = replace(self.entries[event_id], marks=marks)
        self.blobs.extend(change.blobs)
        self.states.update({state.code: state for state in change.states})
        for item in change.quarantined:
            self.quarantined.setdefault(item.sha256, item)
        if change.seqs is not None:
            self.ranges[change.device_id] = change.seqs

    def _known(self, entry: Entry) -> Known:
        own = tuple(link.code for link in self.links.get(entry.id, {}).values() if link.scanned is not None)
        return Known(self._fact(entry), entry.sha256, own, entry.result, entry.effects)

    def _fact(self, e: Entry) -> Fact:
        return Fact(
            e.id,
            e.device_id,
            e.actor_id,
            e.seq,
            e.kind,
            e.effective_at,
            e.received_at,
            e.run_id,
            e.carrier,
            e.ref,
            e.reason,
            e.data,
            e.marks,
        )
