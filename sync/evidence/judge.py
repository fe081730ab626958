"""What the pictures of one proof say together: which parcels they show, and what the office must see.

A photo of one named parcel answers for that parcel, any other for all of the proof's. Only a claimed code counts as
seen. Another parcel's code is held against a photo only while none of those it claims is seen in any picture that
claims them: a neighbour's tag at the edge of a good photo is no mismatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sync.evidence.limits import Check
from sync.rules.anomalies import severity

# How much each finding weighs in the line of the review desk: the worst proof comes first.
WEIGHTS = {
    "photo_mismatch": 400,
    "photo_reused": 300,
    "signature_empty": 200,
    "blob_missing": 150,
    "photo_poor": 100,
}
# A picture that has not come home so long after its record is told of, until it comes (RULES section 4).
PATIENCE = timedelta(days=3)
NOT_SEEN = 20
UNCHECKED = 1
_GRAVITY = {"info": 0, "warning": 150, "urgent": 500}
# Mere notes for the parcel, and yet a person should see the proof.
_NEEDS_EYES = {"clock_suspect": 10, "unsigned": 10}


def doubt_of(codes: Iterable[str]) -> int:
    """How much other findings on a record speak against accepting it unlooked at."""
    return sum(_NEEDS_EYES.get(code, _GRAVITY[severity(code)]) for code in codes)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a proof: `parcel` is the code it is said to show, "" for all; `result` as `examine` gives it.

    `twin` says of which other record it is the same picture, "" for none.
    """

    sha256: str
    role: str
    parcel: str
    result: Mapping[str, Any]
    twin: str = ""

    @property
    def is_seen(self) -> bool:
        """Whether it could be opened."""
        return self.result.get("verdict") == "seen"

    @property
    def faults(self) -> list[Mapping[str, Any]]:
        """The checks that do not hold."""
        return [check for check in self.result.get("checks") or () if not check["holds"]]

    @property
    def keys(self) -> set[str]:
        """What was read in it."""
        return {str(reading["key"]) for reading in self.result.get("readings") or ()}


@dataclass(frozen=True, slots=True)
class Finding:
    """One anomaly to raise, on these parcels."""

    code: str
    detail: str
    parcels: tuple[str, ...]
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "code": self.code,
            "detail": self.detail,
            "parcels": list(self.parcels),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all pictures; `others` are codes of parcels that the proof does not claim, seen in them."""

    findings: tuple[Finding, ...]
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def weight(self) -> int:
        """How much speaks against accepting it unlooked at: 0 when everything holds."""
        return sum(WEIGHTS[finding.code] for finding in self.findings) + (NOT_SEEN if self.unseen else 0)


def judge(
    claims: Mapping[str, Iterable[str]],
    shots: Sequence[Shot],
    known: Mapping[str, str],
    strokes: Sequence[Check] = (),
    missing: Sequence[Shot] = (),
) -> Judgement:
    """`claims` gives the keys of each claimed parcel (code, tracking number), `known` the parcel of each key read.

    `strokes` are the checks of what the phone told of the signing, `missing` the pictures that are overdue.
    """
    photos = [shot for shot in shots if shot.role != "signature"]
    read = set().union(*(shot.keys for shot in photos)) if photos else set()
    seen = tuple(sorted(code for code, keys in claims.items() if read & set(keys)))
    unseen = tuple(sorted(set(claims) - set(seen)))
    others = tuple(sorted({known[key] for key in read if key in known} - set(claims)))
    findings = [
        *_mismatches(claims, photos, known, set(seen)),
        *_poor(tuple(sorted(claims)), photos),
        *_reused(tuple(sorted(claims)), shots),
        *_unsigned(tuple(sorted(claims)), shots, strokes),
        *_missing(tuple(sorted(claims)), missing),
    ]
    return Judgement(tuple(findings), seen, unseen if photos else (), others)


def _claimed(shot: Shot, claims: Iterable[str]) -> tuple[str, ...]:
    return (shot.parcel,) if shot.parcel else tuple(sorted(claims))


def _mismatches(
    claims: Mapping[str, Iterable[str]], photos: Sequence[Shot], known: Mapping[str, str], seen: set[str]
) -> Iterable[Finding]:
    for shot in photos:
        claimed = _claimed(shot, claims)
        shown = sorted({known[key] for key in shot.keys if key in known} - set(claimed))
        if shown and not seen & set(claimed):
            yield Finding("photo_mismatch", f"shows {', '.join(shown[:3])}", claimed, shot.sha256)


def _poor(parcels: tuple[str, ...], photos: Sequence[Shot]) -> Iterable[Finding]:
    """Parcels that no good photo shows; one good photo is enough, however poor the others are."""
    good = [shot for shot in photos if shot.role == "photo" and shot.is_seen and not shot.faults]
    covered = {code for shot in good for code in _claimed(shot, parcels)}
    for shot in photos:
        if shot.role != "photo" or shot in good:
            continue
        bare = tuple(code for code in _claimed(shot, parcels) if code not in covered)
        if bare:
            why = ", ".join(dict.fromkeys(str(check["name"]) for check in shot.faults)) or "cannot be opened"
            yield Finding("photo_poor", why, bare, shot.sha256)


def _reused(parcels: tuple[str, ...], shots: Sequence[Shot]) -> Iterable[Finding]:
    for shot in shots:
        if shot.twin:
            what = "signature, " if shot.role == "signature" else ""
            yield Finding("photo_reused", f"{what}{shot.twin}", _claimed(shot, parcels), shot.sha256)


def _unsigned(parcels: tuple[str, ...], shots: Sequence[Shot], strokes: Sequence[Check]) -> Iterable[Finding]:
    for shot in shots:
        if shot.role != "signature":
            continue
        names = [str(check["name"]) for check in shot.faults] + [c.name for c in strokes if not c.holds]
        if names or not shot.is_seen:
            yield Finding("signature_empty", ", ".join(names) or "cannot be opened", parcels, shot.sha256)


def _missing(parcels: tuple[str, ...], overdue: Sequence[Shot]) -> Iterable[Finding]:
    for shot in overdue:
        detail = f"{shot.role}, not here {PATIENCE.days} days after its record"
        yield Finding("blob_missing", detail, _claimed(shot, parcels), shot.sha256)
