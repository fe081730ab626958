"""The group of commands, with all its rooms."""

from __future__ import annotations

import click

from webapp.cli import (
    backup,
    bench,
    carriers,
    demo,
    devices,
    importing,
    keeping,
    parcels,
    people,
    persons,
    proof,
    rebuild,
    rescue,
    serve,
    stamps,
    sweep,
)


@click.group("baton", context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """Baton: proof of handover that survives no signal."""


for room in (
    *(serve, people, persons, devices, importing, carriers, parcels, rescue),
    *(proof, stamps, sweep, keeping, rebuild, backup, demo, bench),
):
    room.register(group)
