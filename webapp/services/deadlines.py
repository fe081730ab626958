"""Judge what is due for parcels by their shop's market: the same for the sweep, the pages and the command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from sync.protocol.times import parse_time
from sync.rules import pack as packs
from sync.rules.deadlines import Judgement, OrderTimes, judge
from sync.rules.pack import Pack
from webapp.store.journal import SqlJournal
from webapp.store.queries import deadlines as ask
from webapp.store.queries.deadlines import OrderClock, ShopClock
from webapp.store.unit import Session

pack_of = packs.of_market


def stamp_of(shop: ShopClock) -> str:
    """What a shop's deadlines are judged by: another one once its market, its zone or a number of its pack changes."""
    zone = packs.zone_of(shop.market, shop.zone)
    return sha256(f"{packs.stamp(pack_of(shop.market))} {zone.key}".encode()).hexdigest()


def look(
    session: Session,
    org_id: str,
    codes: Collection[str],
    orders: Mapping[str, Iterable[OrderClock]],
    pack: Pack,
    now: datetime,
) -> dict[str, Judgement]:
    """The deadlines of these parcels at `now`, by code; what nobody knows here is absent."""
    journal = SqlJournal(session, org_id, 0, now)
    facts = journal.facts(codes)
    return {
        about.code: judge(
            facts.get(about.code, ()), about, order_times(orders.get(about.code, ())), pack, now
        )
        for about in journal.parcels(codes, ())
    }


def judgement_of(session: Session, org_id: str, code: str, now: datetime) -> Judgement:
    """One parcel's deadlines, made now: what the page and `baton show` tell does not wait for the clock."""
    shop = ask.shop_clock(session, org_id)
    orders = ask.orders_of(session, org_id, [code])
    return look(session, org_id, [code], orders, pack_of(shop.market), now).get(code, Judgement(()))


def order_times(orders: Iterable[OrderClock]) -> OrderTimes:
    """What rules count from: of several orders in one parcel the earliest, since the first to fall due decides."""
    held = list(orders)
    own: dict[str, datetime] = {}
    for order in held:
        for name, text in order.own_times.items():
            at = parse_time(text)
            own[name] = min(at, own.get(name, at))
    return OrderTimes(
        min((order.created_at for order in held if order.created_at), default=None),
        next((told for order in held if (told := shipping_of(order.shipping))), None),
        bool(held) and all(order.is_preorder for order in held),
        own,
    )


def shipping_of(words: str | None) -> str | None:
    """Tiktok or seller (`R10`), from the export's “Delivery Option Type”; None when it says neither."""
    said = (words or "").casefold()
    if "seller" in said:
        return "seller"
    return "tiktok" if "tiktok" in said or "platform" in said else None
