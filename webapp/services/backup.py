"""Make a backup while the server serves: the database at one moment, every blob it speaks of, the server's key."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from webapp.extensions import of_app
from webapp.services import backup_manifest as page
from webapp.services.backup_manifest import File, Manifest
from webapp.settings import Settings
from webapp.store import backup as databases
from webapp.store import blobs
from webapp.store.backup import BLOB_LIST, Held, LetGo, read_blob_list
from webapp.store.backup.files import (
    copy_durably,
    digest,
    make_durable,
    private,
    told_plainly,
    write_durably,
)
from webapp.store.blobs import BlobStore, FolderObjects, Missing
from webapp.store.queries import deletions, shop
from webapp.store.unit import reading

KEEP = 7
THREADS = 8
_AT_ONCE = 500
_ROUND = timedelta(days=1)  # longer than a round of deletion lasts, that has its time from its beginning
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A finished backup: its folder's name, what is in it, how many blobs were new, which older ones went."""

    snapshot: str
    manifest: Manifest
    copied: int
    removed: list[str]


def backup(folder: Path, now: datetime, *, keep: int = KEEP, is_thorough: bool = False) -> MadeBackup:
    """Add a backup to a folder; the `keep` newest stay. `is_thorough` reads again every blob that is there already.

    The database comes first: a blob that it speaks of was on the disk before. What the shop lets go on purpose
    meanwhile (it is old enough, somebody asked to be erased) is written down as such, and is no damage.
    Problems `backup-folder`, `backup-another`, `backup-source`, `storage-full`, `busy`: the earlier backups are
    untouched then.
    """
    folder = folder.absolute()
    with told_plainly(), private(), _alone(folder):
        made, manifest, copied = _make(folder, now, is_thorough=is_thorough)
        removed = _remove(folder, made, keep)
    return MadeBackup(made.name, manifest, copied, removed)


