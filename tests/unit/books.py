"""The books a test of the ledger begins with: three parcels, one run, and how to read what came of a batch."""

from __future__ import annotations

from sync.ledger import Accepted
from sync.protocol import envelope
from sync.rules.parcel import About, Mark
from tests.unit.memory_journal import MemoryJournal
from tests.unit.phones import new_codes

A, B, C = new_codes(3, seed=5)
TRACKING = "JX0987654321"


def journal() -> MemoryJournal:
    return MemoryJournal(
        About(A, carrier="jnt", run_ids=frozenset({"run-1"})),
        About(B, carrier="jnt", run_ids=frozenset({"run-1"})),
        About(C, tracking_number=TRACKING),
        places={"run-1": (-6.2, 106.8)},
    )


def statuses(accepted: Accepted) -> list[str]:
    return [result.status for result in accepted.results]


def marks(books: MemoryJournal, jws: str) -> list[Mark]:
    sha256 = envelope.digest(jws)
    return [mark for entry in books.entries.values() if entry.sha256 == sha256 for mark in entry.marks]
