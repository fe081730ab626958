"""The rules as a phone reads them: the table, reasons and policies, with this shop's carriers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sync.rules.carriers import named
from sync.rules.export import export
from sync.rules.packing import Point, checklist
from webapp.store.queries import places
from webapp.store.queries import shop as shops
from webapp.store.unit import reading

Row = tuple[tuple[str, Any], ...]


def rules_for(org_id: str) -> dict[str, Any]:
    """`sync.rules.export` for one shop, to be read and not changed; its `version` changes when something in it does."""
    with reading() as session:
        carriers = places.carriers_for_phones(session, org_id)
        kept = shops.settings(session, org_id).get("pack_checklist")
    return _document(tuple(tuple(carrier.items()) for carrier in carriers), checklist(kept))


@lru_cache(maxsize=256)
def _document(rows: tuple[Row, ...], points: tuple[Point, ...]) -> dict[str, Any]:
    """Every phone asks for the version with every look at its list: made once for as long as nothing changes."""
    carriers = [dict(row) for row in rows]
    for carrier in carriers:
        # A carrier that an import made before the table was here is of it by its name.
        known = None if carrier["built_in"] else named(carrier["name"])
        carrier["built_in"] = known.code if known else carrier["built_in"]
    return export(carriers, checklist=points)
