"""Say that parcels are labelled and wait for the handover, one or thousands in one press.

Packing is proved by a photo on a phone, and nobody in the office can say it instead. What was never packed is
therefore only labelled when that is asked for, and then carries the anomaly `skipped_pack` for good.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from webapp.services.moving import Moved, hold_reason, move
from webapp.store.queries.picking import Choice, Picked


def label_parcels(
    org_id: str,
    actor_id: str,
    own_seller: str | None,
    choice: Choice,
    now: datetime,
    *,
    without_packing: bool = False,
) -> Moved:
    """Move the packed ones of `choice` to ready; with `without_packing` also what nobody packed on a phone.

    What nobody confirmed either is then confirmed first, so that only the missing packing is on record.
    """
    return move(org_id, actor_id, own_seller, choice, now, partial(_plan, without_packing))


def _plan(without_packing: bool, parcel: Picked) -> tuple[str, ...] | str:
    if parcel.status not in _STEPS:
        return "It is cancelled" if parcel.status == "cancelled" else "It was labelled before"
    if parcel.status != "packed" and not without_packing:
        return _MISSING[parcel.status]
    return hold_reason(parcel) or _STEPS[parcel.status]


_STEPS = {"expected": ("confirm", "label"), "confirmed": ("label",), "packed": ("label",)}
_MISSING = {
    "expected": "Not confirmed and not packed on a phone",
    "confirmed": "Not packed on a phone",
}
