"""Room for a restore: what is there is moved aside where it lies, never written over and never removed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sync.protocol.problems import Problem
from webapp.settings import RESTORING, Settings
from webapp.store.backup.files import make_durable
from webapp.store.database import sqlite_module

_BEFORE = "before-"
# What asking for the settings has made already, what a file system keeps in its own root, and a restore's own mark.
_STAYS = frozenset({"secret.key", "secret.lock", "lost+found", RESTORING})
_BESIDE = ("", "-wal", "-shm")


def in_the_way(settings: Settings, database: Path | None, backups: Path) -> list[Path]:
    """What lies in the data folder, but for the backups and what was moved aside before; and the embedded database.

    Problem `not-empty` for another disk, or a link to one, with something on it.
    """
    found = {
        path
        for path in settings.data.iterdir()
        if path.name not in _STAYS
        and not path.name.startswith(_BEFORE)
        and not backups.resolve().is_relative_to(path.resolve())
        and not _is_bare(path)
    }
    fixed = [path for path in found if _is_fixed(path)]
    if fixed:
        raise Problem(
            "not-empty",
            f"{fixed[0]} is another disk or a link, which cannot be moved aside. Empty it, then restore again.",
        )
    if database is not None and settings.data.resolve() not in database.resolve().parents:
        beside = (database.with_name(database.name + end) for end in _BESIDE)
        found |= {file for file in beside if file.exists() and file.stat().st_size}
    return sorted(found)


def _is_fixed(path: Path) -> bool:
    return path.is_symlink() or path.is_mount()


def _is_bare(path: Path) -> bool:
    return _is_fixed(path) and path.is_dir() and all(inside.name == "lost+found" for inside in path.iterdir())


def close_for_good(database: Path) -> None:
    """Have its log in the file, and nobody at it. Problem `busy` when somebody has it open."""
    if not database.exists():
        return
    # Leaving its log behind needs the file alone: SQLite refuses that to all but the last who has it open.
    module = sqlite_module()
    with closing(module.connect(database, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        except module.OperationalError as error:
            raise Problem(
                "busy", f"{database} is open: stop the server and every other command, then restore again."
            ) from error
        except module.DatabaseError:  # damaged: that is why somebody restores
            return


def move_aside(settings: Settings, found: Sequence[Path], now: datetime) -> Path | None:
    """Move these out of the way; gives the folder in the data folder where they lie, None when none lay there.

    A database that lies elsewhere stays beside where it was.
    """
    name = f"{_BEFORE}{now:%Y%m%dT%H%M%S%f}Z"
    aside = settings.data / name
    moved: list[tuple[Path, Path]] = []
    try:
        for path in found:
            there = (
                aside / path.name if path.parent == settings.data else path.with_name(f"{path.name}.{name}")
            )
            there.parent.mkdir(mode=0o700, exist_ok=True)
            moved.append((path, path.rename(there)))
    except OSError:
        for path, there in reversed(moved):
            there.rename(path)
        raise
    for folder in {aside, *(path.parent for path in found)}:
        if folder.exists():
            make_durable(folder)
    return aside if aside.exists() else None
