"""What `check` events say: the findings of the pictures of one proof, and the parcels each of them concerns.

`data` is `{"v": 1, "findings": [{"code": …, "detail": …, "sha256": …, "parcels": [codes]}]}`; one without `parcels`
concerns all that the proof names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.rules.parcel import Fact

# What a `check` may say of a proof, at the proof.
CHECKED = frozenset({"blob_missing", "photo_mismatch", "photo_poor", "photo_reused", "signature_empty"})


@dataclass(frozen=True, slots=True)
class Found:
    """One sort of finding that stands at a proof. `said_by` is the newest check, `since` the one that brought what is

    new in it: what was found before that in the same picture, with the same detail, is nothing new.
    """

    ref: str
    code: str
    detail: str
    said_by: Fact
    since: Fact


@dataclass(slots=True)
class Checks:
    """The checks of one parcel's proofs, noted in the order of its facts; the newest of each proof counts."""

    parcel: str
    _newest: dict[str, Fact] = field(default_factory=dict)
    _first: dict[tuple[str, str, str, str], Fact] = field(default_factory=dict)

    def note(self, fact: Fact) -> None:
        """One more look at the pictures of the proof that it names."""
        ref = str(fact.ref)
        self._newest[ref] = fact
        for finding in findings_of(fact.data, self.parcel):
            self._first.setdefault((ref, *finding), fact)

    def standing(self, withdrawn: Collection[str]) -> Iterator[Found]:
        """What the newest look at each proof found, of proofs that still stand."""
        for ref, fact in self._newest.items():
            if ref in withdrawn:
                continue
            details: dict[str, str] = {}
            since: dict[str, Fact] = {}
            for code, detail, picture in findings_of(fact.data, self.parcel):
                details.setdefault(code, detail)
                first = self._first[ref, code, detail, picture]
                if code not in since or first.received_at > since[code].received_at:
                    since[code] = first
            for code, detail in details.items():
                yield Found(ref, code, detail, fact, since[code])


def findings_of(data: Mapping[str, Any], parcel: str) -> Iterator[tuple[str, str, str]]:
    """(code, detail, picture) of the findings that concern this parcel; what cannot be read says nothing."""
    findings = data.get("findings")
    for finding in findings if isinstance(findings, list) else ():
        if not isinstance(finding, Mapping) or str(finding.get("code")) not in CHECKED:
            continue
        parcels = finding.get("parcels")
        if parcels is None or (isinstance(parcels, list) and parcel in parcels):
            yield str(finding["code"]), str(finding.get("detail") or ""), str(finding.get("sha256") or "")
