"""The one order of a parcel's facts, whatever order they arrived in.

Inside a phone its sequence number rules (a clock may jump); between phones the effective time, ties by
event id. So: each phone's facts by (seq, id), merged by comparing the phones' next facts. The server is no
such phone: an import tells today what happened yesterday, and the office says today what a held record claims of
last week, so its facts go by effective time, ties by seq.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from heapq import merge

from sync.rules.lifecycle import PHONE_KINDS
from sync.rules.parcel import Fact


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """All facts once each, in the order in which the fold takes them."""
    by_device: dict[str, dict[str, Fact]] = {}
    for fact in facts:
        by_device.setdefault(fact.device_id, {})[fact.id] = fact
    lines = [
        sorted(line.values(), key=_by_time_told if servers_of(line.values()) else _by_seq)
        for line in by_device.values()
    ]
    if len(lines) == 1:
        return lines[0]
    return list(merge(*lines, key=_by_time))


def servers_of(facts: Iterable[Fact]) -> frozenset[str]:
    """The devices that are no phones: each has made something that no phone makes.

    What the office states of a held record is of a phone's kind, and its own `amend` always stands beside it.
    """
    return frozenset(fact.device_id for fact in facts if fact.kind not in PHONE_KINDS)


def is_earlier(fact: Fact, other: Fact, servers: Collection[str]) -> bool:
    """Whether `fact` came before `other`: by seq on one phone, else by effective time."""
    if fact.device_id != other.device_id:
        return _by_time(fact) < _by_time(other)
    if fact.device_id in servers:
        return _by_time_told(fact) < _by_time_told(other)
    return _by_seq(fact) < _by_seq(other)


def _by_seq(fact: Fact) -> tuple[int, str]:
    return fact.seq, fact.id


def _by_time_told(fact: Fact) -> tuple[datetime, int, str]:
    return fact.effective_at, fact.seq, fact.id


def _by_time(fact: Fact) -> tuple[datetime, str]:
    return fact.effective_at, fact.id
