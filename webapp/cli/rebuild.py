"""`baton rebuild`: what the tables say against what the events say."""

from __future__ import annotations

import click

from webapp import clock
from webapp.cli.output import REFUSED, say, with_app
from webapp.services import rebuild as services


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(rebuild)


@click.command()
@click.option("--check", is_flag=True, help="Only compare; exit 1 when something differs.")
@with_app
def rebuild(check: bool, as_json: bool) -> None:
    """Fold every parcel anew from its events."""
    if not check:
        count = services.rebuild(clock.now())
        say({"parcels": count, "differing": []}, as_json, f"{count} parcels folded anew.")
        return
    count, differing = services.check(clock.now())
    told = [{"code": d.code, "columns": d.columns} for d in differing]
    words = f"{count} parcels, {len(differing)} differ from their events."
    lines = [words, *(f"  {d.code}: {d.columns}" for d in differing)]
    say({"parcels": count, "differing": told}, as_json, "\n".join(lines))
    if differing:
        raise SystemExit(REFUSED)
