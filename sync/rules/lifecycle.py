"""Statuses and the one transition table, as data: what each event does to each status (RULES sections 2, 3).

The table is total. A row is an event kind, or `<kind>.<variant>` where the event's `data` decides (see
`row_of`). `to` is None where nothing moves. Two anomalies in the table are conditional, and the fold
decides them: `handed_over_twice` only if another person recorded the first handover,
`no_handover_proof` only if no handover is proved at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STATUSES = (
    "expected",
    "confirmed",
    "packed",
    "ready",
    "handed_over",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "returning",
    "returned",
    "lost",
    "damaged",
    "cancelled",
)
BEFORE_HANDOVER = STATUSES[:4]
BEFORE_DELIVERY = STATUSES[:7]
ON_THE_WAY = STATUSES[4:7]
# What the carrier's own scan, or anything that can only come after it, has to have brought.
FROM_TRANSIT = (*STATUSES[5:10], "damaged")
# It reaches nobody any more; and somebody has signed for it.
GONE = frozenset({"lost", "damaged", "cancelled"})
ARRIVED = frozenset({"delivered", "returned"})
# A parcel that is here waits for nothing more.
ENDED = frozenset(STATUSES[7:])

CONDITIONS = {"handed_over_twice": "another_actor", "no_handover_proof": "no_handover"}


@dataclass(frozen=True, slots=True)
class Step:
    """What one event does to one status: the next status (None: no move) and the anomalies it raises."""

    to: str | None = None
    anomalies: tuple[str, ...] = ()


STAY = Step()
Row = dict[str, Step]


def _each(statuses: tuple[str, ...], to: str | None, *anomalies: str) -> Row:
    return {status: Step(to, anomalies) for status in statuses}


def _seen_again(to: str) -> Row:
    """The carrier has what was lost or cancelled: it may have come to it without any handover that we know of."""
    return {
        "lost": Step(to, ("recovered", "no_handover_proof")),
        "cancelled": Step(None, ("no_handover_proof",)),
    }


_HANDOVER: Row = {
    "expected": Step("handed_over", ("skipped_confirm", "skipped_pack", "skipped_label")),
    "confirmed": Step("handed_over", ("skipped_pack", "skipped_label")),
    "packed": Step("handed_over", ("skipped_label",)),
    "ready": Step("handed_over"),
    **_each((*ON_THE_WAY, "delivered", "returning", "returned", "damaged"), None, "handed_over_twice"),
    "lost": Step("handed_over", ("recovered", "handed_over_twice")),
    "cancelled": Step(None, ("handed_over_after_cancel",)),
}
_CARRIER: Row = {
    **_each(BEFORE_HANDOVER, "in_transit", "no_handover_proof"),
    "handed_over": Step("in_transit"),
    **_seen_again("in_transit"),
}
_DELIVER: Row = {
    **_each(BEFORE_DELIVERY, "delivered", "no_handover_proof"),
    "lost": Step("delivered", ("recovered", "no_handover_proof")),
    "damaged": Step("delivered", ("no_handover_proof",)),
    "returning": Step("delivered", ("delivered_after_return",)),
    "returned": Step(None, ("delivered_after_return",)),
    "cancelled": Step(None, ("handed_over_after_cancel",)),
}
_ATTEMPT: Row = {
    **_each(BEFORE_HANDOVER, "in_transit", "no_handover_proof"),
    "handed_over": Step("in_transit"),
    "out_for_delivery": Step("in_transit"),
    **_seen_again("in_transit"),
}
_OUT: Row = {
    **_each(BEFORE_HANDOVER, None, "no_handover_proof"),
    **_each(("handed_over", "in_transit"), "out_for_delivery"),
    **_seen_again("out_for_delivery"),
}
_RETURN_START: Row = {
    **_each(BEFORE_HANDOVER, "returning", "no_handover_proof"),
    **_each((*ON_THE_WAY, "delivered", "damaged", "cancelled"), "returning"),
    "lost": Step("returning", ("recovered", "no_handover_proof")),
}
_RETURN_DONE: Row = {
    **_each(BEFORE_HANDOVER, "returned", "no_handover_proof"),
    **_each((*ON_THE_WAY, "delivered", "returning", "damaged", "cancelled"), "returned"),
    "lost": Step("returned", ("recovered", "no_handover_proof")),
}

_ROWS: dict[str, Row] = {
    # from the phone
    "pack": {"expected": Step("packed", ("skipped_confirm",)), "confirmed": Step("packed")},
    "drop_off": _HANDOVER,
    "collect": _HANDOVER,
    "deliver": _DELIVER,
    "attempt": _ATTEMPT,
    "report": {},
    "return": {},
    "return.start": _RETURN_START,
    "return.done": _RETURN_DONE,
    "void": {},
    "blob_lost": {},
    # from the office, an import or a carrier's feed
    "confirm": {"expected": Step("confirmed")},
    "label": {
        "expected": Step("ready", ("skipped_confirm", "skipped_pack")),
        "confirmed": Step("ready", ("skipped_pack",)),
        "packed": Step("ready"),
    },
    # The marketplace made the label and awaits collection: it says nothing of packing, so nothing was skipped.
    "label.platform": _each(BEFORE_HANDOVER[:3], "ready"),
    "cancel": _each(BEFORE_HANDOVER, "cancelled"),
    "cancel.requested": {},
    "cancel.withdrawn": {},
    "hold": {},
    "carrier_scan": _CARRIER,
    "carrier_scan.out_for_delivery": {
        **_OUT,
        **_each(BEFORE_HANDOVER, "out_for_delivery", "no_handover_proof"),
    },
    "carrier_scan.delivered": _DELIVER,
    "carrier_scan.returning": _RETURN_START,
    "carrier_scan.returned": _RETURN_DONE,
    "carrier_scan.lost": {
        **_each(BEFORE_HANDOVER, "lost", "no_handover_proof"),
        **_each((*ON_THE_WAY, "returning"), "lost"),
    },
    "carrier_scan.attempt": _ATTEMPT,
    "carrier_scan.damaged": {
        **_each(BEFORE_HANDOVER, "damaged", "no_handover_proof"),
        **_each((*ON_THE_WAY, "returning"), "damaged"),
        "lost": Step("damaged", ("recovered",)),
    },
    "out_for_delivery": _OUT,
    "review": {},
    "resolve": {},  # moves to the status that the office names in data.status
    "amend": {},
    # from the clock
    "deem_delayed": {},
    "deem_lost": _each(BEFORE_DELIVERY, "lost"),
    "deem_cancelled": _each((*BEFORE_DELIVERY, "lost"), "cancelled"),
    "remind": {},
    "check": {},  # what the server saw in a proof's pictures: anomalies, never a move
}

TABLE: dict[str, Row] = {
    kind: {status: row.get(status, STAY) for status in STATUSES} for kind, row in _ROWS.items()
}

PHONE_KINDS = frozenset(
    {"pack", "drop_off", "collect", "deliver", "attempt", "report", "return", "void", "blob_lost"}
)
OFFICE_KINDS = frozenset(
    {
        "confirm",
        "label",
        "cancel",
        "hold",
        "carrier_scan",
        "out_for_delivery",
        "review",
        "resolve",
        "amend",
        "check",  # no deeming: the clock, which takes back what no longer holds, leaves it alone
    }
)
CLOCK_KINDS = frozenset({"deem_delayed", "deem_lost", "deem_cancelled", "remind"})
HANDOVERS = frozenset({"drop_off", "collect"})
# What somebody did at a door or a counter, and proves by photos or a signature: the office reviews it.
ON_THE_SPOT = ("pack", "drop_off", "collect", "deliver", "attempt", "report", "return")
# Somebody had the parcel in hand: this beats any deeming that it was gone.
SIGHTINGS = HANDOVERS | {"deliver", "attempt", "return", "carrier_scan", "out_for_delivery"}


def row_of(kind: str, data: Mapping[str, Any]) -> str:
    """The row of the table for an event: `return` by data.stage, `carrier_scan` by data.status (absent:
    a plain scan), `label` by data.source (an import's is the marketplace's own), `cancel` by data.requested or
    data.withdrawn. An unknown variant is the plain kind.
    """
    variant: object = None
    if kind == "return":
        variant = data.get("stage")
    elif kind == "carrier_scan":
        variant = data.get("status")
    elif kind == "label":
        variant = "platform" if data.get("source") == "import" else None
    elif kind == "cancel":
        variant = "withdrawn" if data.get("withdrawn") is True else None
        variant = "requested" if data.get("requested") is True else variant
    if isinstance(variant, str) and f"{kind}.{variant}" in TABLE:
        return f"{kind}.{variant}"
    return kind
