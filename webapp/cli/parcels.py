"""Parcels from the command line: the list, and one with its whole history."""

from __future__ import annotations

import click

from webapp import clock
from webapp.cli.output import one_line, say, table, with_app
from webapp.services.deadlines import judgement_of
from webapp.services.sweep import deadlines_told
from webapp.store.queries import told
from webapp.store.unit import reading


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    for command in (parcels, show, quarantine):
        group.add_command(command)


@click.command()
@click.option("--status", help="Only those with this status.")
@with_app
def parcels(status: str | None, as_json: bool) -> None:
    """List parcels."""
    with reading() as session:
        rows = told.parcels(session, status)
    say({"parcels": rows}, as_json, table(rows, ["code", "order_id", "tracking_number", "carrier", "status"]))


@click.command()
@click.argument("code")
@with_app
def show(code: str, as_json: bool) -> None:
    """Tell all about one parcel: by internal code, tracking number or order id."""
    with reading() as session:
        parcel, org_id = told.parcel(session, code)
        judged = judgement_of(session, org_id, parcel["code"], clock.now())
    parcel["deadlines"] = deadlines_told(judged.deadlines)
    lines = [
        "  ".join(
            [
                parcel["code"],
                parcel["status"],
                f"order {parcel['order_id'] or '-'}",
                f"{parcel['carrier'] or '-'} {parcel['tracking_number'] or ''}",
            ]
        ),
        *(
            f"  ! {a['code']} ({a['severity']}{', closed' if a['closed'] else ''})"
            for a in parcel["anomalies"]
        ),
        *(f"  {d['due_at']}  due: {d['rule']} ({d['state']})" for d in parcel["deadlines"]),
        *(
            f"  {e['effective_at']}  {e['kind']:<14} {e['result']:<9} seq {e['seq']} of {e['device']}"
            for e in parcel["events"]
        ),
        *(
            f"  {b['role']:<10} {b['sha256']} {'held' if b['held'] else 'NOT YET HERE'}"
            for b in parcel["blobs"]
        ),
    ]
    say(parcel, as_json, "\n".join(map(one_line, lines)))


@click.command()
@with_app
def quarantine(as_json: bool) -> None:
    """List what was held back, and why."""
    with reading() as session:
        rows = told.quarantine(session)
    say(
        {"quarantine": rows},
        as_json,
        table(rows, ["received_at", "device", "code", "outcome", "detail", "sha256"]),
    )
