"""Buyers are told to request a refund (`R23`), as soon as a case says that money has to come back (`R26`)."""

from __future__ import annotations

from datetime import datetime

from sync.rules.cases import cause_of, is_on_delivery
from webapp.services.cases.writing import write_down
from webapp.services.notices import Asked, raise_notices, to_address
from webapp.store.models import Case
from webapp.store.queries import cases as ask
from webapp.store.queries import notices
from webapp.store.unit import Session


def ask_buyers(session: Session, case: Case, actor_id: str, now: datetime) -> int:
    """Hand one notice for each order that was paid beforehand over to the outbox; gives how many were new.

    Once for each case and order. A buyer's address is not in an export: the office finds the words among the notices
    to be told by hand, and brings them where the buyer reads, the marketplace's chat.
    """
    held = ask.parcels_of(session, case.org_id, case.id)
    flags = {order: parcel.flags for parcel in held for order in parcel.orders}
    orders = ask.paid(session, case.org_id, [parcel.code for parcel in held])
    asked = [
        Asked(
            "refund_request",
            f"{_key(case)}{order.order_id}",
            to_address(""),
            {"order": order.order_id, "cause": cause_of(case.kind, flags.get(order.order_id, {}))},
            f"/office/cases/{case.id}",
        )
        for order in orders
        if not is_on_delivery(order.method)
    ]
    fresh = raise_notices(session, case.org_id, asked, now)
    if fresh:
        write_down(session, case, actor_id, "asked", now, data={"orders": fresh})
    return fresh


def call_off(session: Session, case: Case) -> int:
    """Take back the notices of this case that reached no buyer yet; gives how many. Asked again, they are new."""
    return notices.take_back(session, case.org_id, _key(case))


def _key(case: Case) -> str:
    return f"refund:{case.id}:"
