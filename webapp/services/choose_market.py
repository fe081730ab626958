"""Say which market a shop sells in: by whose numbers its parcels are judged, in whose zone its days begin."""

from __future__ import annotations

from sync.protocol.problems import Problem
from webapp.settings import MARKETS
from webapp.store.queries import shop
from webapp.store.unit import lock_org, transaction


def choose_market(org_id: str, market: str) -> bool:
    """Whether that changed anything; the clock then judges what is open anew. Problem `field-invalid`."""
    if market not in MARKETS:
        raise Problem("field-invalid", "Choose one of the markets.", field="market")
    with transaction() as session:
        lock_org(session, org_id, 0)
        if shop.shop(session, org_id).market == market:
            return False
        shop.set_market(session, org_id, market)
    return True
