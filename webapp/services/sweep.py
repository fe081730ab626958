"""Let the clock look: what has fallen due is deemed, what no longer holds is withdrawn, who is late is reminded.

Only parcels that changed since the last look, or whose time has come, are looked at, however many are at rest.
A sweep does a few hundred parcels a transaction under the shop's lock: it may be cut off anywhere and goes on
next time, twice changes nothing, and several processes at once take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from sync.rules.deadlines import Deadline, Judgement
from sync.rules.pack import zone_of
from webapp.services import sweep_notices
from webapp.services.cases.look import look_at_cases
from webapp.services.deadlines import look, pack_of, stamp_of
from webapp.services.notices.raising import Asked, raise_notices
from webapp.services.record import Draft, record
from webapp.store.queries import cases as ask_cases
from webapp.store.queries import deadlines as ask
from webapp.store.queries import shop
from webapp.store.queries.deadlines import OrderClock
from webapp.store.unit import Session, lock_org, reading, transaction

log = structlog.get_logger()
CLOCK = "clock"
CHUNK = 300
MORNING = time(8)


@dataclass(slots=True)
class Swept:
    """What a sweep did: each deeming and withdrawal, how many orders were reminded of, how many parcels and cases

    were looked at.

    `failed` counts shops whose deadlines could not be looked at; the log says why.
    """

    applied: list[dict[str, Any]] = field(default_factory=list)
    reminders: int = 0
    looked_at: int = 0
    cases: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The command line's answer."""
        return {
            "applied": self.applied,
            "reminders": self.reminders,
            "looked_at": self.looked_at,
            "cases": self.cases,
            "failed": self.failed,
        }


def sweep(now: datetime) -> Swept:
    """Look at everything of every shop that is to be looked at by `now`. Problems `busy`, `storage-full`."""
    swept = Swept()
    with reading() as session:
        org_ids = shop.all_ids(session)
    for org_id in org_ids:
        try:
            _heed_new_terms(org_id, now)
            swept.cases += _sweep_cases(org_id, now)
            while _is_due(org_id, now):
                _sweep_some(org_id, now, swept)
        except Problem:
            raise
        except (
            Exception
        ):  # one shop's trouble is not the others': its cursor stays, the next sweep tries again
            log.exception("a shop's deadlines could not be looked at", org_id=org_id)
            swept.failed += 1
    return swept


def _heed_new_terms(org_id: str, now: datetime) -> None:
    """After another market, zone or pack, every deadline that is not settled is judged anew, each once."""
    with reading() as session:
        shop_now = ask.shop_clock(session, org_id)
    if shop_now.swept_by == stamp_of(shop_now):
        return
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = ask.shop_clock(session, org_id)
        if held.swept_by != (stamp := stamp_of(held)):
            ask.look_again(session, org_id, stamp, now)


def _sweep_cases(org_id: str, now: datetime) -> int:
    """Before the parcels: a period that is over changes them."""
    with reading() as session:
        if ask_cases.waiting(session, org_id, now) is None:
            return 0
        held = ask.shop_clock(session, org_id)
        zone = zone_of(held.market, held.zone)
    return look_at_cases(org_id, CLOCK, zone, now)


def _is_due(org_id: str, now: datetime) -> bool:
    """Whether there is anything to do: asked without a lock, since mostly there is not."""
    with reading() as session:
        cursor = ask.shop_clock(session, org_id).cursor
        return bool(ask.to_look_at(session, org_id, cursor, now, 1).codes)


def _sweep_some(org_id: str, now: datetime, swept: Swept) -> None:
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = ask.shop_clock(session, org_id)
        due = ask.to_look_at(session, org_id, held.cursor, now, CHUNK)
        if not due.codes:
            return
        pack, zone = pack_of(held.market), zone_of(held.market, held.zone)
        orders = ask.orders_of(session, org_id, due.codes)
        judged = look(session, org_id, due.codes, orders, pack, now)
        told = list(sweep_notices.of_deemings(judged, orders, now))
        changed = _apply(session, org_id, judged, now, swept)
        if changed:
            judged |= look(session, org_id, changed, orders, pack, now)
        told += sweep_notices.of_deadlines(judged, orders, now)
        told += _remind(session, org_id, judged, orders, zone, now, swept)
        raise_notices(session, org_id, told, now)
        ask.put(session, org_id, due.codes, _rows(judged, zone, now))
        ask.move_cursor(session, org_id, due.cursor)
        swept.looked_at += len(due.codes)


