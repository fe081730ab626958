"""The clock, by hand: what the server does every minute by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import say, with_app
from webapp.services import sweep as service


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(sweep)


@click.command()
@click.option("--at", "moment", help="As if it were this time (RFC 3339, such as 2026-12-08T09:00:00Z).")
@with_app
def sweep(moment: str | None, as_json: bool) -> None:
    """Deem what has fallen due, withdraw what no longer holds, and remind."""
    done = service.sweep(time_of(moment))
    lines = [
        f"{step['parcel']}  {step['kind']}  {step['rule'] or 'withdrawn'}  {step['at']}"
        for step in done.applied
    ]
    counts = f"{len(done.applied)} applied, {done.reminders} reminders, {done.looked_at} parcels looked at"
    say(done.as_dict(), as_json, "\n".join([*lines, counts]))


def time_of(text: str | None) -> datetime:
    """The time that `--at` names; now when it is not given."""
    if text is None:
        return clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Problem("field-invalid", f"--at takes a time such as 2026-12-08T09:00:00Z, not {text!r}.")
    return moment.astimezone(UTC)
