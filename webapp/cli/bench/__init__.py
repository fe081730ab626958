"""`baton bench`: what this machine does, beside what its disk and database could do at best, in one run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from webapp.cli.bench import events, photos
from webapp.cli.bench.evidence import evidence
from webapp.cli.bench.machine import Machine
from webapp.cli.output import table

BATCHES = (1, 50, 200)


def register(group: click.Group) -> None:
    """Put this command on the group."""
    bench.add_command(evidence)
    group.add_command(bench)


_WHAT = """Events per second through HTTP, each signature verified, folded and durable; raw: rows of the same
size by the same batch, committed by the bare driver. Medians; machines are noisy, so read the ratio."""


@click.group(invoke_without_command=True)
@click.option(
    "--postgresql", metavar="URL", help="Also measure on this PostgreSQL (an empty database of yours)."
)
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where to measure (the disk matters)."
)
@click.option("--rounds", default=5, show_default=True, help="Medians are over so many rounds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
@click.pass_context
def bench(
    context: click.Context, postgresql: str | None, folder: Path | None, rounds: int, as_json: bool
) -> None:
    """Measure events and photos per second through HTTP, beside the raw rates of database and disk."""
    if context.invoked_subcommand is not None:
        return
    figures: dict[str, Any] = {}
    for name, url in (("sqlite", None), ("postgresql", postgresql)):
        if name == "postgresql" and url is None:
            continue
        with (
            tempfile.TemporaryDirectory(prefix="baton-bench-", dir=folder) as inside,
            Machine(Path(inside), url) as on,
        ):
            if (
                url is None
            ):  # first, on an empty log: the carrying over of many events' pages is not the photos' cost
                figures["photos"] = photos.measure(on.url, on.phones[0].token, Path(inside), rounds=rounds)
            figures[name] = {"events": [events.measure(on, batch, rounds) for batch in BATCHES]}
    click.echo(json.dumps(figures, indent=2) if as_json else _words(figures))


def _words(figures: dict[str, Any]) -> str:
    rows = [
        {"on": name, **row}
        for name in ("sqlite", "postgresql")
        for row in figures.get(name, {}).get("events", [])
    ]
    found = figures["photos"]
    photo = (
        f"Photos of {found['photo_bytes'] // 1000} kB by tus, one request each, durable: {found['photos']}/s; "
        f"synced files by one writer: {found['files_one_writer']}/s; ratio {found['ratio']}"
    )
    crowd = (
        f"(by {found['clients']} writers at once: {found['files_as_many_writers']}/s; "
        f"ratio {found['ratio_to_many_writers']})."
    )
    shown = table(rows, ["on", "batch", "events_per_s", "raw_per_s", "ratio"])
    return f"{_WHAT}\n\n{shown}\n\n{photo}\n{crowd}"
