"""`baton person export` and `baton person erase`: what is known of somebody, handed out or taken out."""

from __future__ import annotations

from pathlib import Path

import click

from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import say, with_app
from webapp.cli.proof import written
from webapp.services.personal.erase import erase_person
from webapp.services.personal.export import export_person
from webapp.services.personal.find import Person, find_person
from webapp.store.queries import people
from webapp.store.queries.persons import tells
from webapp.store.unit import reading


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    group.add_command(person)


@click.group()
def person() -> None:
    """One person's data: of the shop's own people, or of somebody who bought."""


@person.command()
@click.argument("who")
@click.option(
    "--out",
    "-o",
    "target",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The zip to write.",
)
@with_app
def export(who: str, target: Path, as_json: bool) -> None:
    """Write everything that is known of WHO: an id, full name or e-mail; an order id or a telephone number."""
    with written(target) as out:
        told = export_person(_shop(), who, out, None, clock.now())
    parts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in told["parts"].items() if count)
    say({"file": str(target), **told}, as_json, f"{target}: {told['name']}, {parts}.")


@person.command()
@click.argument("who", metavar="ID")
@click.option("--signatures", is_flag=True, help="Also the pictures of what they signed at the door.")
@with_app
def erase(who: str, signatures: bool, as_json: bool) -> None:
    """Take ID's name, numbers and addresses out of the books, for good, and say what stays and why.

    ID is a person's id, an order id or a telephone number. An order alone: others of the same buyer are named.
    """
    _is_meant(who)
    done = erase_person(_shop(), who, None, clock.now(), with_signatures=signatures)
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in done.counts.items() if count)
    lines = [f"Erased: {counts or 'nothing was left to erase'}.", *done.stays]
    if done.others:
        lines.append(f"Perhaps the same person's, and untouched: {', '.join(done.others)}.")
    say(done.as_dict(), as_json, "\n".join(lines))


def _is_meant(who: str) -> None:
    """A name alone erases nobody: the id is looked up first, as the office has it typed."""
    with reading() as session:
        person = find_person(session, people.only_shop(session).id, who)
    if who != person.key and not any(who == order.phone for order in person.orders):
        raise Problem("field-invalid", _how(person), field="who")


def _how(person: Person) -> str:
    """By which word somebody is erased whole: an order's id erases that order alone."""
    phone = next((order.phone for order in person.orders if tells(order.phone)), None)
    ids = [order.order_id for order in person.orders] or [person.key]
    if len(ids) == 1 or phone:
        return f"To erase {person.name} for good, name the id: {ids[0] if len(ids) == 1 else phone}."
    return f"To erase {person.name} for good, erase each order by its id: {', '.join(ids)}."


def _shop() -> str:
    with reading() as session:
        return people.only_shop(session).id
