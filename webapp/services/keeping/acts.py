"""Write down what somebody did to what is kept, in the transaction that does it; no names of those it concerns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import uuid_utils

from webapp.store.models import OfficeAct
from webapp.store.unit import Session


def write_act(
    session: Session, org_id: str, kind: str, made_by: str | None, now: datetime, data: dict[str, Any]
) -> OfficeAct:
    """Add one line to the history; `made_by` None is the server."""
    act = OfficeAct(
        org_id=org_id, id=str(uuid_utils.uuid7()), kind=kind, made_by=made_by, made_at=now, data=data
    )
    session.add(act)
    session.flush()
    return act
