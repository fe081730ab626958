"""Post new events to the journal: their findings, their parcels, the fold, and the one append."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sync.intake import Item
from sync.journal import Append, BlobRef, Effect, Entry, Journal, Known, Link, NewParcel, ParcelLink
from sync.protocol import codes
from sync.protocol.events import BY_REF, Event
from sync.rules import chain, findings
from sync.rules.fold import Folded, refold
from sync.rules.parcel import About, Fact, Mark
from sync.rules.policy import Policy


class Posting:
    """The posting of one batch of one device, at one moment."""

    def __init__(self, device_id: str, now: datetime, policy: Policy, *, is_server: bool) -> None:
        self.device_id, self.now, self.policy, self.is_server = device_id, now, policy, is_server
        self.items: dict[str, Item] = {}
        self.events: dict[str, Event] = {}
        self.known: Mapping[str, Known] = {}
        self.books: Books = Books((), {})
        self.named: dict[str, dict[str, str]] = {}  # event id -> {canonical code: as scanned}
        self.linked: dict[str, list[str]] = {}  # event id -> codes that come through its ref

    def post(self, fresh: Sequence[Item], known: Mapping[str, Known], journal: Journal) -> Append:
        """Work out everything that these new, judged items change; nothing is written here."""
        if not fresh:
            return Append(self.device_id, self.now)
        self.items = {item.event.id: item for item in fresh if item.event is not None}
        self.events = {item.event.id: item.event for item in fresh if item.event is not None}
        self.known = known
        links = journal.chain(self.device_id, chain.around(event.seq for event in self.events.values()))
        self.open_books(journal, links)
        marks = self.find(journal, links)
        remarks = {
            link.id: marks[link.id] for link in links if link.id in marks and marks[link.id] != link.marks
        }
        facts = {event.id: self.fact(event, marks[event.id]) for event in self.events.values()}
        folded = self.fold(journal, facts, remarks, links)
        return self.change(facts, folded, remarks, links)

    def open_books(self, journal: Journal, links: Iterable[Link]) -> None:
        """Look up every parcel in question, and make those that nobody knows."""
        scanned = {text for event in self.events.values() for text in event.parcels}
        others = {code for known in self.known.values() for code in known.parcels}
        others.update(code for link in links for code in link.parcels)
        typed = {text: as_code(text) for text in scanned}
        others.update(code or codes.derived_code(codes.tracking_key(text)) for text, code in typed.items())
        found = list(journal.parcels(others, ()))
        there = {about.code for about in found}
        # What is no code of a parcel here may be a carrier's number; most scans are ours.
        unfound = {codes.tracking_key(text) for text, code in typed.items() if code not in there}
        if unfound:
            found.extend(about for about in journal.parcels((), unfound) if about.code not in there)
        self.books = Books(found, typed)
        for event in self.events.values():
            named: dict[str, str] = {}
            for text in event.parcels:
                named.setdefault(self.books.code(text, event.id), text)
            self.named[event.id] = named
        for event in self.events.values():
            self.link_by_ref(event.id, event.kind, event.ref)
        for known in sorted(self.known.values(), key=lambda known: known.fact.id):
            # It came before the event it speaks of, which is in this batch.
            if known.fact.ref in self.events:
                self.link_by_ref(known.fact.id, known.fact.kind, known.fact.ref)

    def link_by_ref(self, event_id: str, kind: str, ref: str | None) -> None:
        """A void, a lost blob, a review: also an event of the parcels that its target names."""
        if kind not in BY_REF or ref is None or ref == event_id:
            return
        target: Iterable[str] = self.named.get(ref, ())
        if ref in self.known:
            target = sorted(self.known[ref].parcels)
        own = self.named.get(event_id, ())
        codes_ = [code for code in target if code not in own]
        if codes_:
            self.linked[event_id] = codes_

    def find(self, journal: Journal, links: Sequence[Link]) -> dict[str, tuple[Mark, ...]]:
        """The findings of every new event, and of the neighbours whose findings may have changed."""
        runs = {event.run for event in self.events.values() if event.run and event.place}
        places = journal.places(runs) if runs else {}
        nodes = []
        for event in self.events.values():
            item = self.items[event.id]
            own: list[Mark] = []
            if not self.is_server:
                own = findings.of_phone_event(
                    event,
                    len(self.named[event.id]),
                    self.now,
                    self.policy,
                    signed=item.is_signed,
                    planned=places.get(event.run or ""),
                )
            nodes.append(chain.Node(event.id, event.seq, item.sha256, event.prev, tuple(own)))
        present = [chain.Node(link.id, link.seq, link.sha256, link.prev, link.marks) for link in links]
        return chain.judge(nodes, present)

    def fact(self, event: Event, marks: tuple[Mark, ...]) -> Fact:
        return Fact(
            event.id,
            event.device,
            event.actor,
            event.seq,
            event.kind,
            min(findings.claimed_at(event), self.now),
            self.now,
            event.run,
            event.carrier,
            event.ref,
            event.reason,
            event.data,
            marks,
        )

    def fold(
        self,
        journal: Journal,
        facts: Mapping[str, Fact],
        remarks: Mapping[str, tuple[Mark, ...]],
        links: Iterable[Link],
    ) -> dict[str, Folded]:
        """Refold every parcel that a new event, a new link or a changed finding touches."""
        added: dict[str, dict[str, Fact]] = {}
        for event_id, code in self.pairs():
            fact = facts[event_id] if event_id in facts else self.known[event_id].fact
            added.setdefault(code, {})[event_id] = fact
        touched = set(added)
        touched.update(code for link in links if link.id in remarks for code in link.parcels)
        have = journal.facts([code for code in touched if not self.books.is_new(code)])
        folded = {}
        for code in sorted(touched):
            merged = {fact.id: fact for fact in have.get(code, ())}
            merged.update(added.get(code, {}))
            for event_id in remarks:
                if event_id in merged:
                    merged[event_id] = replace(merged[event_id], marks=remarks[event_id])
            folded[code] = refold(merged.values(), self.books.about[code], self.policy)
        return folded

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Every new (event, parcel), the event's own first."""
        for event_id, named in self.named.items():
            for code in named:
                yield event_id, code
        for event_id, linked in self.linked.items():
            for code in linked:
                yield event_id, code

    def change(
        self,
        facts: Mapping[str, Fact],
        folded: Mapping[str, Folded],
        remarks: Mapping[str, tuple[Mark, ...]],
        links: Iterable[Link],
    ) -> Append:
        taken: dict[int, int] = {}
        for link in links:
            taken[link.seq] = taken.get(link.seq, 0) + 1
        entries = []
        for event in self.events.values():
            branch = taken.get(event.seq, 0)
            taken[event.seq] = branch + 1
            entries.append(self.entry(event, facts[event.id], branch, folded))
        return Append(
            self.device_id,
            self.now,
            parcels=tuple(self.books.made.values()),
            entries=tuple(entries),
            links=tuple(
                ParcelLink(event_id, code, self.named.get(event_id, {}).get(code))
                for event_id, code in self.pairs()
            ),
            blobs=tuple(self.blob_refs()),
            remarks=remarks or None,
            states=tuple(folding.state for folding in folded.values()),
        )

    def entry(self, event: Event, fact: Fact, branch: int, folded: Mapping[str, Folded]) -> Entry:
        touched = [*self.named[event.id], *self.linked.get(event.id, ())]
        effects = tuple([self.effect(event.id, code, folded[code]) for code in touched])
        moved = any(event.id in folded[code].moved for code in touched)
        item = self.items[event.id]
        return Entry(
            id=event.id,
            device_id=event.device,
            actor_id=event.actor,
            seq=event.seq,
            branch=branch,
            prev=event.prev,
            kind=event.kind,
            at=event.at,
            offset_ms=event.offset_ms,
            effective_at=fact.effective_at,
            received_at=self.now,
            run_id=event.run,
            carrier=event.carrier,
            ref=event.ref,
            reason=event.reason,
            data=event.data,
            payload=event.payload,
            jws=item.raw,
            sha256=item.sha256,
            marks=fact.marks,
            result="applied" if moved else "recorded",
            effects=effects,
        )

    def effect(self, event_id: str, code: str, folding: Folded) -> Effect:
        """The parcel's status after the batch, and what this event raised on it."""
        effect: dict[str, object] = {
            "parcel": code,
            "status": folding.state.status,
            "anomalies": list(folding.blamed.get(event_id, ())),
        }
        scanned = self.named[event_id].get(code)
        if scanned is not None and scanned != code:
            effect["scanned"] = scanned
        return effect

    def blob_refs(self) -> Iterable[BlobRef]:
        for event in self.events.values():
            is_lost = event.kind == "blob_lost"
            for blob in event.blobs:
                parcel = blob.get("parcel")
                code = self.books.find(parcel) if parcel else None
                yield BlobRef(
                    event.id, blob["sha256"], blob["type"], blob["size"], blob["role"], code, is_lost
                )


