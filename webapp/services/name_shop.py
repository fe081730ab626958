"""Give a shop its name: on every page, on handover sheets and tags, in notices, letters and proofs."""

from __future__ import annotations

from sync.protocol.problems import Problem
from webapp.services.found_shop import MARK
from webapp.store.queries import shop
from webapp.store.unit import lock_org, transaction

LONGEST = 120


def name_shop(org_id: str, name: str) -> None:
    """Keep the name. A shop that somebody has named is theirs: no demo takes it over any more.

    Problem `field-invalid` (field name).
    """
    words = " ".join(name.split())
    if not 1 <= len(words) <= LONGEST:
        raise Problem("field-invalid", f"Give the shop a name of up to {LONGEST} characters.", field="name")
    with transaction() as session:
        lock_org(session, org_id, 0)
        shop.set_name(session, org_id, words)
        shop.set_setting(session, org_id, MARK, None)
