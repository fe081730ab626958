"""Say which market a shop sells in: by whose numbers its parcels are judged, in whose zone its days begin."""

from __future__ import annotations

from sync.protocol.problems import Problem
from sync.rules.pack import ZONES
from webapp.settings import MARKETS
from webapp.store.queries import shop
from webapp.store.unit import lock_org, transaction


def choose_market(org_id: str, market: str, zone: str = "") -> bool:
    """Whether that changed anything; the clock then judges what is open anew. Problem `field-invalid`.

    `zone` is the shop's own where its market has several, one of `ZONES`; "" is the market's.
    """
    if market not in MARKETS:
        raise Problem("field-invalid", "Choose one of the markets.", field="market")
    if zone and zone not in ZONES:
        raise Problem("field-invalid", "Choose one of the clocks.", field="zone")
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = shop.shop(session, org_id)
        if (held.market, held.zone or "") == (market, zone):
            return False
        if held.market != market and held.zone == zone:
            zone = ""  # it was one of the other market's
        shop.set_market(session, org_id, market)
        shop.set_setting(session, org_id, "time_zone", zone or None)
    return True
