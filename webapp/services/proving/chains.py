"""How an event's place in its phone's chain is told without telling what the phone did in between.

A bundle holds one parcel's events; those between them are about other parcels. They are not shown, but the server
commits itself to them: how many numbers, the digest over all their digests, and the last one's, which the next event
in the bundle names as its `prev` (ADR 0012).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from sync.protocol import envelope
from sync.rules.chain import missing_in
from webapp.store.models import Device, Event
from webapp.store.queries import proofs
from webapp.store.queries.proofs import Step
from webapp.store.unit import Session

_MOST_AFTER = 20


def tell_chains(
    session: Session, org_id: str, devices: Iterable[Device], events: Sequence[Event]
) -> list[dict[str, Any]]:
    """For each device: `between` its events in the bundle, `after` the last one, and `forks`."""
    told = []
    for device in devices:
        own = sorted((e for e in events if e.device_id == device.id), key=lambda e: (e.seq, e.branch))
        if own:
            told.append(_chain(session, org_id, device, own))
    return told


def _chain(session: Session, org_id: str, device: Device, own: Sequence[Event]) -> dict[str, Any]:
    first, last = own[0].seq, own[-1].seq
    is_server = device.kind == "server"
    if is_server:  # the office's record of the whole shop; only what stands side by side is compared
        seqs = sorted({event.seq for event in own})
        steps = [step for seq in seqs for step in proofs.steps(session, org_id, device.id, seq, seq)]
        between: list[dict[str, Any]] = []
    else:
        steps = proofs.steps(session, org_id, device.id, max(1, first - 1), last)
        between = _before(device, first, steps) + [
            stretch
            for earlier, later in pairwise(own)
            for stretch in _stretches(earlier.seq + 1, later, steps)
        ]
    return {
        "device": device.id,
        "between": between,
        "after": [] if is_server else _after(device, last),
        "forks": _forks({event.seq for event in own}, steps),
    }


def _before(device: Device, first: int, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The hole right before the first event, if there is one."""
    if first == 1 or any(step.seq == first - 1 for step in steps):
        return []
    holes = missing_in([(low, high) for low, high in device.seqs or ()])
    low = next((low for low, high in holes if low <= first - 1 <= high), first - 1)
    return [_stretch(low, first - 1, [])]


def _stretches(first: int, later: Event, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What lies between two events of the bundle, as runs of numbers that are held or were never received.

    The numbers are the phone's own and may leap as far as they like: only the steps are walked, never what is between.
    """
    last = later.seq - 1
    inside = steps[bisect_left(steps, first, key=_seq) : bisect_right(steps, last, key=_seq)]
    named = envelope.open_(later.jws).payload.get("prev")
    found, following = [], first
    for run in _runs(inside):
        low, high = run[0].seq, run[-1].seq
        if following < low:
            found.append(_stretch(following, low - 1, []))
        found.append(_stretch(low, high, run, named if high == last else None))
        following = high + 1
    if following <= last:
        found.append(_stretch(following, last, []))
    return found


def _runs(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps whose numbers follow each other without a hole, together; forks stay side by side."""
    runs: list[list[Step]] = []
    for step in steps:
        if runs and step.seq <= runs[-1][-1].seq + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return runs


def _seq(step: Step) -> int:
    return step.seq


def _stretch(first: int, last: int, run: Sequence[Step], named: str | None = None) -> dict[str, Any]:
    if not run:
        return {"first": first, "last": last, "sha256": None, "last_sha256": None}
    ends = [step.sha256 for step in run if step.seq == last]
    return {
        "first": first,
        "last": last,
        "sha256": hashlib.sha256("".join(f"{step.sha256}\n" for step in run).encode()).hexdigest(),
        "last_sha256": named if named in ends else ends[0],
    }


def _after(device: Device, last: int) -> list[dict[str, Any]]:
    """Numbers behind the last event that are known to exist and are not here, a few of them."""
    ranges = [(low, high) for low, high in device.seqs or ()]
    holes = [(max(low, last + 1), high) for low, high in missing_in(ranges) if high > last]
    if (device.head_seq or 0) > device.high_seq:
        holes.append((device.high_seq + 1, device.head_seq or 0))
    return [{"first": low, "last": high} for low, high in holes[:_MOST_AFTER]]


def _forks(seqs: set[int], steps: Sequence[Step]) -> list[dict[str, Any]]:
    by_seq: dict[int, list[str]] = {}
    for step in steps:
        if step.seq in seqs:
            by_seq.setdefault(step.seq, []).append(step.sha256)
    return [{"seq": seq, "sha256": held} for seq, held in sorted(by_seq.items()) if len(held) > 1]
