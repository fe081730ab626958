"""Packing: the checklist of an organisation, and what a packing record says that the office must see.

`R3`-`R6`: fits the size, delicate things marked and in several layers, nothing inside that begs or threatens.
`R28`, `R29`: nothing dangerous, nothing missing: the pieces counted against those ordered. A `pack` event carries
its answers sealed in `data`: `checklist` is `{point: ticked}`, `counted` and `ordered` are `{parcel: pieces}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.protocol.codes import tracking_key
from sync.protocol.problems import Problem
from sync.rules.parcel import Mark

ALWAYS, DELICATE = "always", "delicate"
MOST_POINTS = 20
LONGEST = 160
_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the checklist. `when` is `always`, or `delicate`: asked only of parcels marked so."""

    code: str
    label: str
    when: str = ALWAYS

    def as_dict(self) -> dict[str, str]:
        """As the phone and the settings have it."""
        return {"code": self.code, "label": self.label, "when": self.when}


GUIDE = (
    Point("size", "The packaging fits the size of the goods"),  # R3
    Point("marked", "Marked as delicate on the outside, with how to handle it", DELICATE),  # R4
    Point("layers", "Packed in several layers", DELICATE),  # R6
    Point("nothing_else", "Nothing inside asks for reviews, threatens, or is forbidden"),  # R5
    Point("complete", "All that was ordered is inside, and nothing dangerous"),  # R28, R29
)


def checklist(kept: object) -> tuple[Point, ...]:
    """The organisation's own list as its settings keep it, or the guide's when it has none."""
    if not isinstance(kept, list):
        return GUIDE
    return tuple(
        Point(str(row["code"]), str(row["label"]), str(row.get("when", ALWAYS)))
        for row in kept
        if isinstance(row, dict) and row.get("code") and row.get("label")
    )


def checked(points: Iterable[Point]) -> tuple[Point, ...]:
    """The same points, fit to be kept; raises `field-invalid` with what is wrong."""
    kept = tuple(Point(p.code, " ".join(p.label.split()), p.when) for p in points)
    if len(kept) > MOST_POINTS:
        raise Problem("field-invalid", f"A checklist has at most {MOST_POINTS} points.", field="label")
    codes = [point.code for point in kept]
    for point in kept:
        if not point.label or len(point.label) > LONGEST:
            raise Problem("field-invalid", f"A point has 1 to {LONGEST} characters.", field="label")
        if not _CODE.fullmatch(point.code) or codes.count(point.code) > 1:
            raise Problem("field-invalid", f"{point.code!r} cannot name a point, or names two.", field="code")
        if point.when not in (ALWAYS, DELICATE):
            raise Problem("field-invalid", "A point is asked always or of delicate parcels.", field="when")
    return kept


def marks(data: Mapping[str, Any], code: str, tracking: str | None, ordered: int | None) -> list[Mark]:
    """What one packing record says of one parcel: `pack_unchecked`, `count_mismatch`.

    `ordered` is what the books say is to be inside, None where they do not know; then the phone's own list counts.
    A record without answers (an older phone's) says nothing.
    """
    found = []
    left = sorted(str(point) for point, is_ticked in _mapping(data, "checklist") if is_ticked is False)
    if left:
        found.append(Mark("pack_unchecked", ", ".join(left)[:200]))
    counted = _of(data, "counted", code, tracking)
    due = ordered if ordered is not None else _of(data, "ordered", code, tracking)
    if counted is not None and due is not None and counted != due:
        found.append(Mark("count_mismatch", f"{counted} of {due} inside"))
    return found


def _of(data: Mapping[str, Any], member: str, code: str, tracking: str | None) -> int | None:
    for key, pieces in _mapping(data, member):
        is_this = key == code or (tracking is not None and tracking_key(str(key)) == tracking)
        if is_this and type(pieces) is int and pieces >= 0:
            return pieces
    return None


def _mapping(data: Mapping[str, Any], member: str) -> Iterable[tuple[Any, Any]]:
    value = data.get(member)
    return value.items() if isinstance(value, dict) else ()
