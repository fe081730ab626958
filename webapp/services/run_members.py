"""Who and what may be on a run, and putting it there: shared by making a run and changing one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sync.protocol.problems import Problem
from sync.rules.lifecycle import BEFORE_HANDOVER, HANDOVERS
from webapp.services.moving import Left, drafts_for, hold_reason
from webapp.services.rebuild import refold
from webapp.services.record import record
from webapp.store.models import Run, User
from webapp.store.queries import people, run_members
from webapp.store.queries.picking import Picked

DRIVERS = ("driver",)
COLLECTORS = ("courier", "driver", "seller", "office", "admin")
OUT_FROM = ("handed_over", "in_transit")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to be: `kind` collect, drop_off or deliver, its day, and for whom, where and which carrier."""

    kind: str
    day: date
    user_id: str | None = None
    place_id: str | None = None
    carrier: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put on a run, and what was meant and stayed off it."""

    run_id: str
    title: str
    added: int
    left: tuple[Left, ...]
    is_new: bool = True


def roles_for(kind: str) -> tuple[str, ...]:
    """Who may be given a run: names and addresses reach drivers' phones only, so only they deliver."""
    return DRIVERS if kind == "deliver" else COLLECTORS


def family(kind: str) -> Collection[str]:
    """The kinds of run of which a parcel may be on one at a time."""
    return ("deliver",) if kind == "deliver" else HANDOVERS


def statuses_for(kind: str) -> tuple[str, ...]:
    """What a filter or the one press takes: parcels that wait for exactly this."""
    return OUT_FROM if kind == "deliver" else ("ready",)


def worker(session: Any, org_id: str, kind: str, user_id: str | None) -> User | None:
    """The person a run is given to; None for nobody yet. Problem `field-invalid` (field user_id)."""
    if not user_id:
        return None
    found = people.person(session, org_id, user_id)
    if found is None or not found.active:
        raise Problem("field-invalid", "There is no such person at work in this shop.", field="user_id")
    if found.role not in roles_for(kind):
        raise Problem(
            "field-invalid", f"{found.name} is no driver, and only drivers deliver.", field="user_id"
        )
    return found


def handles(person: User, seller: str | None) -> bool:
    """Whether parcels of this seller are somebody's business: a seller of a named shop has the own ones only."""
    return person.role != "seller" or person.seller is None or person.seller == seller


def judge(
    parcels: Sequence[Picked],
    run: Run,
    person: User | None,
    busy: Mapping[str, tuple[str, str]],
    *,
    named: bool,
) -> tuple[list[Picked], list[Left]]:
    """Which parcels may go on the run, and why the others may not; `named` ones may still be unlabelled."""
    fits: list[Picked] = []
    left: list[Left] = []
    for parcel in parcels:
        why = _unfit(parcel, run, person, busy.get(parcel.code), named=named)
        if why is None:
            fits.append(parcel)
        else:
            left.append(Left(parcel.code, parcel.status, why))
    return fits, left


def put_on(
    session: Any, org_id: str, actor_id: str, run: Run, parcels: Sequence[Picked], number: int, now: datetime
) -> None:
    """Put parcels on a run under change `number`; a delivering driver's parcels go out for delivery."""
    codes = [p.code for p in parcels]
    run_members.put_on(session, org_id, run.id, codes)
    run_members.mark_changed(session, org_id, codes, number)
    run.changed = number
    session.flush()
    # A scan that was made in this run before the run had the parcel fits from now on.
    refold(session, org_id, run_members.missed_on(session, org_id, run.id, codes), number, now)
    send_out(session, org_id, actor_id, run, parcels, now)


def send_out(
    session: Any, org_id: str, actor_id: str, run: Run, parcels: Sequence[Picked], now: datetime
) -> None:
    """Record that parcels are out for delivery, once the run they are on has its driver."""
    if run.kind == "deliver" and run.user_id is not None:
        going = [p for p in parcels if p.status in OUT_FROM]
        record(session, org_id, actor_id, drafts_for("out_for_delivery", going, run=run.id), now)


def _unfit(
    parcel: Picked, run: Run, person: User | None, busy: tuple[str, str] | None, *, named: bool
) -> str | None:
    if busy is not None:
        return "On this run already" if busy[0] == run.id else f"On the run “{busy[1]}” already"
    allowed = statuses_for(run.kind)
    if named:
        allowed = (*OUT_FROM, "out_for_delivery") if run.kind == "deliver" else BEFORE_HANDOVER
    if parcel.status not in allowed:
        return (
            "Not handed over yet"
            if run.kind == "deliver" and parcel.status in BEFORE_HANDOVER
            else ("Cancelled" if parcel.status == "cancelled" else "Past this step already")
        )
    if run.carrier and parcel.carrier and parcel.carrier != run.carrier:
        return "It is another carrier's"
    if person is not None and not handles(person, parcel.seller):
        return f"{person.name} sees only the parcels of their own shop"
    return hold_reason(parcel)
