"""What a phone tells of how a signature was made: no picture needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.evidence.limits import Check, check


def of_strokes(data: Mapping[str, Any]) -> list[Check]:
    """The checks of what the phone tells of the strokes, `{"strokes": n, "ms": whole, …}`; none when it does not."""
    told = data.get("signature")
    ms = told.get("ms") if isinstance(told, Mapping) else None
    if isinstance(ms, bool) or not isinstance(ms, int | float) or not 0 <= ms < 1e9:
        return []
    return [check("signing time", ms / 1000)]
