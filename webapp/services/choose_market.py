"""Say where a shop sells, by whose numbers its parcels are judged, and by which clock its people live."""

from __future__ import annotations

from enum import Enum

from sync.protocol.problems import Problem
from webapp.settings import MARKETS
from webapp.store.queries import shop
from webapp.store.unit import lock_org, transaction

# Clocks beside a market's main one (`sync.rules.pack.zone_of`) that differ from it, by IANA's names, with words.
ZONES = {
    "ID": {"Asia/Makassar": "Makassar, Bali (UTC+8)", "Asia/Jayapura": "Jayapura (UTC+9)"},
}


class Changed(Enum):
    """What a choice changed."""

    NOTHING = "nothing"
    CLOCK = "clock"
    MARKET = "market"


def choose_market(org_id: str, market: str, zone: str | None = None) -> Changed:
    """After another market, the clock judges what is open anew. Problem `field-invalid` (field market or zone).

    `zone` is one of the market's ZONES; "" is its main one. None leaves it, as far as the market has it.
    """
    if market not in MARKETS:
        raise Problem("field-invalid", "Choose one of the markets.", field="market")
    own = ZONES.get(market, {})
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = shop.shop(session, org_id)
        if zone is None or (market != held.market and zone == (held.zone or "")):
            zone = held.zone if held.zone in own else ""
        if zone and zone not in own:
            raise Problem("field-invalid", "Choose one of the market’s clocks.", field="zone")
        is_other_market, is_other_clock = market != held.market, (zone or None) != held.zone
        shop.set_market(session, org_id, market)
        shop.set_setting(session, org_id, shop.ZONE, zone or None)
    if is_other_market:
        return Changed.MARKET
    return Changed.CLOCK if is_other_clock else Changed.NOTHING
