"""Who is told of what the clock found: reminders (`R27`), what is to be marked as shipped (`R13`), what was deemed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from sync.protocol.codes import pretty
from sync.rules.deadlines import Deadline, Judgement
from webapp.services.notices.raising import Asked, To, to_seller
from webapp.store.queries.deadlines import OrderClock

# Somebody has to go to Seller Center for it: told half a working day before it is late, and once more when it is.
AHEAD: Mapping[str, timedelta] = {"mark_shipped": timedelta(hours=12)}
# What fell due longer ago is history (an import of old orders, a server that was away): shown, and not told.
RECENT = timedelta(days=3)
Orders = Mapping[str, Sequence[OrderClock]]


def warn_at(deadline: Deadline) -> datetime | None:
    """When somebody is told ahead of a deadline, if anybody is."""
    ahead = AHEAD.get(deadline.rule)
    return deadline.due_at - ahead if ahead else None


def of_reminders(
    late: Mapping[str, Sequence[str]], judged: Mapping[str, Judgement], orders: Orders, day: date
) -> Iterator[Asked]:
    """One for each order that is reminded of today: {order id: its late parcels}."""
    for order_id, codes in late.items():
        until = min(
            (d.due_at for code in codes for d in judged[code].deadlines if d.effect == "deem_cancelled"),
            default=None,
        ) or min(d.due_at for code in codes for d in judged[code].deadlines if d.reminds)
        params = {"order": order_id, "until": until}
        yield Asked(
            "remind", f"remind:{order_id}:{day}", _to(orders, codes[0]), params, f"/office/orders/{order_id}"
        )


def of_deadlines(judged: Mapping[str, Judgement], orders: Orders, now: datetime) -> Iterator[Asked]:
    """What is soon to be marked as shipped, and what was not in time."""
    for code, judgement in judged.items():
        for deadline in judgement.deadlines:
            warn = warn_at(deadline)
            if warn is None or now < warn:
                continue
            if deadline.state == "passed" and now - deadline.due_at < RECENT:
                yield _of(code, deadline.rule, deadline.due_at, orders, "missed")
            elif deadline.state == "open":
                for order in orders.get(code, ()):
                    params = {"order": order.order_id, "until": deadline.due_at}
                    path = "/office/deadlines?state=open&rule=mark_shipped"
                    # Another market, another number: what was told of the old one says nothing of the new. Not the
                    # second it is due: an order's parcels differ in that, and a late scan moves it.
                    key = f"mark_shipped:{order.order_id}:{deadline.number}"
                    yield Asked("mark_shipped", key, _to(orders, code), params, path)


def of_deemings(judged: Mapping[str, Judgement], orders: Orders, now: datetime) -> Iterator[Asked]:
    """What the clock now deems."""
    for code, judgement in judged.items():
        for deeming in judgement.deem:
            if now - deeming.at < RECENT:
                yield _of(code, deeming.rule, deeming.at, orders, "deemed")


def _of(code: str, rule: str, due_at: datetime, orders: Orders, word: str) -> Asked:
    params = {"about": pretty(code), "deadline": rule, "until": due_at}
    key = f"{word}:{rule}:{code}:{due_at:%Y%m%dT%H%M%S}"
    return Asked("deadline", key, _to(orders, code), params, f"/office/parcels/{code}")


def _to(orders: Orders, code: str) -> To:
    return to_seller(next((order.seller for order in orders.get(code, ()) if order.seller), None))
