"""The rules as a phone reads them: the table, reasons and policies, with this shop's carriers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from sync.rules.export import export
from webapp.store.models import Carrier
from webapp.store.unit import reading


def rules_for(org_id: str) -> dict[str, Any]:
    """`sync.rules.export` for one shop; its `version` changes exactly when something in it does."""
    with reading() as session:
        rows = session.execute(
            select(Carrier.code, Carrier.name, Carrier.tracking_pattern)
            .where(Carrier.org_id == org_id)
            .order_by(Carrier.code)
        ).all()
    return export([{"code": r.code, "name": r.name, "tracking_pattern": r.tracking_pattern} for r in rows])
