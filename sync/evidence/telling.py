"""What a `check` event says of a proof's findings, in portions that the ledger takes (64 KB an event)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Characters of JSON. In base64url they are a third more; what else an event has needs less than the rest of 64 KB.
MOST = 44_000
_FOR_PARCELS = 8_000  # of these, as many as an event may name

Told = Mapping[str, Any]  # as judge.Finding.as_dict gives it


def portions(parcels: Sequence[str], findings: Sequence[Told]) -> Iterator[tuple[list[str], Sequence[Told]]]:
    """Parcels (internal codes, each in one portion only), and the findings that concern them.

    The newest check of a proof that names a parcel counts for it, so a portion has all that is known of its parcels.
    Where that would be too much, a finding that concerns all of them does not repeat them (`sync.rules.checks`), or
    the parcels are split. Only of very many findings that concern each of them, which splitting makes no fewer, some
    are left out: the first of each code goes before others of the same code.
    """
    here = set(parcels)
    concerned = [
        {**told, "parcels": [code for code in told["parcels"] if code in here]}
        for told in findings
        if not here or here & set(told["parcels"])
    ]
    said = _cut(concerned, len(parcels))
    short = [_bare(told) if len(told["parcels"]) == len(parcels) else told for told in said]
    if _fits(parcels, said):
        yield list(parcels), said
    elif len(parcels) <= 1 or _fits(parcels, short):
        yield list(parcels), short
    else:
        half = len(parcels) // 2
        yield from portions(parcels[:half], findings)
        yield from portions(parcels[half:], findings)


def _fits(parcels: Sequence[str], said: Sequence[Told]) -> bool:
    return len(json.dumps([list(parcels), said])) <= MOST


def _bare(told: Told) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "parcels"}


def _cut(findings: Sequence[Told], count: int) -> list[Told]:
    """All of these but what has no room among those that concern all `count` parcels."""
    everyones = [at for at, told in enumerate(findings) if len(told["parcels"]) == count]
    codes = [findings[at]["code"] for at in everyones]
    firsts = {everyones[codes.index(code)] for code in codes}
    room = MOST - _FOR_PARCELS
    gone = set(everyones)
    for at in sorted(everyones, key=lambda at: (at not in firsts, at)):
        room -= len(json.dumps(_bare(findings[at]))) + len(', "parcels": [""]') + 2
        if room < 0:
            break
        gone.remove(at)
    return [told for at, told in enumerate(findings) if at not in gone]
