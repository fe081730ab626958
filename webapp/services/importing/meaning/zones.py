"""An export's times are local and say no zone: they are those of the shop's market (`sync.rules.pack.zone_of`).

Indonesia's Seller Center shows Jakarta's time to shops in every part of the country, so the clock that a shop chose for
itself says nothing here.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def to_utc(local: datetime, zone: tzinfo) -> datetime:
    """A local time without a zone, as an aware one in UTC."""
    return local.replace(tzinfo=zone).astimezone(UTC)
