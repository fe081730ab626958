"""Keep an organisation's packing checklist (`R3`-`R6`); phones get it with the rules."""

from __future__ import annotations

from collections.abc import Sequence

from sync.rules.packing import Point, checked, checklist
from webapp.store.queries import shop as shops
from webapp.store.unit import lock_org, reading, transaction


def read_checklist(org_id: str) -> tuple[Point, ...]:
    """The list in force: the organisation's own, or the guide's."""
    with reading() as session:
        return checklist(shops.settings(session, org_id).get("pack_checklist"))


def save_checklist(org_id: str, points: Sequence[Point] | None) -> None:
    """Put these points in the place of the list; None goes back to the guide's. Problem `field-invalid`."""
    kept = None if points is None else [point.as_dict() for point in checked(points)]
    with transaction() as session:
        lock_org(session, org_id)
        shops.set_setting(session, org_id, "pack_checklist", kept)
