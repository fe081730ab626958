"""Whether a document in a bundle has the members that the checks read: one description for the command and the page.

In `shapes.json`: "text", "whole" (a number), "time", "digest", each with "?" where null or nothing will do; [shape] is
a list, [shape, "?"] one that may be missing, an object the members it must have. What is not described is let pass.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from sync.protocol.times import parse_time

_SHAPES: dict[str, Any] = json.loads(
    files("sync.evidence.bundle").joinpath("shapes.json").read_text(encoding="utf-8")
)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def complaint(name: str, value: Any) -> str | None:
    """What is wrong with a document of this kind, as a path to the member; None when nothing is."""
    return _look(_SHAPES[name], value, "")


def to_ms(text: str) -> int:
    """Milliseconds since 1970 of a time that has the right shape."""
    return (parse_time(text) - _ZERO) // timedelta(milliseconds=1)


def _look(shape: Any, value: Any, path: str) -> str | None:
    if isinstance(shape, str):
        return None if _fits(shape, value) else (path or "the whole")
    if isinstance(shape, list):
        if value is None and "?" in shape:
            return None
        if not isinstance(value, list):
            return path or "the whole"
        return _first(_look(shape[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    if value is None and "?" in shape:
        return None
    if not isinstance(value, dict):
        return path or "the whole"
    members = {name: member for name, member in shape.items() if name != "?"}
    return _first(
        _look(member, value.get(name), f"{path}.{name}" if path else name) for name, member in members.items()
    )


def _first(complaints: Any) -> str | None:
    return next((complaint for complaint in complaints if complaint is not None), None)


def _fits(shape: str, value: Any) -> bool:
    if shape.endswith("?"):
        return value is None or _fits(shape[:-1], value)
    if shape == "whole":
        return type(value) is int
    if not isinstance(value, str):
        return False
    if shape == "digest":
        return _DIGEST.fullmatch(value) is not None
    if shape == "time":
        return _is_time(value)
    return True


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True
