"""A case's history: one entry for each thing that was done, in the order they were done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webapp.store.models import Case, CaseEntry
from webapp.store.queries import cases as ask
from webapp.store.unit import Session


def write_down(
    session: Session,
    case: Case,
    actor_id: str,
    kind: str,
    now: datetime,
    words: str = "",
    data: Mapping[str, Any] | None = None,
) -> int:
    """Add one entry, inside the caller's transaction that holds the shop's lock; gives its position."""
    position = ask.next_position(session, case.org_id, case.id)
    entry = CaseEntry(
        org_id=case.org_id,
        case_id=case.id,
        position=position,
        kind=kind,
        words=words,
        data=dict(data or {}),
        made_by=actor_id,
        made_at=now,
    )
    session.add(entry)
    session.flush()
    return position
