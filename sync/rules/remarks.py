"""The anomalies of one parcel while it is folded: raised at an event, taken back, closed by a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sync.protocol.times import parse_time
from sync.rules.checks import CHECKED, Found
from sync.rules.parcel import Anomaly, Fact

Key = tuple[str, str]  # the code, and the event at which it stands


@dataclass(slots=True)
class Remarks:
    """What was raised so far. `blamed` are the codes that each event raised."""

    blamed: dict[str, list[str]] = field(default_factory=dict)
    _details: dict[Key, str] = field(default_factory=dict)
    _since: dict[Key, Fact] = field(default_factory=dict)
    _closed: dict[Key, str] = field(default_factory=dict)

    def raise_(self, code: str, fact: Fact, detail: str = "", event_id: str | None = None) -> None:
        """Put an anomaly on the parcel, at this event or at the one it speaks of; the first detail stays."""
        key = (code, event_id or fact.id)
        self._details.setdefault(key, detail)
        self._since.setdefault(key, fact)
        codes = self.blamed.setdefault(fact.id, [])
        if code not in codes:
            codes.append(code)

    def raise_found(self, found: Found) -> None:
        """Put what pictures have shown at their proof, dated by what is new in it."""
        key = (found.code, found.ref)
        told = self._details.get(
            key
        )  # as by the phone: what it has lost is another picture than those that are overdue
        self.raise_(found.code, found.said_by, found.detail, event_id=found.ref)
        if told and told != found.detail:
            self._details[key] = f"{told}; {found.detail}"
        self._since[key] = found.since

    def drop(self, code: str, event_id: str) -> None:
        """Take back an anomaly that stands at the event that raised it."""
        if self._details.pop((code, event_id), None) is not None:
            self.blamed[event_id].remove(code)

    def drop_all(self, code: str) -> None:
        """Take back all of one sort."""
        for key in [key for key in self._details if key[0] == code]:
            self.drop(*key)

    def close(self, resolve: Fact) -> None:
        """Close the anomaly at the event named, or all of that code that the office could have seen.

        `data.seen_at` says when it looked, where that was earlier than when it closed them. What pictures show stays
        closed, however often they are looked at, until something new is found in them.
        """
        code, event = resolve.data.get("anomaly"), resolve.data.get("event")
        seen_at = _seen_at(resolve)
        for key in self._details:
            if key[0] != code:
                continue
            was_seen = self._since[key].received_at <= seen_at
            if (event == key[1] and (was_seen or code not in CHECKED)) or (event is None and was_seen):
                self._closed.setdefault(key, resolve.id)

    def close_all(self, code: str, by: str) -> None:
        """Close all of one sort, whatever was closed before staying so."""
        for key in self._details:
            if key[0] == code:
                self._closed.setdefault(key, by)

    def as_anomalies(self) -> tuple[Anomaly, ...]:
        """All of them, in the order of their keys."""
        return tuple(
            Anomaly(*key, self._details[key], self._closed.get(key)) for key in sorted(self._details)
        )


def _seen_at(resolve: Fact) -> datetime:
    told = resolve.data.get("seen_at")
    try:
        return min(parse_time(told), resolve.received_at) if isinstance(told, str) else resolve.received_at
    except ValueError:
        return resolve.received_at
