"""An organisation's rules of the review desk: may Baton accept what holds, and how much does a person still see."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.store.models import Organisation
from webapp.store.unit import Session, lock_org, transaction

MOST_SHARE = 100
_DEFAULT_SHARE = 10


@dataclass(frozen=True, slots=True)
class DeskRules:
    """`by_itself`: a proof whose checks all hold is accepted at once, but for `share` of a hundred, drawn by lot."""

    by_itself: bool = False
    share: int = _DEFAULT_SHARE


def desk_rules(session: Session, org_id: str) -> DeskRules:
    """As the organisation has set them; off unless it has."""
    told = session.get_one(Organisation, org_id).settings.get("review") or {}
    return DeskRules(bool(told.get("by_itself")), int(told.get("share", _DEFAULT_SHARE)))


def keep_desk_rules(org_id: str, rules: DeskRules) -> None:
    """Set them, for what is checked from now on."""
    with transaction() as session:
        lock_org(session, org_id, 0)
        org = session.get_one(Organisation, org_id)
        org.settings = {**org.settings, "review": {"by_itself": rules.by_itself, "share": rules.share}}
