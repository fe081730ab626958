"""Make a run for a person, place, carrier and day out of the parcels that fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import uuid_utils

from sync.protocol.problems import Problem
from webapp.services.moving import UNKNOWN, Left, parts
from webapp.services.run_members import Filled, Wanted, family, judge, put_on, worker
from webapp.store.models import Run
from webapp.store.queries import picking, places, run_members
from webapp.store.queries.picking import Choice, Picked
from webapp.store.queries.runs import KINDS
from webapp.store.unit import Session, lock_org, transaction

TITLES = {"collect": "Collect", "drop_off": "Drop off", "deliver": "Deliver"}


def make_run(org_id: str, actor_id: str, wanted: Wanted, choice: Choice, now: datetime) -> Filled:
    """Make one run out of `choice`. Problems `field-invalid` (with `field`), `nothing-to-do` when none fits."""
    filled = fill(org_id, actor_id, wanted, choice, now)
    if not filled.added:
        raise Problem("nothing-to-do", _none_fit(filled.left))
    return filled


def fill(
    org_id: str,
    actor_id: str,
    wanted: Wanted,
    choice: Choice,
    now: datetime,
    find: Callable[[Session], Run | None] | None = None,
) -> Filled:
    """Put what fits of `choice` on the run that `find` gives, else on a new one; without a fit nothing is made.

    Each few hundred parcels are a unit of their own, so that no phone waits for thousands.
    """
    run_id, is_new, added = None, True, 0
    left: list[Left] = []
    for part in parts(org_id, None, choice):
        with transaction() as session:
            number = lock_org(session, org_id)
            held = find(session) if find else None
            run = held or new_run(session, org_id, actor_id, wanted, number, now)
            fits, missed = _sort_out(session, org_id, run, part, is_named=choice.codes is not None)
            if fits:
                session.add(run)
                session.flush()
                put_on(session, org_id, actor_id, run, fits, number, now)
        if run_id is None and (fits or held):
            run_id, is_new = run.id, held is None
            find = partial(_still_open, org_id=org_id, run_id=run.id)
        added += len(fits)
        left += missed
    return Filled(run.id, run.title, added, tuple(left), is_new)


def new_run(session: Any, org_id: str, actor_id: str, wanted: Wanted, number: int, now: datetime) -> Run:
    """A run as wanted, checked, not yet kept. Problem `field-invalid` (with `field`)."""
    if wanted.kind not in KINDS:
        raise Problem("field-invalid", "Choose what the run is for.", field="kind")
    place = places.find_place(session, org_id, wanted.place_id) if wanted.place_id else None
    if wanted.place_id and place is None:
        raise Problem("field-invalid", "There is no such place.", field="place_id")
    carrier = places.find_carrier(session, org_id, wanted.carrier) if wanted.carrier else None
    named = (TITLES[wanted.kind], carrier.name if carrier else wanted.carrier, place.name if place else None)
    return Run(
        org_id=org_id,
        id=str(uuid_utils.uuid7()),
        kind=wanted.kind,
        title=wanted.title.strip()[:120] or " · ".join(filter(None, named)),
        day=wanted.day,
        user_id=wanted.user_id or None,
        place_id=wanted.place_id or None,
        carrier=wanted.carrier or None,
        state="open",
        made_by=actor_id,
        created_at=now,
        changed=number,
    )


def _still_open(session: Session, org_id: str, run_id: str) -> Run:
    run = session.get_one(Run, (org_id, run_id))
    if run.state != "open":
        raise Problem("run-closed", "Somebody closed it while it was being filled; what was put on it stays.")
    return run


def _sort_out(
    session: Session, org_id: str, run: Run, part: Choice, *, is_named: bool
) -> tuple[list[Picked], list[Left]]:
    person = worker(session, org_id, run.kind, run.user_id)
    parcels = picking.pick(session, org_id, None, part)
    here = {p.code for p in parcels}
    busy = run_members.open_runs_of(session, org_id, here, family(run.kind))
    fits, left = judge(parcels, run, person, busy, named=is_named)
    left += [Left(code, "", UNKNOWN) for code in part.codes or () if code not in here]
    return fits, left


def _none_fit(left: tuple[Left, ...]) -> str:
    if not left:
        return "No parcel fits what you asked for; nothing was made."
    why = left[0].why if len({x.why for x in left}) == 1 else "each for its own reason"
    return f"None of the {len(left)} parcels can go on this run: {why}."
