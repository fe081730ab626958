"""Times as a shop reads them: its own zone on the page, UTC underneath."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def local_text(moment: datetime, zone: ZoneInfo, now: datetime, seconds: bool = False) -> str:
    """The time in the zone: `22 Nov, 15:15`, with seconds `22 Nov, 15:15:30`; the year when it is not this one."""
    try:
        here = moment.astimezone(zone)
    except OverflowError:  # a phone's clock may say the last hours of all time, or the first
        here = moment
    day = f"{here.day} {here:%b}" if here.year == now.astimezone(zone).year else f"{here.day} {here:%b %Y}"
    return f"{day}, {here:%H:%M:%S}" if seconds else f"{day}, {here:%H:%M}"


def iso_text(moment: datetime, exact: bool = False) -> str:
    """RFC 3339 in UTC with milliseconds, as the protocol writes it; `exact` keeps microseconds."""
    digits = "microseconds" if exact else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=digits).replace("+00:00", "Z")


def aware(text: str) -> datetime:
    """The instant that an RFC 3339 text names; raises ValueError when it is none, or without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone names no instant")
    return moment


def ago_text(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says it: "just now", "5 min ago", "3 days ago"."""
    seconds = int((now - moment).total_seconds())
    if seconds < -60:
        return "in the future"
    return "just now" if seconds < 60 else f"{span_text(seconds)} ago"


def until_text(moment: datetime, now: datetime) -> str:
    """How far off a time is, before or after: "in 3 h", "2 days ago", "now"."""
    seconds = int((moment - now).total_seconds())
    if seconds >= 60:
        return f"in {span_text(seconds)}"
    return f"{span_text(seconds)} ago" if seconds <= -60 else "now"


def span_text(seconds: float) -> str:
    """A length in its largest whole unit: "45 s", "5 min", "3 h", "1 day"."""
    whole = int(abs(seconds))
    for size, word in ((86400, "day"), (3600, "h"), (60, "min")):
        if whole >= size:
            n = whole // size
            return f"{n} {word}{'s' if word == 'day' and n > 1 else ''}"
    return f"{whole} s"


def day_bounds(
    first: date | None, last: date | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """The instants [from, until) of a range of local days, both ends included; None is open."""
    start = datetime.combine(first, time(), zone).astimezone(UTC) if first else None
    end = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC) if last else None
    return start, end


def today(now: datetime, zone: ZoneInfo) -> date:
    """Which day it is for the shop."""
    return now.astimezone(zone).date()
