"""What a device's chain shows: gaps and forks, as a function of the set of its events.

An event has a `sequence_gap` while no event with the seq before it is here, and a `chain_fork` when
another event has its seq ("seq") or when its `prev` names none of the events before it ("prev"). So an
arriving event can change the findings of its neighbours: those with its own seq and with the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync.rules.parcel import Mark

GAP = "sequence_gap"
FORK = "chain_fork"
_CHAIN = frozenset({GAP, FORK})


@dataclass(frozen=True, slots=True)
class Node:
    """An event's place in the chain; `marks` are all its findings so far, of the chain or not."""

    id: str
    seq: int
    sha256: str
    prev: str | None
    marks: tuple[Mark, ...] = ()


def around(seqs: Iterable[int]) -> set[int]:
    """The sequence numbers to look at when these arrive."""
    return {near for seq in seqs for near in (seq - 1, seq, seq + 1) if near > 0}


def judge(arriving: Iterable[Node], present: Iterable[Node]) -> dict[str, tuple[Mark, ...]]:
    """All findings of every event whose findings the arrival can touch, by event id.

    `present` are the events at `around(seqs of the arriving)`. Events whose findings stay as they are
    may be in the answer too.
    """
    new = list(arriving)
    by_seq: dict[int, list[Node]] = {}
    for node in [*new, *present]:
        by_seq.setdefault(node.seq, []).append(node)
    touched = {seq for node in new for seq in (node.seq, node.seq + 1)}
    return {
        node.id: tuple(
            sorted([m for m in node.marks if m.code not in _CHAIN] + _findings(node, by_seq), key=_key)
        )
        for seq in touched
        for node in by_seq.get(seq, ())
    }


def _findings(node: Node, by_seq: Mapping[int, list[Node]]) -> list[Mark]:
    before = by_seq.get(node.seq - 1, [])
    faults = ["seq"] if len(by_seq[node.seq]) > 1 else []
    if (node.seq == 1 or not before) and (node.prev is None) != (node.seq == 1):
        faults.append("prev")
    if before and node.prev not in {other.sha256 for other in before}:
        faults.append("prev")
    marks = [Mark(FORK, ", ".join(faults))] if faults else []
    if node.seq > 1 and not before:
        marks.append(Mark(GAP))
    return marks


def _key(mark: Mark) -> tuple[str, str]:
    return mark.code, mark.detail


def add_to_ranges(ranges: Iterable[tuple[int, int]], seqs: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Closed, disjoint, rising ranges of the sequence numbers received."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted([*ranges, *((seq, seq) for seq in seqs)]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def missing_in(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The closed ranges never received below the highest, `missing_seqs` on the wire."""
    holes, following = [], 1
    for first, last in ranges:
        if first > following:
            holes.append((following, first - 1))
        following = last + 1
    return tuple(holes)
