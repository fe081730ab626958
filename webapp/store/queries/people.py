"""People of a shop as the office and the command line ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.protocol.problems import Problem
from webapp.store.models import Device, Organisation, User


@dataclass(frozen=True, slots=True)
class Person:
    """One person; `phones` counts those that are let in."""

    id: str
    name: str
    role: str
    seller: str | None
    email: str | None
    active: bool
    created_at: datetime
    last_signed_in_at: datetime | None
    phones: int


def list_people(session: Session, org_id: str | None = None) -> list[Person]:
    """The people of a shop (of every shop when None), those at work first, then by name."""
    phones = (
        select(func.count())
        .select_from(Device)
        .where(
            Device.org_id == User.org_id,
            Device.user_id == User.id,
            Device.kind == "phone",
            Device.revoked_at.is_(None),
        )
        .scalar_subquery()
    )
    query = select(
        User.id,
        User.name,
        User.role,
        User.seller,
        User.email,
        User.active,
        User.created_at,
        User.last_signed_in_at,
        phones,
    ).order_by(User.active.desc(), func.lower(User.name), User.id)
    if org_id is not None:
        query = query.where(User.org_id == org_id)
    return [Person(*row) for row in session.execute(query)]


def person(session: Session, org_id: str, user_id: str) -> User | None:
    """One person of this shop, to read or to change; None when there is none."""
    return session.execute(select(User).where(User.org_id == org_id, User.id == user_id)).scalar_one_or_none()


def find_user(session: Session, who: str) -> User:
    """A person of any shop by id, e-mail or full name. Problem `not-found`; `field-invalid` for several."""
    found = session.execute(select(User).where(User.id == who)).scalar_one_or_none()
    if found is not None:
        return found
    named = select(User).where((User.email == who.lower()) | (func.lower(User.name) == func.lower(who)))
    fits = list(session.execute(named).scalars())
    if not fits:
        raise Problem("not-found", f"There is no person {who}.")
    if len(fits) > 1:
        ids = ", ".join(user.id for user in fits)
        raise Problem("field-invalid", f"Several people are called {who}; name one by id: {ids}.")
    return fits[0]


def able(session: Session, org_id: str, roles: tuple[str, ...]) -> list[User]:
    """Active people with one of these roles, by name."""
    query = select(User).where(User.org_id == org_id, User.active.is_(True), User.role.in_(roles))
    return list(session.execute(query.order_by(func.lower(User.name), User.id)).scalars())


def write(session: Session, user: User) -> None:
    """Write a new or changed person now. Problem `email-taken`: an e-mail is one person's in all shops."""
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise Problem("email-taken", "Somebody signs in with this e-mail already.", field="email") from error


def note_sign_in(session: Session, org_id: str, user_id: str, now: datetime) -> None:
    """Write down when a person last signed in."""
    session.execute(
        update(User).where(User.org_id == org_id, User.id == user_id).values(last_signed_in_at=now)
    )


def count_admins(session: Session, org_id: str) -> int:
    """How many active administrators can sign in to a shop."""
    query = select(func.count()).where(
        User.org_id == org_id, User.role == "admin", User.active.is_(True), User.password.is_not(None)
    )
    return session.execute(query).scalar_one()


def only_shop(session: Session) -> Organisation:
    """The shop of this installation that the command line means: the first one. Problem `not-found`."""
    found = session.execute(
        select(Organisation).order_by(Organisation.created_at, Organisation.id).limit(1)
    ).scalar_one_or_none()
    if found is None:
        raise Problem("not-found", "There is no shop here yet: run `baton demo`, or `baton serve` once.")
    return found
