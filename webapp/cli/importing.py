"""`baton import FILE`: read a Seller Center order export from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import click

from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import say, table, with_app
from webapp.services.importing import apply, files, preview
from webapp.services.importing.meaning.dates import CHOICES, Order
from webapp.store.queries import people
from webapp.store.unit import reading

SHOWN = 50


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(import_)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--dates",
    type=click.Choice(CHOICES),
    help="Day or month first, for a file in which no row tells; never overrules the file.",
)
@click.option("--look", is_flag=True, help="Only say what it would do.")
@with_app
def import_(file: Path, dates: str | None, look: bool, as_json: bool) -> None:
    """Import orders from a Seller Center export (CSV in UTF-8, or XLSX).

    Good orders go in and every bad row is named; a newer export of the same orders updates them and never
    undoes a fact; running it twice changes nothing.
    """
    now = clock.now()
    with reading() as session:
        org_id = people.only_shop(session).id
        staff = people.able(session, org_id, ("admin",)) or people.able(session, org_id, ("office",))
    order = cast("Order | None", dates)
    if look:
        outcome = preview.look_ahead(org_id, file, now, order)
    else:
        outcome = _import(org_id, staff[0].id if staff else org_id, file, order, quiet=as_json)
    told = outcome.as_dict()
    say(told, as_json, _words(told, look=look))


def _import(org_id: str, actor_id: str, file: Path, dates: Order | None, *, quiet: bool) -> apply.Outcome:
    now = clock.now()
    file_id = files.begin_here(org_id, actor_id, file, now)
    try:
        outcome = apply.import_file(
            org_id, actor_id, file, now, dates=dates, file_id=file_id, progress=None if quiet else _progress
        )
    except Problem as problem:
        files.refuse(org_id, file_id, problem, clock.now())
        raise
    files.finish(org_id, file_id, outcome, clock.now())
    return outcome


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {total} rows", nl=done >= total, err=True)


def _words(told: dict[str, Any], *, look: bool) -> str:
    verb = "would be" if look else "were"
    orders = (
        f"{told['new']} orders {verb} new, {told['updated']} updated, {told['unchanged']} left as they are"
    )
    lines = [f"{orders}; {told['parcels']} parcels {verb} made or changed."]
    if told["older"]:
        lines.append(f"{told['older']} orders are told by a newer export already.")
    if told["carriers"]:
        lines.append(f"New carriers: {', '.join(told['carriers'])}.")
    lines += told["notes"]
    rejected = told["rejected"]
    if rejected:
        lines.append(f"{len({bad['row'] for bad in rejected})} rows were refused:")
        lines.append(table(rejected[:SHOWN], ["row", "column", "code", "message"]))
        if len(rejected) > SHOWN:
            lines.append(f"… and {len(rejected) - SHOWN} more (all of them with --json).")
    return "\n".join(lines)
