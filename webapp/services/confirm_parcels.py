"""Confirm that parcels are in stock, one or thousands in one press (`R1`)."""

from __future__ import annotations

from datetime import datetime

from webapp.services.moving import Moved, hold_reason, move
from webapp.store.queries.picking import Choice, Picked


def confirm_parcels(
    org_id: str, actor_id: str, own_seller: str | None, choice: Choice, now: datetime
) -> Moved:
    """Move the expected ones of `choice` to confirmed; the rest is told with its reason."""
    return move(org_id, actor_id, own_seller, choice, now, _plan)


def _plan(parcel: Picked) -> tuple[str, ...] | str:
    if parcel.status == "expected":
        return hold_reason(parcel) or ("confirm",)
    if parcel.status == "cancelled":
        return "It is cancelled"
    return "It was confirmed before"
