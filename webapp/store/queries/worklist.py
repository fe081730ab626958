"""What one phone's list holds, whole or since a change number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, CompoundSelect, Row, and_, exists, func, or_, select, tuple_, union_all
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import (
    Order,
    Organisation,
    Parcel,
    ParcelOrder,
    Place,
    Run,
    RunParcel,
    Task,
    User,
)

ACTIVE = (
    "expected",
    "confirmed",
    "packed",
    "ready",
    "handed_over",
    "in_transit",
    "out_for_delivery",
    "returning",
)
BEGINNING = (0, "")  # the place before the first parcel
CANCELLED_SHOWN = timedelta(days=14)
RUN_DAYS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose list it is: a person's runs around `day`, and the parcels that person may meet."""

    org_id: str
    user_id: str
    role: str
    seller: str | None
    day: date

    @property
    def own_seller(self) -> str | None:
        """The shop a seller is narrowed to; None for people who handle everybody's parcels.

        So does a seller of no named shop, whom only the command line makes: a list tells no buyer, and a shop whose
        export names nobody has one seller. In the office such a one sees nothing until the shop is named.
        """
        return self.seller if self.role == "seller" else None


def scope_of(session: Session, org_id: str, user_id: str, day: date) -> Scope:
    """The scope of a phone's person today."""
    user = session.execute(select(User).where(User.org_id == org_id, User.id == user_id)).scalar_one()
    return Scope(org_id, user_id, user.role, user.seller, day)


def head(session: Session, org_id: str) -> int:
    """The newest committed change; everything up to it can be read."""
    return session.execute(select(Organisation.head).where(Organisation.id == org_id)).scalar_one()


def parcels_after(
    session: Session,
    scope: Scope,
    after: tuple[int, str],
    upto: int,
    limit: int,
    now: datetime,
    *,
    whole: bool,
) -> Sequence[Row[Parcel, bool]]:
    """Parcels changed after a place in the list, oldest change first, each with `is_mine` (still in scope).

    `whole`: only those in scope, for a phone that has nothing yet and so nothing to remove.
    """
    mine = _in_scope(scope, now)
    # Where a whole list begins, a sum in place of the column keeps the database from walking the index of changes:
    # first come all that were closed long ago. The pages after go on from there, and each parcel is passed once.
    is_beginning = whole and after == BEGINNING
    changed = Parcel.changed + 0 if is_beginning else Parcel.changed
    query = select(Parcel, mine.label("is_mine")).where(
        Parcel.org_id == scope.org_id, changed <= upto, tuple_(changed, Parcel.code) > after
    )
    if whole:
        query = query.where(mine)
    if is_beginning:
        query = query.where(Parcel.code.in_(_candidates(scope, now)))
    return session.execute(query.order_by(changed, Parcel.code).limit(limit)).all()


def recipients(session: Session, scope: Scope, codes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Name and address of those parcels that are on this person's own open delivery runs."""
    rows = session.execute(
        select(RunParcel.code, Order.recipient, Order.address, Order.city, Order.state, Order.postcode)
        .join(Run, (Run.org_id == RunParcel.org_id) & (Run.id == RunParcel.run_id))
        .join(ParcelOrder, (ParcelOrder.org_id == RunParcel.org_id) & (ParcelOrder.code == RunParcel.code))
        .join(Order, (Order.org_id == ParcelOrder.org_id) & (Order.order_id == ParcelOrder.order_id))
        .where(
            RunParcel.org_id == scope.org_id,
            RunParcel.removed_at.is_(None),
            among(session, RunParcel.code, codes),
            Run.user_id == scope.user_id,
            Run.kind == "deliver",
            Run.state == "open",
            Run.day.between(scope.day - RUN_DAYS, scope.day + RUN_DAYS),
        )
    )
    return {
        code: {"name": name or "", "address": ", ".join(part for part in parts if part)}
        for code, name, *parts in rows
    }


def runs_after(
    session: Session, scope: Scope, after: int, upto: int, *, whole: bool
) -> list[tuple[Run, bool]]:
    """Runs changed after a number, each with whether it is on this person's list."""
    query = select(Run).where(Run.org_id == scope.org_id, Run.changed > after, Run.changed <= upto)
    if whole:
        query = query.where(_my_run(scope))
    return [(run, _is_my_run(scope, run)) for run in session.execute(query).scalars()]


def run_codes(session: Session, org_id: str, run_ids: Sequence[str]) -> dict[str, list[str]]:
    """The parcels on each run now, sorted by code."""
    rows = session.execute(
        select(RunParcel.run_id, RunParcel.code)
        .where(
            RunParcel.org_id == org_id,
            RunParcel.removed_at.is_(None),
            among(session, RunParcel.run_id, run_ids),
        )
        .order_by(RunParcel.code)
    )
    found: dict[str, list[str]] = {}
    for run_id, code in rows:
        found.setdefault(run_id, []).append(code)
    return found


def places(session: Session, org_id: str) -> dict[str, Place]:
    """The shop's places by id."""
    return {p.id: p for p in session.execute(select(Place).where(Place.org_id == org_id)).scalars()}


def tasks_after(session: Session, scope: Scope, after: int, upto: int, *, whole: bool) -> list[Task]:
    """This person's tasks changed after a number; only open ones when the phone has nothing yet."""
    query = select(Task).where(
        Task.org_id == scope.org_id, Task.user_id == scope.user_id, Task.changed > after, Task.changed <= upto
    )
    if whole:
        query = query.where(Task.done_at.is_(None))
    return list(session.execute(query).scalars())


def _in_scope(scope: Scope, now: datetime) -> ColumnElement[bool]:
    on_my_run = exists(
        select(RunParcel.code)
        .join(Run, (Run.org_id == RunParcel.org_id) & (Run.id == RunParcel.run_id))
        .where(
            RunParcel.org_id == Parcel.org_id,
            RunParcel.code == Parcel.code,
            RunParcel.removed_at.is_(None),
            _my_run(scope),
        )
    )
    about = or_(
        Parcel.status.in_(ACTIVE),
        and_(Parcel.status == "cancelled", Parcel.updated_at > now - CANCELLED_SHOWN),
    )
    if scope.own_seller is not None:
        about = and_(about, func.coalesce(Parcel.seller, "") == scope.own_seller)
    return and_(Parcel.is_known, or_(about, on_my_run))


def _candidates(scope: Scope, now: datetime) -> CompoundSelect[str]:
    """Codes of all parcels that can be in scope, and of some that are not, each found by an index."""
    of_shop = select(Parcel.code).where(Parcel.org_id == scope.org_id)
    return union_all(
        of_shop.where(Parcel.status.in_(ACTIVE)),
        of_shop.where(Parcel.status == "cancelled", Parcel.updated_at > now - CANCELLED_SHOWN),
        select(RunParcel.code)
        .join(Run, (Run.org_id == RunParcel.org_id) & (Run.id == RunParcel.run_id))
        .where(RunParcel.org_id == scope.org_id, RunParcel.removed_at.is_(None), _my_run(scope)),
    )


def _my_run(scope: Scope) -> ColumnElement[bool]:
    return and_(
        Run.user_id == scope.user_id,
        Run.state == "open",
        Run.day.between(scope.day - RUN_DAYS, scope.day + RUN_DAYS),
    )


def _is_my_run(scope: Scope, run: Run) -> bool:
    return (
        run.user_id == scope.user_id
        and run.state == "open"
        and scope.day - RUN_DAYS <= run.day <= scope.day + RUN_DAYS
    )
