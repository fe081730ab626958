"""The time zone of each market's Seller Center: an export's times are local and say no zone.

None of these zones has had summer time since 1990, so a fixed offset is exact and needs no zone database on
the machine. Indonesia's Seller Center shows Jakarta's time to shops in every part of the country. The pack
`guide` is of no market; its article is about Malaysia, so its times are Kuala Lumpur's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_HOURS = {
    "guide": (8, "Asia/Kuala_Lumpur"),
    "MY": (8, "Asia/Kuala_Lumpur"),
    "ID": (7, "Asia/Jakarta"),
    "PH": (8, "Asia/Manila"),
    "TH": (7, "Asia/Bangkok"),
    "VN": (7, "Asia/Ho_Chi_Minh"),
    "SG": (8, "Asia/Singapore"),
}


def zone_of(market: str, own: str | None = None) -> tzinfo:
    """The shop's own zone if it has set one, else its market's; the guide's for a market that is not listed."""
    if own:
        return ZoneInfo(own)
    hours, name = _HOURS.get(market, _HOURS["guide"])
    return timezone(timedelta(hours=hours), name)


def to_utc(local: datetime, zone: tzinfo) -> datetime:
    """A local time without a zone, as an aware one in UTC."""
    return local.replace(tzinfo=zone).astimezone(UTC)
