"""What the office's books say against a scan: unknown, not listed, another carrier's, dangerous and not let go."""

from __future__ import annotations

from collections.abc import Iterator

from sync.rules.lifecycle import HANDOVERS
from sync.rules.parcel import About, Fact, Mark

# Kinds that say "this parcel was in my hands, in this run, for this carrier".
_ON_A_RUN = HANDOVERS | {"deliver", "attempt", "pack", "return"}
_FOR_A_CARRIER = HANDOVERS | {"deliver", "attempt", "carrier_scan", "out_for_delivery"}
# The steps that dangerous goods must not take before the office lets them (R28).
_NOT_DANGEROUS = HANDOVERS | {"pack"}


def objections(fact: Fact, about: About, *, is_first_sight: bool, is_cleared: bool) -> Iterator[Mark]:
    """The findings on one fact. `is_first_sight`: nobody's phone has told of the parcel before; `is_cleared`: the

    office lets its dangerous goods go.
    """
    if is_first_sight and not about.known:
        yield Mark("unknown_parcel")
    if fact.run_id is not None and fact.kind in _ON_A_RUN and fact.run_id not in about.run_ids:
        yield Mark("not_on_list", fact.run_id)
    if fact.carrier and about.carrier and fact.carrier != about.carrier and fact.kind in _FOR_A_CARRIER:
        yield Mark("wrong_carrier", f"{fact.carrier} instead of {about.carrier}")
    if about.dangerous and not is_cleared and fact.kind in _NOT_DANGEROUS:
        yield Mark("dangerous_goods")
