"""Days that are over, what entered the ledger on each, and which of them are stamped.

The clockwork asks here for every shop; what one shop asks names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session, load_only

from webapp.store.among import among
from webapp.store.models import DayStamp, Event, Quarantined

_TAKEN_IN = "accepted"


@dataclass(frozen=True, slots=True)
class Open:
    """A day that waits for its stamp, and how often it was asked for."""

    org_id: str
    day: date
    size: int
    root: str
    tries: int


def next_day(session: Session, org_id: str, before: date) -> date | None:
    """The first day that has no list yet and on which something entered the ledger, before this one.

    Lists are made day after day, so it comes after the newest that has one.
    """
    newest = session.execute(select(func.max(DayStamp.day)).where(DayStamp.org_id == org_id)).scalar()
    since = _start(newest + timedelta(days=1)) if newest is not None else None
    entered = [(Event.org_id, Event.received_at, each) for each in _states(session, org_id)]
    moments = [_first(session, org_id, *each, since) for each in entered]
    taken_in = Quarantined.outcome == _TAKEN_IN
    moments.append(_first(session, org_id, Quarantined.org_id, Quarantined.settled_at, taken_in, since))
    first = min((moment.date() for moment in moments if moment is not None), default=None)
    return first if first is not None and first < before else None


def _first(
    session: Session, org_id: str, owner: Any, column: Any, which: Any, since: datetime | None
) -> datetime | None:
    query = select(func.min(column)).where(owner == org_id, which)
    if since is not None:
        query = query.where(column >= since)
    moment: datetime | None = session.execute(query).scalar()
    return moment


def is_listed(session: Session, org_id: str, day: date) -> bool:
    """Whether a day has its list."""
    query = select(DayStamp.size).where(DayStamp.org_id == org_id, DayStamp.day == day)
    return session.execute(query).first() is not None


def entered_on(session: Session, org_id: str, day: date) -> list[str]:
    """The digests of what entered the ledger that day: received then, or taken in out of quarantine then."""
    received = [
        (row.received_at, row.id, row.sha256)
        for each in _states(session, org_id)
        for row in session.execute(
            select(Event.received_at, Event.id, Event.sha256).where(
                Event.org_id == org_id, each, _on(Event.received_at, day)
            )
        )
    ]
    rows = session.execute(
        select(Event.received_at, Event.id, Event.sha256)
        .join(Quarantined, and_(Quarantined.org_id == Event.org_id, Quarantined.event_id == Event.id))
        .where(
            Event.org_id == org_id,
            Quarantined.outcome == _TAKEN_IN,
            _on(Quarantined.settled_at, day),
        )
    )
    # One that was held back and taken in on its own day is the same one.
    held = {row.id: (row.received_at, row.id, row.sha256) for row in rows}
    held.update((entry[1], entry) for entry in received)
    return [sha256 for _, _, sha256 in sorted(held.values())]


def _states(session: Session, org_id: str) -> Iterator[ColumnElement[bool]]:
    """A condition for each state of review there is: the ledger's index by time begins with it.

    Asked state by state a day is found by the index, however long the ledger is, and no further one has to be kept
    up to date at every event.
    """
    yield Event.review_state.is_(None)
    last = ""
    while True:
        state = session.execute(
            select(func.min(Event.review_state)).where(Event.org_id == org_id, Event.review_state > last)
        ).scalar()
        if state is None:
            return
        yield Event.review_state == state
        last = state


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _on(column: Any, day: date) -> ColumnElement[bool]:
    return and_(column >= _start(day), column < _start(day) + timedelta(days=1))


def claim_next(session: Session, now: datetime, tried_again_at: Any) -> Open | None:
    """A day whose time has come, the newest first, claimed: nobody else asks for it before `tried_again_at(tries)`."""
    row = session.execute(
        select(DayStamp.org_id, DayStamp.day, DayStamp.size, DayStamp.root, DayStamp.tries)
        .where(DayStamp.response.is_(None), DayStamp.next_try_at <= now)
        .order_by(DayStamp.tries, DayStamp.day.desc(), DayStamp.org_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    tries = row.tries + 1
    _update(session, row.org_id, row.day, tries=tries, next_try_at=tried_again_at(tries))
    return Open(row.org_id, row.day, row.size, row.root, tries)


def settle(session: Session, org_id: str, day: date, **values: Any) -> None:
    """Write what came of asking, unless another server has the stamp already: the first one stays."""
    _update(session, org_id, day, **values)


def _update(session: Session, org_id: str, day: date, **values: Any) -> None:
    session.execute(
        update(DayStamp)
        .where(DayStamp.org_id == org_id, DayStamp.day == day, DayStamp.response.is_(None))
        .values(**values)
    )


def wake(session: Session, now: datetime, org_id: str | None = None) -> None:
    """Every day that waits, of one shop or of all, is due now: somebody pressed for it."""
    waits = update(DayStamp).where(DayStamp.response.is_(None), DayStamp.next_try_at > now)
    if org_id is not None:
        waits = waits.where(DayStamp.org_id == org_id)
    session.execute(waits.values(next_try_at=now))


_LISTED = load_only(
    *(DayStamp.org_id, DayStamp.day, DayStamp.size, DayStamp.root, DayStamp.made_at, DayStamp.tries),
    *(DayStamp.next_try_at, DayStamp.last_error, DayStamp.stamped_at, DayStamp.authority),
)


def listed(session: Session, org_id: str, most: int, before: date | None = None) -> list[DayStamp]:
    """A shop's days, the newest first, without their lists and answers."""
    query = select(DayStamp).where(DayStamp.org_id == org_id).options(_LISTED)
    if before is not None:
        query = query.where(DayStamp.day < before)
    return list(session.execute(query.order_by(DayStamp.day.desc()).limit(most)).scalars())


@dataclass(frozen=True, slots=True)
class Trouble:
    """How many days wait since an authority was asked in vain, the oldest of them, and what was said last."""

    days: int
    oldest: date
    why: str


def trouble(session: Session, org_id: str) -> Trouble | None:
    """What a shop's days wait for in vain; None when nothing does."""
    waiting = (DayStamp.org_id == org_id, DayStamp.response.is_(None))
    last = select(DayStamp.last_error).where(*waiting, DayStamp.last_error.is_not(None))
    why = session.execute(last.order_by(DayStamp.next_try_at.desc(), DayStamp.day).limit(1)).scalar()
    if why is None:
        return None
    count, oldest = session.execute(select(func.count(), func.min(DayStamp.day)).where(*waiting)).one()
    return Trouble(int(count), oldest, why)


def count_in_vain(session: Session, org_id: str) -> int:
    """How many of a shop's days wait since an authority was asked in vain."""
    found = trouble(session, org_id)
    return found.days if found else 0


def stamped_among(session: Session, org_id: str, events: Sequence[Event]) -> list[DayStamp]:
    """The stamped days on which one of these events may have entered the ledger, the oldest first."""
    days = {event.received_at.date() for event in events} | _taken_in(session, org_id, [e.id for e in events])
    return list(
        session.execute(
            select(DayStamp)
            .where(DayStamp.org_id == org_id, DayStamp.response.is_not(None), DayStamp.day.in_(sorted(days)))
            .order_by(DayStamp.day)
        ).scalars()
    )


def _taken_in(session: Session, org_id: str, event_ids: Collection[str]) -> set[date]:
    moments = session.execute(
        select(Quarantined.settled_at).where(
            Quarantined.org_id == org_id,
            Quarantined.outcome == _TAKEN_IN,
            among(session, Quarantined.event_id, event_ids),
        )
    ).scalars()
    return {moment.date() for moment in moments if moment is not None}