class Books:
    """What the office's books say of the parcels of a batch; a scan nobody knows opens a new page."""

    def __init__(self, found: Iterable[About], typed: Mapping[str, str | None]) -> None:
        self.about: dict[str, About] = {about.code: about for about in found}
        # Should two parcels have one number, every batch takes the same one of them.
        self.by_tracking = {
            about.tracking_number: about.code
            for about in sorted(self.about.values(), key=lambda about: about.code, reverse=True)
            if about.tracking_number
        }
        self.typed = typed
        self.codes: dict[str, str | None] = {text: self.look_up(text, code) for text, code in typed.items()}
        self.made: dict[str, NewParcel] = {}

    def look_up(self, text: str, code: str | None) -> str | None:
        if code is not None and code in self.about:
            return code
        tracking = codes.tracking_key(text)
        found = self.by_tracking.get(tracking)
        if found is None and code is None:
            # Made for this number once, and the office has corrected the number since.
            derived = codes.derived_code(tracking)
            found = derived if derived in self.about else None
        return found

    def find(self, text: str) -> str | None:
        """The canonical code of a text, if there is such a parcel."""
        return self.codes.get(text) or self.look_up(text, as_code(text))

    def is_new(self, code: str) -> bool:
        """Made in this batch, so nothing is known of it yet."""
        return code in self.made

    def code(self, text: str, event_id: str) -> str:
        """The canonical code of a text that an event names; a parcel nobody imported is made."""
        code = self.find(text)
        if code is None:
            own = self.typed[text]
            tracking: str | None = codes.tracking_key(text)
            code = own or codes.derived_code(tracking or "")
            if own and own != tracking:
                tracking = None  # typed as our tags print it; else it may be either, some carriers' fit too
            self.made[code] = NewParcel(code, tracking, event_id)
            self.about[code] = About(code, known=False, tracking_number=tracking)
            self.codes[text] = code
            if tracking:
                self.by_tracking[tracking] = code
        return code


def as_code(text: str) -> str | None:
    """The internal code in a text, or None when it is something else (a tracking number)."""
    try:
        return codes.normalise(text)
    except codes.CodeInvalid:
        return None
