"""Times on the wire: RFC 3339 UTC, `2026-11-22T07:15:30.123Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def parse_time(text: str) -> datetime:
    """An aware UTC datetime; raises ValueError for anything but RFC 3339 with `Z`."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("not a time in RFC 3339 UTC")
    return datetime.fromisoformat(text)


def format_time(moment: datetime) -> str:
    """With milliseconds and `Z`, as everything on the wire has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_ms(ms: int) -> str:
    """The same, of milliseconds since 1970; "beyond all years" where no calendar has that moment."""
    try:
        return format_time(_ZERO + timedelta(milliseconds=ms))
    except OverflowError:
        return "beyond all years"
