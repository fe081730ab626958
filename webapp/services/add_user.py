"""Add a person to a shop: for the office with an e-mail and a password, for the field with a name only."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import uuid_utils

from sync.protocol.problems import Problem
from webapp.services import passwords
from webapp.store.models import DESK_ROLES, ROLES, User
from webapp.store.queries import people
from webapp.store.unit import transaction

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")
# What a role may do to people: the office keeps the field's people, administrators keep everybody.
MANAGES = {"admin": ROLES, "office": ("courier", "driver", "seller")}


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What is known of somebody to be added; `password` None makes one up when there is an e-mail."""

    name: str
    role: str
    seller: str | None = None
    email: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """Who was added; `password` is told this once when it was made up here, else None."""

    id: str
    name: str
    role: str
    email: str | None
    password: str | None


def add_user(
    org_id: str, person: NewPerson, now: datetime, *, by_role: str = "admin", may_be_partial: bool = False
) -> Added:
    """Add somebody. Problems `field-invalid` (with `field`), `email-taken`, `forbidden` for the role of `by_role`.

    `may_be_partial`: a desk role may come without an e-mail, a seller without a shop. Until the office says more,
    the one cannot sign in and the other sees no parcels there; both can hold a phone, and the seller's lists all.
    """
    name, email, seller = checked(
        person.name, person.role, person.email, person.seller, may_be_partial=may_be_partial
    )
    may_manage(by_role, person.role)
    made = passwords.made_up() if email and not person.password else None
    password = person.password or made
    if password and not email:
        raise Problem("field-invalid", "A password needs an e-mail to sign in with.", field="email")
    hashed = passwords.kept(password) if password else None
    user = User(
        id=str(uuid_utils.uuid7()),
        org_id=org_id,
        name=name,
        role=person.role,
        seller=seller,
        email=email,
        password=hashed,
        active=True,
        fs_uniquifier=secrets.token_hex(32),
        created_at=now,
    )
    with transaction() as session:
        people.write(session, user)
    return Added(user.id, name, person.role, email, made)


def checked(
    name: str, role: str, email: str | None, seller: str | None, *, may_be_partial: bool = False
) -> tuple[str, str | None, str | None]:
    """Name, e-mail and shop as they are kept. Problem `field-invalid` (with `field`)."""
    name, email, seller = name.strip(), (email or "").strip().lower(), (seller or "").strip()
    if not 1 <= len(name) <= 120:
        raise Problem("field-invalid", "Give a name of up to 120 characters.", field="name")
    if role not in ROLES:
        raise Problem("field-invalid", f"A role is one of {', '.join(ROLES)}.", field="role")
    if email and (len(email) > 255 or not _EMAIL.fullmatch(email)):
        raise Problem("field-invalid", "This is no e-mail address.", field="email")
    if role in DESK_ROLES and role != "seller" and not email and not may_be_partial:
        raise Problem("field-invalid", "Who works in the office signs in by e-mail.", field="email")
    if role == "seller" and not seller and not may_be_partial:
        raise Problem("field-invalid", "Name the shop whose parcels this seller may see.", field="seller")
    return name, email or None, (seller[:128] or None) if role == "seller" else None


def may_manage(by_role: str, role: str) -> None:
    """Whether somebody of `by_role` may add or change somebody of `role`. Problem `forbidden`."""
    if role not in MANAGES.get(by_role, ()):
        raise Problem("forbidden", "Only an administrator adds or changes people of this role.", field="role")
