"""Force majeure (`R31`): while an incident lasts, the deadlines of the parcels it names stand still.

An incident comes to a parcel as the office's `hold` with `data.force_majeure` true, `data.incident` (its id),
`data.on`, and the period it is about (`data.from`, `data.until`; absent: from when it was recorded, until a
`hold` with `on` false ends it). One that tells `from` replaces what was told of its incident before. When a period
ends by itself, the clock records that `hold` with `on` false, dated `until`: a fold knows no now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sync.protocol.times import parse_time
from sync.rules.parcel import Fact

_LAST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pause:
    """A period in which deadlines stand still; `end` None: it still lasts."""

    start: datetime
    end: datetime | None


def is_incident(fact: Fact) -> bool:
    """Whether a fact is about force majeure."""
    return fact.kind == "hold" and fact.data.get("force_majeure") is True


def incident_of(fact: Fact) -> str:
    """Which incident, "" when it was not named."""
    return str(fact.data.get("incident") or "")


def is_begun(fact: Fact) -> bool:
    """Whether an incident lasts once this was recorded: it is on, and not of a period that was over by then."""
    until = _told(fact, "until")
    return fact.data.get("on") is not False and (until is None or until > fact.effective_at)


def pauses_of(facts: Iterable[Fact], withdrawn: Collection[str]) -> list[Pause]:
    """The periods, joined where they overlap, from a parcel's facts in order."""
    begun: dict[str, Pause] = {}
    ended: dict[str, list[Pause]] = {}
    for fact in facts:
        if not is_incident(fact) or fact.id in withdrawn:
            continue
        key = incident_of(fact)
        if fact.data.get("on") is False:
            if key in begun:
                last = begun.pop(key)
                ended.setdefault(key, []).append(Pause(last.start, _earlier(last.end, fact.effective_at)))
        else:
            start = _told(fact, "from")
            if start is not None:  # the whole period, also instead of one that was over
                ended.pop(key, None)
            begun[key] = Pause(start or fact.effective_at, _told(fact, "until"))
    return _joined([*(pause for its in ended.values() for pause in its), *begun.values()])


def shifted(
    start: datetime, due_at: datetime, pauses: Sequence[Pause], now: datetime
) -> tuple[datetime, Pause | None]:
    """When what counts from `start` and was due at `due_at` is due without the pauses, and in which it stands still."""
    for pause in pauses:
        if pause.start >= due_at or (pause.end is not None and pause.end <= start):
            continue
        if pause.end is None:
            return due_at, pause if now >= pause.start else None
        lasts = pause.end - max(pause.start, start)
        if due_at > _LAST - lasts:
            return due_at, pause if now >= pause.start else None  # as good as without end
        due_at += lasts
        if pause.start <= now < pause.end:
            return due_at, pause
    return due_at, None


def _told(fact: Fact, name: str) -> datetime | None:
    text = fact.data.get(name)
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _earlier(end: datetime | None, other: datetime) -> datetime:
    return other if end is None else min(end, other)


def _joined(pauses: Iterable[Pause]) -> list[Pause]:
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda pause: pause.start):
        if pause.end is not None and pause.end <= pause.start:
            continue
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and last.end < pause.start):
            joined.append(pause)
        else:
            end = None if last.end is None or pause.end is None else max(last.end, pause.end)
            joined[-1] = Pause(last.start, end)
    return joined
