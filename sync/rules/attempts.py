"""How often a delivery was tried (`R21`), as the driver's phone and the carrier's feed tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.rules.lifecycle import row_of
from sync.rules.parcel import Fact

_ATTEMPTS = frozenset({"attempt", "carrier_scan.attempt"})


def is_attempt(fact: Fact | None) -> bool:
    """Whether a fact says that a delivery was tried in vain."""
    return fact is not None and row_of(fact.kind, fact.data) in _ATTEMPTS


@dataclass(slots=True)
class Attempts:
    """The count so far. Both may tell of the same attempt: whoever counts more is believed."""

    count: int = 0
    _told: dict[str, int] = field(default_factory=dict)

    def is_known(self, fact: Fact) -> bool:
        """Whether the other has told of this attempt before."""
        return is_attempt(fact) and self._told.get(fact.kind, 0) < self.count

    def add(self, fact: Fact) -> bool:
        """Count it; whether it was not known before."""
        is_new = not self.is_known(fact)
        self._told[fact.kind] = self._told.get(fact.kind, 0) + 1
        self.count += is_new
        return is_new
