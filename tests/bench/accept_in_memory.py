"""Print what `ledger.accept` costs without a database.

`python -m tests.bench.accept_in_memory [PARCELS] [--profile]`, PARCELS in each event.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time

from sync.intake import judge, take_apart
from sync.ledger import Batch, accept
from sync.protocol.envelope import verify
from sync.rules.parcel import About
from tests.unit.memory_journal import MemoryJournal
from tests.unit.phones import NOON, Phone, new_codes, proof

EVENTS = 2000
PER_EVENT = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 5


def batches(size: int, codes: list[str]) -> list[Batch]:
    """One phone's work of a long day, in batches."""
    phone = Phone()
    for number in range(EVENTS):
        parcels = codes[number * PER_EVENT : (number + 1) * PER_EVENT]
        phone.seal(
            "collect", parcels, number / 100, run="run-1", carrier="jnt", expected=PER_EVENT, **proof()
        )
    return [
        Batch(phone.sender, phone.sealed[start : start + size]) for start in range(0, len(phone.sealed), size)
    ]


def main() -> None:
    """Measure, on one core."""
    codes = new_codes(EVENTS * PER_EVENT, seed=3)
    work = batches(200, codes)
    judged = [(take_apart(raw), batch.sender) for batch in work for raw in batch.events]
    started = time.process_time()
    for item, sender in judged:
        assert item.envelope is not None
        verify(item.envelope, sender.key)
    report("signatures alone", started)
    started = time.process_time()
    for batch in work:
        for raw in batch.events:
            item = take_apart(raw)
            judge(item, batch.sender)
            assert item.event is not None
    report("opened, verified, validated", started)
    for size in (1, 50, 200):
        work = batches(size, codes)
        journal = MemoryJournal(*(About(code, carrier="jnt", run_ids=frozenset({"run-1"})) for code in codes))
        started = time.process_time()
        for batch in work:
            accept(batch, journal, NOON)
        report(f"accepted, {PER_EVENT} parcels each, batch {size}", started)
    if "--profile" in sys.argv:
        profile(codes)


def report(what: str, started: float) -> None:
    """One line; processor time, so that neighbours on the machine do not count."""
    took = time.process_time() - started
    print(f"{what:45} {EVENTS / took:9,.0f} events/s  {took / EVENTS * 1e6:6.1f} us each")


def profile(codes: list[str]) -> None:
    """Where the time goes at batch 200."""
    work = batches(200, codes)
    journal = MemoryJournal(*(About(code) for code in codes))
    profiler = cProfile.Profile()
    profiler.enable()
    for batch in work:
        accept(batch, journal, NOON)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(28)


if __name__ == "__main__":
    main()