def _make(folder: Path, now: datetime, *, is_thorough: bool) -> tuple[Path, Manifest, int]:
    with _in_trouble("No backup was made; the earlier ones are untouched."), told_plainly():
        finished, torn = page.snapshots(folder)
        _clear_up(folder, torn)
        made = folder / page.next_name(folder, now.strftime("%Y%m%dT%H%M%SZ"))
        made.mkdir()
        try:
            manifest, copied = _fill(made, finished[-1:], now, is_thorough=is_thorough)
            write_durably(made / page.PAGE, page.write(manifest))
            make_durable(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return made, manifest, copied


def _clear_up(folder: Path, torn: list[Path]) -> None:
    """Remove what a backup that was cut short has left: nobody else is at work here."""
    for path in torn:
        shutil.rmtree(path)
    for part in (folder / page.BLOBS / "new").glob("*"):
        part.unlink()


@contextmanager
def _in_trouble(so_far: str) -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        if problem.code not in {"storage-full", "busy"}:
            raise
        raise Problem(problem.code, f"{problem.detail} {so_far}") from problem


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    strange = sorted(path.name for path in folder.iterdir() if not page.is_ours(path.name))
    if strange:
        raise Problem(
            "backup-folder",
            f"{folder} has other things in it ({strange[0]}). Give a folder of its own for backups.",
        )
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise Problem("busy", "Another backup into this folder is under way.") from error


def _fill(made: Path, newest: list[Path], now: datetime, *, is_thorough: bool) -> tuple[Manifest, int]:
    settings: Settings = of_app("baton-settings")
    copy_durably(settings.signing_key_file, made / page.KEY)
    found = databases.copy_out(settings, made)
    _refuse_another(made.parent, newest, found.epoch, found.epochs_before)
    lacking, copied = _copy_blobs(made / BLOB_LIST, made.parent, is_thorough=is_thorough)
    names = (*found.files, page.KEY)
    files = tuple(File(n, (made / n).stat().st_size, digest(made / n)) for n in names)
    let_go = _let_go(made / BLOB_LIST, now)
    meant = {(gone.org_id, gone.sha256) for gone in let_go}
    damage = tuple(row for row in lacking if (row.org_id, row.sha256) not in meant)
    absent = {*meant, *((row.org_id, row.sha256) for row in lacking)}
    held = [row.size for row in read_blob_list(made / BLOB_LIST) if (row.org_id, row.sha256) not in absent]
    about = (version("baton"), format_time(now), found, files)
    return Manifest(*about, len(held), sum(held), damage, tuple(let_go)), copied


def _let_go(listed: Path, now: datetime) -> list[LetGo]:
    """What the copy says is held and was let go since, whether or not its bytes were copied; asked for at the end."""
    since: dict[tuple[str, str], LetGo] = {}
    with reading() as session:
        for org_id in shop.all_ids(session):
            for gone in deletions.since(session, org_id, now - _ROUND):
                told = (gone.size, gone.type, gone.why, gone.after_days, gone.made_by)
                since[org_id, gone.sha256] = LetGo(org_id, gone.sha256, *told, format_time(gone.deleted_at))
    held = read_blob_list(listed) if since else ()
    return [since[key] for row in held if (key := (row.org_id, row.sha256)) in since]


def _refuse_another(folder: Path, newest: list[Path], epoch: str, epochs_before: Iterable[str]) -> None:
    """The backups of one Baton must never be thinned out for those of another, least of all a fresh and empty one."""
    for path in newest:
        theirs = page.read(path).copied.epoch
        if theirs not in {epoch, *epochs_before}:
            raise Problem(
                "backup-another",
                f"{folder} holds backups of another Baton, or of this one before it was made anew: they stay as"
                " they are. Give another folder.",
            )


def _copy_blobs(listed: Path, folder: Path, *, is_thorough: bool) -> tuple[list[Held], int]:
    """Which of the blobs are not to be had, and how many were copied."""
    source, target = blobs.current(), FolderObjects(folder / page.BLOBS)

    def copy(held: Held) -> str:
        return _copy_blob(source, target, held, is_thorough=is_thorough)

    lacking: list[Held] = []
    copied = 0
    for held, outcome in each(read_blob_list(listed), copy):
        copied += outcome == "copied"
        if outcome == "lacking":
            lacking.append(held)
    return lacking, copied


def _copy_blob(source: BlobStore, target: FolderObjects, held: Held, *, is_thorough: bool) -> str:
    key = page.blob_key(held)
    there = target.stat(key)
    if there is not None and there.size == held.size and (not is_thorough or _is_good(target, key, held)):
        return "there"
    try:
        data = source.read(held.org_id, held.sha256)
    except Missing:
        return "lacking"
    if hashlib.sha256(data).hexdigest() != held.sha256:
        return "lacking"
    if there is not None:
        target.delete(key)
    target.put(key, data)
    return "copied"


def _is_good(target: FolderObjects, key: str, held: Held) -> bool:
    with target.open(key) as stream:
        return hashlib.sha256(stream.read()).hexdigest() == held.sha256


def each(rows: Iterable[Held], work: Callable[[Held], T]) -> Iterator[tuple[Held, T]]:
    """Do the same to many blobs, several at a time: each of them waits for a disk or a network."""
    rows = iter(rows)
    with ThreadPoolExecutor(THREADS) as pool:
        while batch := list(islice(rows, _AT_ONCE)):
            yield from zip(batch, pool.map(work, batch), strict=True)


def _remove(folder: Path, made: Path, keep: int) -> list[str]:
    """Remove what is too old, and the blobs that none of the others speaks of, also those of one that was cut short."""
    old = page.snapshots(folder)[0][:-keep]
    with _in_trouble(f"{made.name} was made, but older backups could not be removed."), told_plainly():
        _remove_all(folder, old)
    return [path.name for path in old]


def _remove_all(folder: Path, old: list[Path]) -> None:
    for path in old:
        (path / page.PAGE).unlink()  # first: what is half removed must not be taken for a backup
        make_durable(path)
        shutil.rmtree(path)
    listed = _listed(page.snapshots(folder)[0])
    if listed is None:
        return
    for file in (folder / page.BLOBS).glob(f"*/??/{'?' * 64}"):
        if "/".join(file.parts[-3:]) not in listed:
            file.unlink(missing_ok=True)


def _listed(finished: list[Path]) -> set[str] | None:
    """The keys of all blobs that these backups speak of; None when it cannot be said, since a list is damaged."""
    listed: set[str] = set()
    for path in finished:
        try:
            promised = {file.name: file.sha256 for file in page.read(path).files}
            if digest(path / BLOB_LIST) != promised[BLOB_LIST]:
                return None
        except (Problem, FileNotFoundError):
            return None
        listed.update(map(page.blob_key, read_blob_list(path / BLOB_LIST)))
    return listed
