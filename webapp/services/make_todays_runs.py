"""Make the day's runs in one press: all that is ready, by carrier and place, for one person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from webapp.services.make_run import fill_new
from webapp.services.run_members import Filled, Wanted, family, judge, put_on, statuses_for, worker
from webapp.store.models import Run
from webapp.store.queries import picking, run_members
from webapp.store.queries.picking import NONE, Choice
from webapp.store.unit import lock_org, transaction


def make_todays_runs(
    org_id: str, actor_id: str, kind: str, day: date, user_id: str | None, now: datetime
) -> list[Filled]:
    """Put every parcel that waits on a run of its carrier and place; pressing again only adds what came since.

    Gives each run that was made or added to; none when nothing waits. Problem `field-invalid` for the person.
    """
    with transaction() as session:
        number = lock_org(session, org_id)
        worker(session, org_id, kind, user_id)
        groups = run_members.waiting(session, org_id, None, statuses_for(kind), family(kind))
        filled = [
            _fill(session, org_id, actor_id, Wanted(kind, day, user_id, place_id, carrier), number, now)
            for carrier, place_id, _ in groups
        ]
    return [each for each in filled if each.added or each.left]


def _fill(session: Any, org_id: str, actor_id: str, wanted: Wanted, number: int, now: datetime) -> Filled:
    choice = Choice(
        statuses=statuses_for(wanted.kind), carrier=wanted.carrier or NONE, place_id=wanted.place_id or NONE
    )
    held = run_members.same_run(
        session,
        org_id,
        kind=wanted.kind,
        day=wanted.day,
        user_id=wanted.user_id,
        place_id=wanted.place_id,
        carrier=wanted.carrier,
    )
    if held is None:
        return _without_the_busy(fill_new(session, org_id, actor_id, wanted, choice, number, now))
    return _without_the_busy(_add(session, org_id, actor_id, held, choice, number, now))


def _add(
    session: Any, org_id: str, actor_id: str, run: Run, choice: Choice, number: int, now: datetime
) -> Filled:
    parcels = picking.pick(session, org_id, None, choice)
    busy = run_members.open_runs_of(session, org_id, [p.code for p in parcels], family(run.kind))
    person = worker(session, org_id, run.kind, run.user_id)
    fits, left = judge(parcels, run, person, busy, named=False)
    if fits:
        put_on(session, org_id, actor_id, run, fits, number, now)
    return Filled(run.id, run.title, len(fits), tuple(left), is_new=False)


def _without_the_busy(filled: Filled) -> Filled:
    # Parcels that another run has already are no news here; only those that nothing takes are told.
    left = tuple(x for x in filled.left if not x.why.endswith("already"))
    return Filled(filled.run_id, filled.title, filled.added, left, filled.is_new)
