"""Phones from the command line: enrol, list, revoke."""

from __future__ import annotations

import click

from sync.protocol.times import format_time
from webapp import clock
from webapp.cli.output import say, settings_or_exit, table, with_app
from webapp.services.enrol import make_enrolment, revoke_device
from webapp.store.queries import devices as ask
from webapp.store.queries import people
from webapp.store.unit import reading


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    for command in (enrol, devices, revoke):
        group.add_command(command)


@click.command()
@click.option("--user", "who", required=True, help="Id or name of the person whose phone it is.")
@with_app
def enrol(who: str, as_json: bool) -> None:
    """Make a one-time code that lets one phone in."""
    with reading() as session:
        user = people.find_user(session, who)
    made = make_enrolment(user.org_id, user.id, None, clock.now(), settings_or_exit().public_url)
    payload = {"code": made.code, "url": made.url, "expires_at": format_time(made.expires_at)}
    say(
        payload,
        as_json,
        f"{made.url}\nOpen it on the phone of {user.name} before {made.expires_at:%H:%M} UTC.",
    )


@click.command()
@with_app
def devices(as_json: bool) -> None:
    """List the phones with what they have not sent yet."""
    with reading() as session:
        rows = ask.listed(session)
    columns = ["id", "person", "label", "last_seen_at", "unsent", "unsent_blobs", "high_seq", "revoked_at"]
    say({"devices": rows}, as_json, table(rows, columns))


@click.command()
@click.argument("device")
@with_app
def revoke(device: str, as_json: bool) -> None:
    """Sign a phone out; what it still sends is kept for the office."""
    with reading() as session:
        org_id = ask.org_of(session, device)
    revoke_device(org_id, device, clock.now())
    say(
        {"device": device, "revoked": True}, as_json, "Signed out. What it still sends is kept in quarantine."
    )
