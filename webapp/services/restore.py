"""Put a backup in the place of what is there: everything looked at first, then the key, the blobs, the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uuid_utils

from sync.protocol import keys
from sync.protocol.problems import Problem
from webapp.services import backup_manifest as page
from webapp.services.backup import each
from webapp.services.backup_manifest import Manifest
from webapp.settings import RESTORING, Settings
from webapp.store import backup as databases
from webapp.store import blobs
from webapp.store.backup import BLOB_LIST, Held, Restored, read_blob_list
from webapp.store.backup.files import copy_durably, digest, make_durable, told_plainly, write_durably
from webapp.store.blobs import BlobStore, Missing


@dataclass(frozen=True, slots=True)
class DoneRestore:
    """What was put back: from which backup, under which new epoch, and which blobs are not here any more.

    `before` is the folder where what was here lies now, if anything was.
    """

    snapshot: str
    manifest: Manifest
    epoch: str
    lost: list[Held]
    unfinished: list[str]
    before: Path | None


def restore(
    settings: Settings, folder: Path, now: datetime, *, snapshot: str | None = None, is_partial: bool = False
) -> DoneRestore:
    """Make this installation what it was: of the newest finished backup in the folder, or of the one named.

    `is_partial` goes on without blobs that are damaged or missing: phones that still have them are asked for them.
    What is here is moved aside within the data folder, and stays; a database server's cannot be, and must be empty.
    Problems, before anything is written: `not-empty`, `busy` (the server runs), `backup-unknown`, `backup-torn`,
    `backup-newer`, `backup-damaged`, `backup-other-database`, and SettingsError for a photo store that cannot be
    opened; then `storage-full` and `busy`, after which no server starts here until a restore was made.
    """
    with told_plainly():
        folder = folder.absolute()
        _refuse_what_cannot_move(settings)
        is_new = not databases.in_the_way(settings, folder)
        chosen, unfinished = _choose(folder, snapshot)
        manifest = page.read(chosen)
        _refuse_strange(settings, chosen, manifest)
        _look_at_files(chosen, manifest)
        lost = [*manifest.lacking, *_look_at_blobs(chosen, manifest, is_partial=is_partial)]
        blobs.open_store(settings)
        mark = settings.data / RESTORING
        is_again = mark.exists()
        write_durably(mark, f"{chosen.name}\n".encode())  # from here on no server starts
        before = None if is_new else _make_room(settings, folder, mark, now, is_again=is_again)
        epoch = _put_back(settings, chosen, manifest, lost, now)
        mark.unlink()
        make_durable(settings.data)
    return DoneRestore(chosen.name, manifest, epoch, lost, unfinished, before)


def _refuse_what_cannot_move(settings: Settings) -> None:
    found = databases.what_is_there(settings)
    if found:
        raise Problem(
            "not-empty",
            f"There is {found} already. Stop the server, give an empty database, then restore again.",
        )


def _make_room(settings: Settings, folder: Path, mark: Path, now: datetime, *, is_again: bool) -> Path | None:
    try:
        there = databases.in_the_way(settings, folder)
        return databases.move_aside(settings, there, now)
    except (Problem, OSError):  # a server was started while the backup was looked at, or the disk says no
        if not is_again:
            mark.unlink()
        raise


def _choose(folder: Path, name: str | None) -> tuple[Path, list[str]]:
    if not folder.is_dir():
        raise Problem("backup-unknown", f"There is no folder {folder}.")
    finished, torn = page.snapshots(folder)
    unfinished = [path.name for path in torn]
    if name in unfinished or (name is None and torn and not finished):
        raise Problem(
            "backup-torn", f"{name or unfinished[-1]} was cut short while it was made: it is no backup."
        )
    chosen = [path for path in finished if name in {None, path.name}]
    if not chosen:
        there = f" There are {', '.join(path.name for path in finished)}." if finished else ""
        raise Problem(
            "backup-unknown", f"There is no backup {name or ''} in {folder}.{there}".replace("  ", " ")
        )
    return chosen[-1], unfinished


def _refuse_strange(settings: Settings, chosen: Path, manifest: Manifest) -> None:
    theirs, ours = manifest.copied.kind, databases.kind_of(settings)
    if theirs != ours:
        raise Problem(
            "backup-other-database",
            f"{chosen.name} is of a Baton on {theirs}, and BATON_DATABASE_URL names {ours}. Set it to an empty {theirs}"
            " database (for sqlite: leave it out).",
        )
    if not databases.is_known(manifest.copied.revision):
        raise Problem(
            "backup-newer", f"{chosen.name} was made by Baton {manifest.baton}: install that one or newer."
        )


def _look_at_files(chosen: Path, manifest: Manifest) -> None:
    wrong = []
    for file in manifest.files:
        path = chosen / file.name
        if not path.is_file():
            wrong.append(f"{file.name} is missing")
        elif path.stat().st_size != file.size or digest(path) != file.sha256:
            wrong.append(f"{file.name} is changed")
    if wrong:
        raise page.damaged(chosen, wrong)
    keys.load_private_pem((chosen / page.KEY).read_text("ascii"))


def _look_at_blobs(chosen: Path, manifest: Manifest, *, is_partial: bool) -> list[Held]:
    """Read every blob once before anything is written; gives the bad ones, if those are to be left out."""
    source = chosen.parent / page.BLOBS
    wrong = {
        held: said for held, (said, _) in each(_held(chosen, manifest), lambda h: _read(source, h)) if said
    }
    if wrong and not is_partial:
        what = [f"photo {held.sha256} {said}" for held, said in wrong.items()]
        refusal = page.damaged(chosen, what)
        refusal.detail += " Or go on without these photos, with --without-damaged."
        raise refusal
    return list(wrong)


def _held(chosen: Path, manifest: Manifest) -> Iterable[Held]:
    absent = {(row.org_id, row.sha256) for row in manifest.lacking}
    absent |= {(gone.org_id, gone.sha256) for gone in manifest.let_go}
    return (held for held in read_blob_list(chosen / BLOB_LIST) if (held.org_id, held.sha256) not in absent)


def _read(source: Path, held: Held) -> tuple[str, bytes]:
    # Plain files: the folder may be on something that cannot be written.
    file = source / page.blob_key(held)
    if not file.is_file():
        return "is missing", b""
    data = file.read_bytes()
    return ("", data) if hashlib.sha256(data).hexdigest() == held.sha256 else ("is changed", b"")


def _put_back(settings: Settings, chosen: Path, manifest: Manifest, lost: list[Held], now: datetime) -> str:
    copy_durably(chosen / page.KEY, settings.signing_key_file)
    _put_blobs(blobs.open_store(settings), chosen, manifest, frozenset(lost))
    epoch = str(uuid_utils.uuid7())
    before = (*manifest.copied.epochs_before, manifest.copied.epoch)
    databases.load(settings, chosen, manifest.copied, Restored(epoch, before, lost, now, manifest.let_go))
    return epoch


def _put_blobs(store: BlobStore, chosen: Path, manifest: Manifest, lost: frozenset[Held]) -> None:
    source = chosen.parent / page.BLOBS

    def put(held: Held) -> None:
        said, data = _read(source, held)
        if said:
            raise page.damaged(chosen, [f"photo {held.sha256} {said}"])
        if store.has(held.org_id, held.sha256) and not _is_whole(store, held):
            store.delete(held.org_id, held.sha256)  # a store that lies elsewhere, and was damaged
        store.put(held.org_id, held.sha256, data)

    for _ in each((held for held in _held(chosen, manifest) if held not in lost), put):
        pass


def _is_whole(store: BlobStore, held: Held) -> bool:
    try:
        return hashlib.sha256(store.read(held.org_id, held.sha256)).hexdigest() == held.sha256
    except Missing:
        return False
