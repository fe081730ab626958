"""Make a run for a person, place, carrier and day out of the parcels that fit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import uuid_utils

from sync.protocol.problems import Problem
from webapp.services.moving import UNKNOWN, Left
from webapp.services.run_members import Filled, Wanted, family, judge, put_on, worker
from webapp.store.models import Run
from webapp.store.queries import picking, places, run_members
from webapp.store.queries.picking import Choice
from webapp.store.queries.runs import KINDS
from webapp.store.unit import lock_org, transaction

TITLES = {"collect": "Collect", "drop_off": "Drop off", "deliver": "Deliver"}


def make_run(org_id: str, actor_id: str, wanted: Wanted, choice: Choice, now: datetime) -> Filled:
    """Make one run out of `choice`. Problems `field-invalid` (with `field`), `nothing-to-do` when none fits."""
    with transaction() as session:
        number = lock_org(session, org_id)
        filled = fill_new(session, org_id, actor_id, wanted, choice, number, now)
        if not filled.added:
            raise Problem("nothing-to-do", _none_fit(filled.left))
    return filled


def fill_new(
    session: Any, org_id: str, actor_id: str, wanted: Wanted, choice: Choice, number: int, now: datetime
) -> Filled:
    """Make a run inside the caller's transaction and put on it what fits; without a fit nothing is made."""
    run = new_run(session, org_id, actor_id, wanted, number, now)
    person = worker(session, org_id, run.kind, run.user_id)
    parcels = picking.pick(session, org_id, None, choice)
    held = {p.code for p in parcels}
    busy = run_members.open_runs_of(session, org_id, held, family(run.kind))
    fits, left = judge(parcels, run, person, busy, named=choice.codes is not None)
    left += [Left(code, "", UNKNOWN) for code in choice.codes or () if code not in held]
    if fits:
        session.add(run)
        session.flush()
        put_on(session, org_id, actor_id, run, fits, number, now)
    return Filled(run.id, run.title, len(fits), tuple(left))


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


def _none_fit(left: tuple[Left, ...]) -> str:
    if not left:
        return "No parcel fits what you asked for; nothing was made."
    why = left[0].why if len({x.why for x in left}) == 1 else "each for its own reason"
    return f"None of the {len(left)} parcels can go on this run: {why}."
