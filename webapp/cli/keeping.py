"""`baton retention`: delete the bytes of photos that are older than their shop keeps them."""

from __future__ import annotations

import click

from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import REFUSED, say, with_app
from webapp.cli.sweep import time_of
from webapp.services.keeping.delete_old import Round, delete_old_photos


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(retention)


@click.command()
@click.option(
    "--at", "moment", help="As if it were this time (RFC 3339); later than now only with --dry-run."
)
@click.option("--dry-run", "is_trial", is_flag=True, help="Only say what would be deleted.")
@with_app
def retention(moment: str | None, is_trial: bool, as_json: bool) -> None:
    """Delete what is older than the shop keeps it (set under Privacy in the office; off by default).

    The server does this by itself every hour. Events and digests stay.
    """
    now = time_of(moment)
    if now > clock.now() and not is_trial:
        raise Problem(
            "field-invalid", "What is deleted does not come back: --at a later time needs --dry-run."
        )
    rounds = delete_old_photos(now, is_trial=is_trial)
    told = {"dry_run": is_trial, "deleted": sum(done.deleted for done in rounds)}
    say({**told, "shops": [done.as_dict() for done in rounds]}, as_json, "\n".join(_words(rounds, is_trial)))
    if any(done.is_failed for done in rounds):
        raise SystemExit(REFUSED)


def _words(rounds: list[Round], is_trial: bool) -> list[str]:
    lines = []
    for done in rounds:
        if done.is_failed:
            lines.append(f"{done.org_id}: it broke off; the log says why. The next round goes on with it.")
            continue
        if not done.keeping.is_on:
            lines.append(f"{done.org_id}: every photo is kept.")
            continue
        gone = f"{done.photos} photos and {done.signatures} signatures, {done.bytes} bytes"
        lines.append(f"{done.org_id}: {gone} {'would be deleted' if is_trial else 'deleted'}.")
        lines += [f"  {count} are old and stay: {why}" for why, count in done.kept.items()]
    return lines
