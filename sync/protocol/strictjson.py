"""JSON from strangers: one reading for every reader, or none.

Refused beyond what `json` refuses: duplicate keys (two readers may pick different ones), NaN and
infinities, integers over 2^53 - 1 (JavaScript would round them), deep nesting, lone surrogates and
U+0000 (a database cannot store them).
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 24
MAX_INT = 2**53 - 1


class NotStrict(ValueError):
    """The text is not JSON that every reader reads the same."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict("a member is there twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > 17 or not -MAX_INT <= (number := int(digits)) <= MAX_INT:
        raise NotStrict("a number is too large")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrict("a number is too large")
    return number


def _constant(name: str) -> Any:
    raise NotStrict(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def loads(raw: bytes, *, storable: bool = True) -> Any:
    """The value of UTF-8 JSON text, or `NotStrict` with a short reason.

    `storable=False` lets lone surrogates and U+0000 pass, where one string must not spoil its neighbours.
    """
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
    except NotStrict:
        raise
    except UnicodeDecodeError:
        raise NotStrict("it is not UTF-8") from None
    except (ValueError, RecursionError):
        raise NotStrict("it is not JSON") from None
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_deep(value):
        raise NotStrict("it is nested too deeply")
    if storable and "\\u" in text and not _has_storable_text(value):
        raise NotStrict("it has characters that cannot be stored")
    return value


def _is_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _has_storable_text(value: Any) -> bool:
    """Only escapes can bring these in: raw surrogates are no UTF-8, a raw U+0000 is no JSON."""
    return is_storable(_all_text(value))


def is_storable(text: str) -> bool:
    """Whether a database column takes this text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _all_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(map(_all_text, [*value, *value.values()]))
    if isinstance(value, list):
        return "".join(map(_all_text, value))
    return ""
