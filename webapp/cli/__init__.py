"""The command `baton`: one group, one file a subject."""

from __future__ import annotations

import click

from webapp.cli import (
    backup,
    bench,
    carriers,
    demo,
    devices,
    importing,
    parcels,
    people,
    proof,
    rebuild,
    rescue,
    serve,
    sweep,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Baton: proof of handover that survives no signal."""


for room in (
    *(serve, people, devices, importing, carriers, parcels, rescue),
    *(proof, sweep, rebuild, backup, demo, bench),
):
    room.register(main)
