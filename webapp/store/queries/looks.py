"""What was seen in the pictures of a proof, ready to be shown: boxes to draw, checks in words, what to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from sync.evidence.limits import LIMITS
from sync.protocol import codes
from sync.protocol.codes import key_of
from webapp.store.queries import evidence as ask

# The reason of a retake that answers each finding (`webapp.services.review_proof.REASONS`), the gravest first.
_ASKS = (
    ("photo_mismatch", "wrong_parcel"),
    ("photo_reused", "parcel_not_shown"),
    ("signature_empty", "signature_missing"),
    ("photo_poor", "photo_blurred"),
)


@dataclass(frozen=True, slots=True)
class Box:
    """A code that was read, as a polygon in the picture's pixels. `whose` is ours, other or unknown."""

    points: str
    text: str
    whose: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One check of one picture. `unit` is for people who want the number."""

    name: str
    value: float
    threshold: float
    is_least: bool
    holds: bool
    sentence: str
    chosen_by: str


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one picture; `refused` is why it could not be looked at, "" when it could."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    checks: tuple[Measured, ...]
    refused: str
    twin: Mapping[str, Any] | None

    @property
    def faults(self) -> tuple[Measured, ...]:
        """The checks that do not hold, each sentence once."""
        found = {check.sentence: check for check in self.checks if not check.holds}
        return tuple(found.values())

    @property
    def strangers(self) -> tuple[str, ...]:
        """Codes of other parcels of the shop."""
        return tuple(sorted({box.text for box in self.boxes if box.whose == "other"}))

    @property
    def own(self) -> tuple[str, ...]:
        """Claimed codes that are in the picture."""
        return tuple(sorted({box.text for box in self.boxes if box.whose == "ours"}))


@dataclass(frozen=True, slots=True)
class Judged:
    """What all pictures of a proof say together. `is_sample`: a person was to see it although everything holds."""

    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    others: tuple[str, ...]
    findings: tuple[Mapping[str, Any], ...]
    is_sample: bool

    @property
    def holds(self) -> bool:
        """Nothing was found against it, and every claimed tag was seen."""
        return not self.findings and not self.unseen

    @property
    def ask_for(self) -> str:
        """What a retake would be asked for; "" when nothing is wrong."""
        found = {finding["code"] for finding in self.findings}
        for code, reason in _ASKS:
            if code in found:
                return reason
        return "tag_unreadable" if self.unseen else ""


def judged(session: Session, org_id: str, event_id: str) -> Judged | None:
    """None while not all of its pictures that are home were looked at."""
    row = ask.judged(session, org_id, event_id)
    if row is None:
        return None
    return Judged(tuple(row.seen), tuple(row.unseen), tuple(row.others), tuple(row.findings), row.is_sample)


def looks(session: Session, org_id: str, event_id: str) -> dict[str, Look]:
    """By digest, for the pictures of an event that were looked at."""
    results = ask.looks(session, org_id, event_id)
    claimed = ask.claims(session, org_id, event_id)
    ours = {key_of(text): code for code, number in claimed.items() for text in (code, number) if text}
    read = {reading["key"] for result in results.values() for reading in result.get("readings") or ()}
    known = ask.parcels_of_keys(session, org_id, read)
    return {sha256: _look(result, ours, known) for sha256, result in results.items()}


def _look(result: Mapping[str, Any], ours: Mapping[str, str], known: Mapping[str, str]) -> Look:
    return Look(
        int(result.get("width") or 0),
        int(result.get("height") or 0),
        tuple(_boxes(result.get("readings") or (), ours, known)),
        tuple(_measured(check) for check in result.get("checks") or ()),
        str(result.get("sentence") or "") if result.get("verdict") == "refused" else "",
        result.get("twin"),
    )


def _boxes(
    readings: Iterable[Mapping[str, Any]], ours: Mapping[str, str], known: Mapping[str, str]
) -> Iterable[Box]:
    for reading in readings:
        points = " ".join(f"{int(x)},{int(y)}" for x, y in reading["corners"])
        key = reading["key"]
        if key in ours:
            yield Box(points, _shown(ours[key]), "ours")
        elif key in known:
            yield Box(points, _shown(known[key]), "other")
        else:
            yield Box(points, str(reading["text"]), "unknown")


def _shown(code: str) -> str:
    return codes.pretty(code) if codes.is_code(code) else code


def _measured(check: Mapping[str, Any]) -> Measured:
    limit = LIMITS.get(check["name"])
    return Measured(
        check["name"],
        check["value"],
        check["threshold"],
        check["is_least"],
        check["holds"],
        check["sentence"],
        limit.chosen_by if limit else "",
    )
