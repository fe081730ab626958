"""Receipts as they were given, and which of them first named an event."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.orm import Session

from webapp.store.models import EventReceipt, Receipt


def keep(session: Session, receipt: Receipt, event_ids: Sequence[str]) -> None:
    """Write a receipt down, with the events that no earlier one named."""
    session.add(receipt)
    rows = [{"org_id": receipt.org_id, "event_id": id_, "receipt_id": receipt.id} for id_ in event_ids]
    session.execute(insert(EventReceipt), rows)
