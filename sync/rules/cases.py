"""Cases: complaints, appeals, refunds, losses, damages and force majeure (`R9`, `R23`, `R26`, `R30`, `R31`).

Plain data and small functions: which there are, until when, who bears the cost, whether money has to come back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

KINDS: dict[str, str] = {
    "complaint": "Complaint",
    "appeal": "Appeal",
    "refund": "Refund",
    "loss": "Loss",
    "damage": "Damage",
    "force_majeure": "Force majeure",
}
# Who bears the cost: the guide's word for a bad label is that the seller "shoulder[s] the expenses" (R9).
FAULTS: dict[str, tuple[str, str]] = {
    "seller_label": ("Seller’s label", "the seller"),
    "seller_packing": ("Seller’s packing", "the seller"),
    "carrier_loss": ("Lost by the carrier", "the carrier"),
    "carrier_damage": ("Damaged by the carrier", "the carrier"),
    "carrier_delay": ("Delayed by the carrier", "the carrier"),
    "recipient": ("Recipient", "the recipient"),
    "nobody": ("Nobody’s: force majeure", "nobody"),
    "unknown": ("Not known yet", ""),
}
OUTCOMES: dict[str, str] = {
    "accepted": "Accepted",
    "rejected": "Rejected",
    "settled": "Settled between the two",
    "withdrawn": "Withdrawn",
    "over": "It is over",
}
# R23: abnormal delivery is "(damage, delay, or loss)", and the customer is to ask for a refund.
MONEY_BACK = frozenset({"refund", "loss", "damage"})
COMPLAINT_WITHIN = timedelta(days=40)  # R30
NONE, EXPECTED, DONE = "none", "expected", "done"
REFUNDS = {NONE: "No money to come back", EXPECTED: "Refund expected", DONE: "Refund done"}

# What exports of the six markets call it when nothing was paid beforehand.
_ON_DELIVERY = re.compile(
    r"\bcod\b|cash on delivery|bayar di tempat|bayar semasa|tunai semasa|pembayaran semasa|thanh toan khi|"
    r"thu ho|เก็บเงินปลายทาง|ชำระเงินปลายทาง|货到付款"
)


@dataclass(frozen=True, slots=True)
class Paid:
    """What one order cost, and how it was paid."""

    order_id: str
    amount: Decimal | None
    method: str | None


@dataclass(frozen=True, slots=True)
class Refund:
    """Whether money has to come back, how much (None: the orders do not say), and why so in a sentence."""

    state: str
    amount: Decimal | None
    why: str


def due_at(kind: str, opened_at: datetime) -> datetime | None:
    """Until when a case of this kind has to be settled (`R30`); None where no source gives a time."""
    return opened_at + COMPLAINT_WITHIN if kind == "complaint" else None


def next_look(now: datetime, due_at: datetime | None, ends_at: datetime | None) -> datetime | None:
    """When the clock has to look at an open case that changed `now`: it falls due, or its period of `R31` ends.

    A deadline that is past is looked at at once; a period that is over was told so, and ends nothing any more.
    """
    times = [max(due_at, now)] if due_at else []
    return min([*times, *([ends_at] if ends_at and ends_at > now else [])], default=None)


def cause_of(kind: str, flags: Mapping[str, object]) -> str:
    """Why a buyer is asked to request a refund (`R23`: "damage, delay, or loss"), in the code of the notice's words."""
    known = {"loss": "lost", "damage": "damaged"}.get(kind)
    return known or ("delayed" if flags.get("delayed") else "failed")


def is_on_delivery(method: str | None) -> bool:
    """Whether the buyer pays at the door: then nothing has to be refunded (`R26`)."""
    plain = unicodedata.normalize("NFD", (method or "").casefold().replace("đ", "d"))
    kept = "".join(char for char in plain if not 0x300 <= ord(char) <= 0x36F)
    return _ON_DELIVERY.search(kept) is not None


def refund_of(kind: str, orders: Iterable[Paid]) -> Refund:
    """`R26`: what was paid beforehand comes back at once, cash on delivery leaves nothing to come back."""
    if kind not in MONEY_BACK:
        return Refund(NONE, None, "A case of this kind brings no money back by itself.")
    prepaid = [order for order in orders if not is_on_delivery(order.method)]
    if not prepaid:
        return Refund(NONE, None, "Cash on delivery: nothing was paid beforehand.")
    amounts = [order.amount for order in prepaid if order.amount is not None]
    total = sum(amounts, Decimal(0)) if len(amounts) == len(prepaid) else None
    return Refund(EXPECTED, total, "It was paid beforehand.")
