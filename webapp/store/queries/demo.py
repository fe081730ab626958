"""What loading the demo shop asks: what is there already, and what waits to be put on a run."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webapp.store.models import Carrier, Order, Organisation, Parcel, Place, Run, RunParcel, User


def find_shop(session: Session) -> Organisation | None:
    """The demo shop, known by the mark in its settings."""
    shops = session.execute(select(Organisation).order_by(Organisation.created_at)).scalars()
    return next((org for org in shops if (org.settings or {}).get("demo")), None)


def untouched_shop(session: Session, mark: str) -> Organisation | None:
    """The shop that an installation began with, if nobody and nothing is in it yet."""
    shops = session.execute(select(Organisation).order_by(Organisation.created_at)).scalars()
    founded = next((org for org in shops if (org.settings or {}).get(mark)), None)
    if founded is None:
        return None
    has_people = session.execute(select(User.id).where(User.org_id == founded.id).limit(1)).first()
    has_parcels = session.execute(select(Parcel.code).where(Parcel.org_id == founded.id).limit(1)).first()
    return None if has_people or has_parcels else founded


def people(session: Session, org_id: str) -> dict[str, str]:
    """Ids by name."""
    rows = session.execute(select(User.name, User.id).where(User.org_id == org_id).order_by(User.created_at))
    return {name: id_ for name, id_ in rows}  # noqa: C416 (rows are no plain pairs to a type checker)


def emails(session: Session, org_id: str) -> dict[str | None, str]:
    """Ids by e-mail, of those who have one."""
    found = select(User.email, User.id).where(User.org_id == org_id, User.email.is_not(None))
    return {email: id_ for email, id_ in session.execute(found)}  # noqa: C416 (rows are no plain pairs)


def places(session: Session, org_id: str) -> dict[str, str]:
    """Ids by name."""
    rows = session.execute(select(Place.name, Place.id).where(Place.org_id == org_id))
    return {name: id_ for name, id_ in rows}  # noqa: C416


def carriers(session: Session, org_id: str) -> set[str]:
    """The codes there are."""
    return set(session.execute(select(Carrier.code).where(Carrier.org_id == org_id)).scalars())


def runs_of_day(session: Session, org_id: str, day: date) -> list[dict[str, Any]]:
    """The runs of a day with whose they are and how many parcels are on them."""
    rows = session.execute(
        select(Run.id, Run.kind, Run.title, User.name, func.count(RunParcel.code))
        .join(User, User.id == Run.user_id, isouter=True)
        .join(
            RunParcel,
            (RunParcel.org_id == Run.org_id) & (RunParcel.run_id == Run.id) & RunParcel.removed_at.is_(None),
            isouter=True,
        )
        .where(Run.org_id == org_id, Run.day == day)
        .group_by(Run.id, Run.kind, Run.title, User.name, Run.created_at)
        .order_by(Run.created_at, Run.id)
    )
    return [
        {"id": id_, "kind": kind, "title": title, "person": person, "parcels": count}
        for id_, kind, title, person, count in rows
    ]


def waiting(session: Session, org_id: str, kind: str, carrier: str, not_seller: str, most: int) -> list[str]:
    """Codes of a carrier's parcels that wait for this kind of run and are on none; sellers carry only their own."""
    statuses = ("handed_over", "in_transit") if kind == "deliver" else ("ready",)
    on_a_run = (
        select(RunParcel.code)
        .join(Run, (Run.org_id == RunParcel.org_id) & (Run.id == RunParcel.run_id))
        .where(RunParcel.org_id == org_id, RunParcel.removed_at.is_(None), Run.state == "open")
    )
    query = select(Parcel.code).where(
        Parcel.org_id == org_id,
        Parcel.is_known,
        Parcel.carrier == carrier,
        Parcel.status.in_(statuses),
        Parcel.code.not_in(on_a_run),
    )
    if kind == "drop_off":
        query = query.where(or_(Parcel.seller.is_(None), Parcel.seller != not_seller))
    return list(session.execute(query.order_by(Parcel.tracking_number).limit(most)).scalars())


def counts(session: Session, org_id: str) -> dict[str, int]:
    """How many orders and parcels the shop has."""
    return {
        "orders": session.execute(select(func.count()).where(Order.org_id == org_id)).scalar_one(),
        "parcels": session.execute(select(func.count()).where(Parcel.org_id == org_id)).scalar_one(),
    }
