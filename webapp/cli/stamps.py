"""`baton stamps`: which days an authority has stamped, and ask it now."""

from __future__ import annotations

from typing import Any

import click

from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from webapp import clock
from webapp.cli.output import say, settings_or_exit, table, with_app
from webapp.services.stamping.days import stamp_days
from webapp.store.models import DayStamp
from webapp.store.queries import shop
from webapp.store.queries import stamps as ask
from webapp.store.unit import reading

_OFF = "No time-stamping authority is set: see BATON_TSA_URL and BATON_TSA_CERTS."


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    group.add_command(stamps)


@click.group()
def stamps() -> None:
    """The days' time stamps by an authority outside (RFC 3161)."""


@stamps.command("list")
@click.option(
    "--most", type=click.IntRange(1, 10_000), default=31, help="How many days of each shop, the newest."
)
@with_app
def list_(most: int, as_json: bool) -> None:
    """Each day that is over: how many events entered, and who stamped it when, or why nobody has."""
    with reading() as session:
        days = [day for org_id in shop.all_ids(session) for day in ask.listed(session, org_id, most)]
    rows = [_told(day) for day in days]
    authority = settings_or_exit().authority
    columns = ["day", "events", "stamped_at", "authority", "tries", "error"]
    words = table(rows, columns) if rows else "No day has been listed yet."
    say(
        {"authority": authority.url if authority else None, "days": rows},
        as_json,
        words if authority else f"{words}\n{_OFF}",
    )


@stamps.command()
@with_app
def now(as_json: bool) -> None:
    """Have every day stamped that is over and has no stamp yet, also those whose next try is later."""
    settings = settings_or_exit()
    if settings.authority is None:
        raise Problem("stamps-off", _OFF)
    done = stamp_days(settings, clock.now(), at_once=True)
    if done.trouble is not None:
        raise Problem("stamp-refused", f"{done.stamped} days were stamped, then: {done.trouble}")
    say(
        {"listed": done.listed, "stamped": done.stamped},
        as_json,
        f"{done.stamped} days were stamped by {settings.authority.url}.",
    )


def _told(day: DayStamp) -> dict[str, Any]:
    return {
        "shop": day.org_id,
        "day": day.day.isoformat(),
        "events": day.size,
        "root": day.root,
        "stamped_at": format_time(day.stamped_at) if day.stamped_at else None,
        "authority": day.authority,
        "tries": day.tries,
        "next_try_at": None if day.stamped_at else format_time(day.next_try_at),
        "error": day.last_error,
    }
