"""The rules as a phone reads them: the table, reasons and policies, with this shop's carriers."""

from __future__ import annotations

from typing import Any

from sync.rules.export import export
from sync.rules.packing import checklist
from webapp.store.queries import places
from webapp.store.queries import shop as shops
from webapp.store.unit import reading


def rules_for(org_id: str) -> dict[str, Any]:
    """`sync.rules.export` for one shop; its `version` changes exactly when something in it does."""
    with reading() as session:
        carriers = places.carriers_for_phones(session, org_id)
        kept = shops.settings(session, org_id).get("pack_checklist")
    return export(carriers, checklist=checklist(kept))
