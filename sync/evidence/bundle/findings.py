"""What can be wrong with a bundle, by stable code: the catalogue that the command and the page both read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from sync.evidence.bundle.limits import MAX_FINDINGS

AREAS = ("integrity", "who", "time_bounds", "completeness")


def _load() -> dict[str, Any]:
    text = files("sync.evidence.bundle").joinpath("catalogue.json").read_text(encoding="utf-8")
    catalogue: dict[str, Any] = json.loads(text)
    return catalogue


_CATALOGUE = _load()
AREA_WORDS: dict[str, str] = _CATALOGUE["areas"]
# What an event is called, by its kind, or `<kind>.<variant>` where its data decides (`printing.words.kind`).
KIND_WORDS: dict[str, str] = _CATALOGUE["kinds"]
CODES: dict[str, tuple[str, str, str]] = {
    code: (area, weight, sentence) for code, (area, weight, sentence) in _CATALOGUE["findings"].items()
}


class NoBundle(ValueError):
    """The file is no bundle that can be looked at. `code` and `title` are of the catalogue."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.title, self.detail = code, str(_CATALOGUE["no_bundle"][code]), detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; `where` names the part, event or picture, `detail` what is so this time."""

    code: str
    where: str
    detail: str = ""

    @property
    def area(self) -> str:
        """Which of the four questions it is about."""
        return CODES[self.code][0]

    @property
    def is_fault(self) -> bool:
        """Whether the bundle does not hold because of it."""
        return CODES[self.code][1] == "fault"

    @property
    def sentence(self) -> str:
        """What it means, in plain words."""
        return CODES[self.code][2]

    def as_dict(self) -> dict[str, str]:
        """As `baton verify --json` tells it."""
        return {"code": self.code, "where": self.where, "detail": self.detail, "sentence": self.sentence}


@dataclass(slots=True)
class Findings:
    """Collects them, each once, and no more of one kind than anybody reads."""

    found: dict[tuple[str, str], Finding] = field(default_factory=dict)
    left_out: int = 0  # faults

    def add(self, code: str, where: str = "", detail: str = "") -> None:
        """Note one; the first detail for a code and a place counts."""
        if code not in CODES:
            raise KeyError(code)
        if (code, where) in self.found:
            return
        # A flood of one kind must not push out the others.
        if sum(held == code for held, _ in self.found) >= MAX_FINDINGS:
            self.left_out += CODES[code][1] == "fault"
            return
        self.found[(code, where)] = Finding(code, where, detail)

    def has(self, *codes: str) -> bool:
        """Whether one of these was found."""
        return any(code in codes for code, _ in self.found)

    def of(self, area: str) -> list[Finding]:
        """Those of one area, in the catalogue's order, faults first."""
        return in_order(finding for finding in self.found.values() if finding.area == area)


_RANK = {code: rank for rank, code in enumerate(CODES)}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Faults first, then as the catalogue has them, then as they were found."""
    return sorted(findings, key=lambda finding: (not finding.is_fault, _RANK[finding.code]))
