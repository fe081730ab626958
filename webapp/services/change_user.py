"""Change a person: name and role, a new password, at work or no longer."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sync.protocol.problems import Problem
from webapp.services import passwords
from webapp.services.add_user import checked, may_manage
from webapp.store.models import User
from webapp.store.queries import people, phones
from webapp.store.unit import lock_org, transaction


def edit_user(
    org_id: str, user_id: str, *, name: str, role: str, email: str | None, seller: str | None, by_role: str
) -> None:
    """Change who somebody is. Problems `not-found`, `forbidden`, `field-invalid`, `email-taken`, `last-admin`."""
    name, email, seller = checked(name, role, email, seller)
    may_manage(by_role, role)
    with transaction() as session:
        lock_org(session, org_id, ahead=0)  # or two administrators could demote each other at once
        user = _managed(session, org_id, user_id, by_role)
        if user.role == "admin" and role != "admin":
            _keep_an_admin(session, org_id, user)
        if (user.role, user.seller, user.email) != (role, seller, email):
            _end_sessions(user)
        user.name, user.role, user.email, user.seller = name, role, email, seller
        if email is None:
            user.password = None
        people.write(session, user)


def set_password(org_id: str, user_id: str, password: str | None, *, by_role: str) -> str | None:
    """Give somebody a new password and end their sessions; None makes one up and tells it, this once.

    Problems `not-found`, `forbidden`, `field-invalid` (field password or email).
    """
    made = None if password else passwords.made_up()
    hashed = passwords.kept(password or made or "")
    with transaction() as session:
        user = _managed(session, org_id, user_id, by_role)
        if user.email is None:
            raise Problem("field-invalid", "Give this person an e-mail to sign in with first.", field="email")
        user.password = hashed
        _end_sessions(user)
    return made


def deactivate_user(
    org_id: str, user_id: str, now: datetime, *, by_role: str, by_user: str, revoke_phones: bool
) -> int:
    """Let somebody in no more; their events stay. Gives how many phones were signed out with them.

    A phone that is not signed out is stopped as long as they do not work here, and goes on when they do again.
    Problems `not-found`, `forbidden`, `last-admin`, `conflict` for oneself.
    """
    if user_id == by_user:
        raise Problem("conflict", "You cannot end your own work here; ask another administrator.")
    with transaction() as session:
        lock_org(session, org_id, ahead=0)
        user = _managed(session, org_id, user_id, by_role)
        if user.role == "admin":
            _keep_an_admin(session, org_id, user)
        user.active = False
        _end_sessions(user)
        return phones.revoke_all(session, org_id, user_id, now) if revoke_phones else 0


def reactivate_user(org_id: str, user_id: str, *, by_role: str) -> None:
    """Let somebody in again; phones that were signed out stay so.

    Problems `not-found`, `forbidden`, `conflict` for somebody who was erased: they are added anew.
    """
    with transaction() as session:
        _managed(session, org_id, user_id, by_role).active = True


def _managed(session: Any, org_id: str, user_id: str, by_role: str) -> User:
    user = people.person(session, org_id, user_id)
    if user is None:
        raise Problem("not-found", "There is no such person in this shop.")
    may_manage(by_role, user.role)
    if user.erased_at is not None:
        raise Problem("conflict", "This person's data was erased. Somebody who comes back is added anew.")
    return user


def _keep_an_admin(session: Any, org_id: str, user: User) -> None:
    if user.active and user.password is not None and people.count_admins(session, org_id) < 2:
        raise Problem("last-admin", f"{user.name} is the only administrator; make somebody else one first.")


def _end_sessions(user: User) -> None:
    # A session names the user by this; with another one every browser has to sign in again.
    user.fs_uniquifier = secrets.token_hex(32)
