"""Stamp the days that are over: write down what entered the ledger on each, then ask for a stamp over the list.

The list is kept before anybody is asked, so that every try, and every later proof, is about the same one. While the
authority is waited for, nothing of the database is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from sync.evidence.timestamp import merkle
from webapp.extensions import of_app
from webapp.services.stamping.asking import NoStamp, ask
from webapp.settings import Authority, Settings
from webapp.store import jobs
from webapp.store.models import DayStamp
from webapp.store.queries import shop, stamps
from webapp.store.queries.stamps import Open
from webapp.store.unit import lock_org, reading, transaction

SLACK = timedelta(hours=1)  # for what was received before midnight and is written a little later
MOST_A_ROUND = 60  # authorities that cost nothing ask for patience; a first day may have years behind it
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=50), timedelta(hours=24)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: days listed, days stamped, and why it stopped before its end (None: it did not)."""

    listed: int = 0
    stamped: int = 0
    trouble: str | None = None


def stamp_days(settings: Settings, now: datetime, *, at_once: bool = False) -> Round:
    """One round; nothing where no authority is set. `at_once` asks also for what waits for its next try.

    An authority in trouble is left alone for the rest of the round. Safe twice and from several processes.
    """
    if settings.authority is None:
        return Round()
    listed = list_days(now)
    if at_once:
        with transaction() as session:
            stamps.wake(session, now)
    stamped = 0
    while at_once or stamped < MOST_A_ROUND:
        with transaction() as session:
            day = stamps.claim_next(session, now, lambda tries: now + wait_after(tries))
        if day is None:
            break
        trouble = _stamp(settings.authority, day)
        if trouble is not None:
            log.warning("a day has no time stamp yet", day=str(day.day), tries=day.tries, why=trouble)
            return Round(listed, stamped, trouble)
        stamped += 1
    return Round(listed, stamped)


def ask_again(org_id: str, now: datetime) -> None:
    """Have the clockwork ask at once for the days of one shop that wait: no request waits for the authority."""
    with transaction() as session:
        stamps.wake(session, now, org_id)
    of_app("baton-stamp")()
    jobs.hang_up()


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many tries in vain: an hour, then twice as long each time, a day at most."""
    return min(_FIRST_WAIT * (1 << min(tries - 1, 8)), _LONGEST_WAIT)


def list_days(now: datetime) -> int:
    """Write down what entered each shop's ledger on each day that is over and has no list; gives how many days."""
    with reading() as session:
        org_ids = shop.all_ids(session)
    count = 0
    for org_id in org_ids:
        while _list_next(org_id, now):
            count += 1
    return count


def _list_next(org_id: str, now: datetime) -> bool:
    """The next day's list, read before the shop is held for a moment to write it down."""
    with reading() as session:
        day = stamps.next_day(session, org_id, (now - SLACK).date())
        leaves = [bytes.fromhex(sha256) for sha256 in stamps.entered_on(session, org_id, day)] if day else []
    if day is None:
        return False
    root = merkle.root(leaves).hex()
    with transaction() as session:
        lock_org(session, org_id, ahead=0)
        if not stamps.is_listed(session, org_id, day):
            session.add(
                DayStamp(
                    org_id=org_id,
                    day=day,
                    size=len(leaves),
                    root=root,
                    leaves=b"".join(leaves),
                    made_at=now,
                    next_try_at=now,
                )
            )
    return True


def _stamp(authority: Authority, day: Open) -> str | None:
    try:
        got = ask(authority, day)
    except NoStamp as error:
        with transaction() as session:
            stamps.settle(session, day.org_id, day.day, last_error=str(error))
        return str(error)
    values = {"response": got.response, "stamped_at": got.at, "authority": got.authority, "last_error": None}
    with transaction() as session:
        stamps.settle(session, day.org_id, day.day, **values)
    return None
