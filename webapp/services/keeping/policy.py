"""After how many days an organisation lets its pictures go: off until somebody sets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.protocol.times import format_time, parse_time
from sync.rules.keeping import BEGINS_AFTER, SIGNATURE, Keeping
from webapp.services.keeping.acts import write_act
from webapp.store.queries import keeping as ask
from webapp.store.queries import shop as shops
from webapp.store.queries.keeping import Cutoffs
from webapp.store.unit import Session, lock_org, transaction

_NAME = "keeping"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """How many pictures would go, their bytes, what old ones something keeps (by reason), and from when on."""

    pictures: int
    bytes: int
    kept: Mapping[str, int]
    begins_at: datetime


def keeping_of(session: Session, org_id: str) -> Keeping:
    """As the organisation has set it."""
    told = shops.settings(session, org_id).get(_NAME) or {}
    begins = told.get("begins_at")
    return Keeping(told.get("photos"), told.get("signatures"), parse_time(begins) if begins else None)


def save_keeping(org_id: str, made_by: str, keeping: Keeping, now: datetime) -> Keeping:
    """Put these numbers in force, a day from now; gives them as they stand. The same ones again change nothing."""
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = keeping_of(session, org_id)
        if keeping.as_dict() == held.as_dict():
            return held
        kept = Keeping(keeping.photos, keeping.signatures, now + BEGINS_AFTER if keeping.is_on else None)
        shops.set_setting(session, org_id, _NAME, _as_setting(kept))
        write_act(session, org_id, "keeping_set", made_by, now, kept.as_dict())
    return kept


def cutoffs_of(keeping: Keeping, now: datetime) -> Cutoffs:
    """What is old at this time, by the numbers in force."""
    return Cutoffs(keeping.before("photo", now), keeping.before(SIGNATURE, now))


def foresee(session: Session, org_id: str, keeping: Keeping, now: datetime) -> Foreseen:
    """What would go first if these numbers were put in force now."""
    first = now + BEGINS_AFTER
    cutoffs = cutoffs_of(Keeping(keeping.photos, keeping.signatures), first)
    count, size = ask.totals(session, org_id, cutoffs)
    return Foreseen(count, size, ask.kept_back(session, org_id, cutoffs), first)


def _as_setting(keeping: Keeping) -> dict[str, Any] | None:
    if keeping.begins_at is None:
        return None
    return {**keeping.as_dict(), "begins_at": format_time(keeping.begins_at)}
