"""Tell of pictures that never came: an hourly round over the proofs that have waited for one too long."""

from __future__ import annotations

from datetime import datetime

import structlog

from sync.evidence.judge import PATIENCE
from sync.protocol.problems import Problem
from webapp.services.checking.conclude import conclude
from webapp.store.queries import evidence as ask
from webapp.store.queries import shop
from webapp.store.unit import lock_org, reading, transaction

log = structlog.get_logger()
AT_ONCE = 500


def tell_of_missing(now: datetime) -> int:
    """Judge the proofs that miss a picture for so long and were not told of yet; gives how many.

    More than some hundreds of a shop (a phone that is gone with all of its photos) take several hours.
    """
    with reading() as session:
        found = {
            org_id: ask.overdue(session, org_id, now - PATIENCE, AT_ONCE) for org_id in shop.all_ids(session)
        }
    for org_id, event_ids in found.items():
        for event_id in event_ids:
            _tell(org_id, event_id, now)
    return sum(map(len, found.values()))


def _tell(org_id: str, event_id: str, now: datetime) -> None:
    try:
        with transaction() as session:
            lock_org(session, org_id, 0)
            conclude(session, org_id, event_id, now)
    except Problem as problem:
        if problem.code != "event-refused":
            raise
        log.warning("the ledger did not take what is missing", code=problem.code, proof=event_id)
