"""`baton backup DIR` and `baton restore DIR`: a copy of everything, and everything from a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import REFUSED, refusing, say, settings_or_exit, with_app
from webapp.services import backup as backing_up
from webapp.services import restore as restoring
from webapp.services.backup import MadeBackup
from webapp.services.restore import DoneRestore
from webapp.store.backup import Held

SHOWN = 20
AND_NOW = (
    "Start the server. Phones that were let in before the backup offer again what came after it; one that was let in"
    " later needs a new link and its rescue file."
)


def register(group: click.Group) -> None:
    """Put these commands on the group."""
    group.add_command(backup)
    group.add_command(restore)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=backing_up.KEEP,
    show_default=True,
    help="How many backups stay in DIR.",
)
@click.option("--verify", is_flag=True, help="Read again the photos that are in DIR already.")
@with_app
def backup(folder: Path, keep: int, verify: bool, as_json: bool) -> None:
    """Add a backup to DIR while the server serves: database, photos, the server's key.

    Photos are copied once, however many backups there are. Keep DIR on another disk, and to yourself: it holds names,
    addresses and the key that signs for this server.
    """
    made = backing_up.backup(folder, clock.now(), keep=keep, is_thorough=verify)
    lacking = made.manifest.lacking
    if not lacking:
        say(_made(made), as_json, _made_words(made))
        return
    problem = Problem(
        "backup-incomplete",
        f"The backup was made and counts, but {len(lacking)} photos that the database says are held are missing or"
        " changed in the store. Phones are asked for them again after a restore.",
    )
    brief = {"code": problem.code, "title": problem.title, "detail": problem.detail}
    words = [_made_words(made), f"{problem.title}: {problem.detail}", *_named(lacking)]
    say({**_made(made), **brief}, as_json, "\n".join(words))
    raise SystemExit(REFUSED)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--snapshot", metavar="NAME", help="Which backup in DIR; the newest finished one if not said.")
@click.option("--without-damaged", is_flag=True, help="Go on without photos that are damaged in DIR.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
def restore(folder: Path, snapshot: str | None, without_damaged: bool, as_json: bool) -> None:
    """Make this installation (BATON_DATA, BATON_DATABASE_URL) what it was when the backup in DIR was made.

    Stop the server first. Everything is looked at before anything is written; what is in the data folder is moved
    aside within it and stays. The server gets a new epoch, so phones offer again what they were told is kept.
    """
    settings = settings_or_exit()
    with refusing(as_json=as_json):
        done = restoring.restore(settings, folder, clock.now(), snapshot=snapshot, is_partial=without_damaged)
        say(_done(done), as_json, _done_words(done))


def _made(made: MadeBackup) -> dict[str, Any]:
    manifest = made.manifest
    return {
        "snapshot": made.snapshot,
        "taken_at": manifest.taken_at,
        "baton": manifest.baton,
        "database": manifest.copied.kind,
        "epoch": manifest.copied.epoch,
        "parcels": manifest.rows("parcels"),
        "events": manifest.rows("events"),
        "blobs": {"held": manifest.blobs, "bytes": manifest.blob_bytes, "copied": made.copied},
        "lacking": [held.sha256 for held in manifest.lacking],
        "let_go": [gone.sha256 for gone in manifest.let_go],
        "removed": made.removed,
    }


def _made_words(made: MadeBackup) -> str:
    manifest = made.manifest
    words = (
        f"{made.snapshot}: {manifest.rows('parcels')} parcels, {manifest.rows('events')} events, {manifest.blobs}"
        f" photos ({made.copied} of them new)."
    )
    return f"{words} Removed: {', '.join(made.removed)}." if made.removed else words


def _done(done: DoneRestore) -> dict[str, Any]:
    manifest = done.manifest
    return {
        "snapshot": done.snapshot,
        "taken_at": manifest.taken_at,
        "epoch": done.epoch,
        "epoch_before": manifest.copied.epoch,
        "parcels": manifest.rows("parcels"),
        "events": manifest.rows("events"),
        "blobs": {"held": manifest.blobs - (len(done.lost) - len(manifest.lacking))},
        "lost": [held.sha256 for held in done.lost],
        "unfinished": done.unfinished,
        "before": str(done.before) if done.before else None,
    }


def _done_words(done: DoneRestore) -> str:
    told = _done(done)
    what = f"{told['parcels']} parcels, {told['events']} events, {told['blobs']['held']} photos"
    lines = [f"Restored {done.snapshot}, made at {told['taken_at']}: {what}.", AND_NOW]
    lines.append(f"Whoever was erased after {told['taken_at']} is in the books again: erase them once more.")
    if done.before:
        aside = ", ".join(str(folder) for folder in sorted(done.before.parent.glob("before-*")))
        lines.append(f"What was here before lies in {aside}: remove it when all is well.")
    if done.unfinished:
        lines.append(f"Passed over, never finished: {', '.join(done.unfinished)}.")
    if done.lost:
        lines += [f"{len(done.lost)} photos are not here; phones that have them are asked for them:"]
        lines += _named(done.lost)
    return "\n".join(lines)


def _named(held: list[Held] | tuple[Held, ...]) -> list[str]:
    lines = [f"  {each.sha256}" for each in held[:SHOWN]]
    return (
        [*lines, f"  and {len(held) - SHOWN} more (all of them with --json)"] if len(held) > SHOWN else lines
    )
