"""An order's status: the aggregate of its parcels (RULES section 2): it is only as far as the least far of them."""

from __future__ import annotations

from collections.abc import Iterable

from sync.rules.lifecycle import STATUSES

# Least far first. What went wrong comes before what went well: an order with a lost parcel is not delivered.
_WAY = (
    *STATUSES[: STATUSES.index("delivered")],
    "returning",
    "lost",
    "damaged",
    "returned",
    "delivered",
)


def order_status(parcels: Iterable[str]) -> str | None:
    """The order's status from its parcels' (shipped only when all are, cancelled only when all are); None for none."""
    statuses = list(parcels)
    going = [status for status in statuses if status != "cancelled"]
    if not going:
        return "cancelled" if statuses else None
    return min(going, key=_WAY.index)
