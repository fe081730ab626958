"""`baton carrier-feed`: what a carrier says of parcels, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sync.rules.vocabulary import VOCABULARIES
from webapp import clock
from webapp.cli.output import say, table, with_app

SHOWN = 20


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(carrier_feed)


@click.command("carrier-feed")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--carrier", required=True, metavar="CODE", help="The shop's code of the carrier.")
@click.option("--vocabulary", type=click.Choice(VOCABULARIES), help="Whose words the file uses (found out).")
@click.option("--preview", "look", is_flag=True, help="Only say what would happen.")
@with_app
def carrier_feed(file: Path, carrier: str, vocabulary: str | None, look: bool, as_json: bool) -> None:
    """Read a carrier's statuses (CSV in UTF-8, or XLSX): Tracking ID, Status, Time, and what else there is.

    Every bad row is named and the rest is taken; reading the same file again changes nothing.
    """
    from webapp.services.feeds.statuses import read_statuses
    from webapp.store.queries import people
    from webapp.store.unit import reading

    with reading() as session:
        org_id = people.only_shop(session).id
        staff = people.able(session, org_id, ("admin",)) or people.able(session, org_id, ("office",))
    about = {"carrier": carrier, "vocabulary": vocabulary or "", "source": "cli"}
    actor_id = staff[0].id if staff else org_id
    outcome = read_statuses(org_id, actor_id, file, about, clock.now(), not look)
    told = {**outcome.as_dict(), "counts": dict(outcome.counts)}
    say(told, as_json, _words(told))


def _words(told: dict[str, Any]) -> str:
    lines = [f"{told['rows']} rows."] + [
        f"{number} {words}" for number, words, _ in told["figures"] if number
    ]
    rejected = told["rejected"]
    if rejected:
        lines.append(table(rejected[:SHOWN], ["row", "column", "message"]))
        if len(rejected) > SHOWN:
            lines.append(f"… and {len(rejected) - SHOWN} more (all of them with --json).")
    return "\n".join(lines)
