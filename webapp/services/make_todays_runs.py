"""Make the day's runs in one press: all that is ready, by carrier and place, for one person."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from webapp.services.make_run import fill
from webapp.services.run_members import Filled, Wanted, family, statuses_for, worker
from webapp.store.queries import run_members
from webapp.store.queries.picking import NONE, Choice
from webapp.store.unit import reading


def make_todays_runs(
    org_id: str, actor_id: str, kind: str, day: date, user_id: str | None, now: datetime
) -> list[Filled]:
    """Put every parcel that waits on a run of its carrier and place; pressing again only adds what came since.

    Gives each run that was made or added to; none when nothing waits. Problem `field-invalid` for the person.
    """
    with reading() as session:
        worker(session, org_id, kind, user_id)
        groups = run_members.waiting(session, org_id, None, statuses_for(kind), family(kind))
    filled = [
        _fill(org_id, actor_id, Wanted(kind, day, user_id, place_id, carrier), now)
        for carrier, place_id, _ in groups
    ]
    return [each for each in filled if each.added or each.left]


def _fill(org_id: str, actor_id: str, wanted: Wanted, now: datetime) -> Filled:
    choice = Choice(
        statuses=statuses_for(wanted.kind), carrier=wanted.carrier or NONE, place_id=wanted.place_id or NONE
    )
    same = partial(
        run_members.same_run,
        org_id=org_id,
        kind=wanted.kind,
        day=wanted.day,
        user_id=wanted.user_id,
        place_id=wanted.place_id,
        carrier=wanted.carrier,
    )
    return _without_the_busy(fill(org_id, actor_id, wanted, choice, now, same))


def _without_the_busy(filled: Filled) -> Filled:
    # Parcels that another run has already are no news here; only those that nothing takes are told.
    left = tuple(x for x in filled.left if not x.why.endswith("already"))
    return Filled(filled.run_id, filled.title, filled.added, left, filled.is_new)
