"""Cancel parcels that have not left, one or thousands in one press, with a reason from the list (`R2`).

The marketplace's own cancellation stays what counts for the buyer: whoever presses is told to cancel there too.
"""

from __future__ import annotations

from datetime import datetime

from sync.protocol.problems import Problem
from sync.rules.lifecycle import BEFORE_HANDOVER
from sync.rules.reasons import REASONS
from webapp.services.moving import Moved, drafts_for, move_by
from webapp.store.queries.picking import Choice, Picked

CANCEL_REASONS = REASONS["cancel"]
AFTERWARDS = "Cancel the order in Seller Center as well."
LONGEST_NOTE = 1000


def cancel_parcels(
    org_id: str,
    actor_id: str,
    own_seller: str | None,
    choice: Choice,
    now: datetime,
    *,
    reason: str,
    note: str = "",
) -> Moved:
    """Cancel those of `choice` that have not been handed over; the rest is told with its reason. Stock that was kept
    for them is free again.

    Problem `field-invalid` as `note_of` has it.
    """
    words = note_of(reason, note)
    return move_by(
        org_id,
        actor_id,
        own_seller,
        choice,
        now,
        _plan,
        lambda going: drafts_for("cancel", going, reason=reason, note=words),
    )


def note_of(reason: str, note: str) -> str | None:
    """A person's own words beside a reason, tidied; None for none.

    Problem `field-invalid` (field reason or note): no reason of the list, "other" without words, too many words.
    """
    if reason not in dict(CANCEL_REASONS):
        raise Problem("field-invalid", "Choose why it is cancelled.", field="reason")
    words = " ".join(note.split())
    if reason == "other" and not words:
        raise Problem("field-invalid", "Say in your own words why it is cancelled.", field="note")
    if len(words) > LONGEST_NOTE:
        raise Problem("field-invalid", f"Keep it under {LONGEST_NOTE} characters.", field="note")
    return words or None


def _plan(parcel: Picked) -> tuple[str, ...] | str:
    if parcel.status == "cancelled":
        return "It was cancelled before"
    return ("cancel",) if parcel.status in BEFORE_HANDOVER else "It has left: decide on its own page"
