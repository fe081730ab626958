"""People from the command line: add somebody, list everybody."""

from __future__ import annotations

from typing import Any

import click

from webapp import clock
from webapp.cli.output import say, table, with_app
from webapp.services.add_user import NewPerson, add_user
from webapp.services.change_user import set_password
from webapp.store.models import ROLES
from webapp.store.queries import people
from webapp.store.unit import reading


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    group.add_command(user)
    group.add_command(users)


@click.group()
def user() -> None:
    """People of the shop."""


@user.command("add")
@click.option("--name", required=True, help="As it is to stand under what they record.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--email", help="To sign in to the office.")
@click.option("--password", help="8 characters or more; left out, one is made up and printed this once.")
@click.option(
    "--seller",
    help="Only for sellers: whose parcels they see, as the orders name the shop; left out, their phone lists all.",
)
@with_app
def add(
    name: str, role: str, email: str | None, password: str | None, seller: str | None, as_json: bool
) -> None:
    """Add somebody to the shop."""
    with reading() as session:
        org_id = people.only_shop(session).id
    person = NewPerson(name, role, seller, email, password)
    # The protocol's command line makes a person of any role from a name and a role alone.
    added = add_user(org_id, person, clock.now(), may_be_partial=True)
    payload: dict[str, Any] = {"id": added.id, "name": added.name, "role": added.role, "email": added.email}
    if added.password:
        payload["password"] = added.password
    signs_in = f" They sign in as {added.email} with {added.password}." if added.password else ""
    say(payload, as_json, f"{added.name} is added as {added.role}: {added.id}.{signs_in}")


@user.command("password")
@click.option("--user", "who", required=True, help="Id or name.")
@click.option("--password", help="8 characters or more; left out, one is made up and printed this once.")
@with_app
def password_(who: str, password: str | None, as_json: bool) -> None:
    """Give somebody a new password for the office, and end their sessions."""
    with reading() as session:
        person = people.find_user(session, who)
    made = set_password(person.org_id, person.id, password, by_role="admin")
    told = {"id": person.id, "email": person.email, **({"password": made} if made else {})}
    words = f"{person.name} signs in as {person.email} with {made or 'the password you gave'}."
    say(told, as_json, words)


@click.command()
@with_app
def users(as_json: bool) -> None:
    """List the people."""
    with reading() as session:
        rows = [_told(person) for person in people.list_people(session)]
    say({"users": rows}, as_json, table(rows, ["id", "name", "role", "email", "active", "phones"]))


def _told(person: people.Person) -> dict[str, Any]:
    signed_in = person.last_signed_in_at
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "seller": person.seller,
        "email": person.email,
        "active": person.active,
        "phones": person.phones,
        "created_at": person.created_at.isoformat(),
        "last_signed_in_at": signed_in.isoformat() if signed_in else None,
    }