def _apply(
    session: Session, org_id: str, judged: Mapping[str, Judgement], now: datetime, swept: Swept
) -> list[str]:
    """Record what the judgements ask for, withdrawals first; gives the parcels that this touched."""
    steps: list[tuple[str, str, Draft]] = []
    for code, judgement in judged.items():
        for event_id in judgement.withdraw:
            draft = Draft("void", [], reason="no_longer_holds", ref=event_id)
            steps.append((code, "", draft))
        for deeming in judgement.deem:
            data = {"rule": deeming.rule, "number": deeming.number, "pack": deeming.pack}
            steps.append((code, deeming.rule, Draft(deeming.kind, [code], at=deeming.at, data=data)))
    results = record(session, org_id, CLOCK, [draft for _, _, draft in steps], now)
    for (code, rule, draft), result in zip(steps, results, strict=True):
        said = {"parcel": code, "kind": draft.kind, "rule": rule or None, "event": result.id}
        swept.applied.append({**said, "at": format_time(draft.at or now), "withdraws": draft.ref})
    return sorted({code for code, _, _ in steps})


def _remind(
    session: Session,
    org_id: str,
    judged: Mapping[str, Judgement],
    orders: Mapping[str, Sequence[OrderClock]],
    zone: ZoneInfo,
    now: datetime,
    swept: Swept,
) -> list[Asked]:
    """`R27`: one reminder an order and day, while its update is overdue; gives who is to be told."""
    day = now.astimezone(zone).date()
    late: dict[str, list[str]] = {}
    for code, judgement in judged.items():
        if judgement.is_reminding:
            for order in orders.get(code, ()):
                if order.reminded_on is None or order.reminded_on < day:
                    late.setdefault(order.order_id, []).append(code)
    drafts = [
        Draft("remind", codes, data={"rule": "status_update", "day": day.isoformat(), "order": order_id})
        for order_id, codes in sorted(late.items())
    ]
    record(session, org_id, CLOCK, drafts, now)
    ask.note_reminded(session, org_id, list(late), day)
    swept.reminders += len(late)
    return list(sweep_notices.of_reminders(late, judged, orders, day))


def _rows(judged: Mapping[str, Judgement], zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "parcel": code,
            "rule": deadline.rule,
            "due_at": deadline.due_at,
            "state": deadline.state,
            "met_at": deadline.met_at,
            "next_at": _next_look(deadline, zone, now, is_reminding=judgement.is_reminding),
            "number": deadline.number,
            "pack": deadline.pack,
            "source": deadline.source,
        }
        for code, judgement in judged.items()
        for deadline in judgement.deadlines
    ]


def _next_look(deadline: Deadline, zone: ZoneInfo, now: datetime, *, is_reminding: bool) -> datetime | None:
    """When the clock has to look again because of this one; None when only a new fact can change it."""
    if deadline.state == "open":
        warn = sweep_notices.warn_at(deadline)
        return warn if warn is not None and warn > now else deadline.due_at
    if deadline.state == "paused":
        return deadline.resumes_at  # a period without an end ends by what somebody records
    if is_reminding and deadline.reminds and deadline.state == "passed":
        return _morning_after(now.astimezone(zone).date(), zone)
    return None


def _morning_after(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), MORNING, zone)


def deadlines_told(deadlines: Iterable[Deadline]) -> list[dict[str, Any]]:
    """As `baton show` tells them: `{rule, due_at, state}` and by what number."""
    return [
        {
            "rule": deadline.rule,
            "due_at": format_time(deadline.due_at),
            "state": deadline.state,
            "met_at": format_time(deadline.met_at) if deadline.met_at else None,
            "number": deadline.number,
            "pack": deadline.pack,
            "source": deadline.source,
        }
        for deadline in deadlines
    ]
