"""`baton rescue FILE`: read a phone's rescue file from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from webapp import clock
from webapp.cli.output import say, table, with_app
from webapp.services.rescuing.take import take_rescue
from webapp.store.queries import people
from webapp.store.unit import reading

SHOWN = 50
_EVENT_ENDS = {
    "duplicate": "were here already",
    "quarantined": "are held in quarantine",
    "retry": "have to be tried again",
}
_PHOTO_ENDS = {"kept": "came in", "held": "were here already", "refused": "were refused"}


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(rescue)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@with_app
def rescue(file: Path, as_json: bool) -> None:
    """Take in a rescue file (.baton) that a phone wrote.

    Every event goes through the same door as if the phone had sent it; a damaged file gives what can be read and
    names the rest; reading it twice changes nothing.
    """
    with reading() as session:
        org_id = people.only_shop(session).id
    with file.open("rb") as stream:
        done = take_rescue(org_id, None, file.name, stream, clock.now())
    told = done.as_dict()
    say(told, as_json, _words(told, done.counts))


def _words(told: dict[str, Any], counts: dict[str, int]) -> str:
    new = counts.get("applied", 0) + counts.get("recorded", 0)
    told_of = {name: counts.get(name, 0) for name in (*_EVENT_ENDS, *_PHOTO_ENDS)}
    lines = [
        f"Events: {len(told['results'])}. {new} came in, " + _ends(told_of, _EVENT_ENDS),
        f"Photos: {len(told['blobs'])}. " + _ends(told_of, _PHOTO_ENDS),
        f"Photos that these events name and that are still missing: {counts['missing']}.",
    ]
    refused = [
        {"what": item.get("id") or item.get("name") or item["sha256"][:12], "why": item["problem"]["detail"]}
        for item in [*told["results"], *told["blobs"]]
        if item["problem"]
    ]
    if refused:
        lines.append(table(refused[:SHOWN], ["what", "why"]))
    if told["troubles"]:
        lines.append("What could not be read:")
        lines.append(table(told["troubles"][:SHOWN], ["where", "detail"]))
    hidden = max(0, len(refused) - SHOWN) + max(0, len(told["troubles"]) - SHOWN)
    if hidden:
        lines.append(f"… and {hidden} more (all of them with --json).")
    return "\n".join(lines)


def _ends(counts: dict[str, int], ends: dict[str, str]) -> str:
    return ", ".join(f"{counts[name]} {words}" for name, words in ends.items()) + "."
