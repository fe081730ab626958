"""Accept what holds without a look at each: by one press of a person, or by the organisation's own rule."""

from __future__ import annotations

import secrets
from datetime import datetime

from webapp.services.checking.desk_rules import desk_rules
from webapp.services.record import Draft, record
from webapp.store.models import Event, ProofCheck
from webapp.store.queries import review
from webapp.store.unit import Session, lock_org, transaction

AT_ONCE = 100


def accept_ready(org_id: str, actor_id: str, seen_at: datetime, now: datetime) -> int:
    """Accept every waiting proof whose checks all held by `seen_at`, a hundred a transaction; gives how many.

    Each is a `review` event of this person, marked as given to all that held.
    """
    count = 0
    while True:
        with transaction() as session:
            lock_org(session, org_id, 0)
            ids = review.ready(session, org_id, seen_at, AT_ONCE)
            drafts = [_draft(session, org_id, event_id, "all that held") for event_id in ids]
            record(session, org_id, actor_id, drafts, now)
        count += len(ids)
        if len(ids) < AT_ONCE:
            return count


def accept_by_rule(session: Session, event: Event, now: datetime) -> None:
    """Accept a proof just judged, if it holds and the organisation wants that; some are kept for a person.

    Drawn once: a proof that was put aside for a person stays so.
    """
    rules = desk_rules(session, event.org_id)
    if not rules.by_itself or not review.is_ready(session, event.org_id, event.id):
        return
    if secrets.randbelow(100) < rules.share:
        session.get_one(ProofCheck, (event.org_id, event.id)).is_sample = True
        session.flush()
        return
    record(session, event.org_id, "checks", [_draft(session, event.org_id, event.id, "rule")], now)


def _draft(session: Session, org_id: str, event_id: str, by: str) -> Draft:
    codes = review.scanned_codes(session, org_id, event_id)
    return Draft("review", codes, ref=event_id, data={"verdict": "accept", "by": by})
