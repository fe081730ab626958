"""A copy of the whole database as files, taken while others write, and put back into an empty one."""

from __future__ import annotations

from pathlib import Path

from webapp.settings import Settings
from webapp.store.backup import aside, postgresql, sqlite
from webapp.store.backup.aside import move_aside
from webapp.store.backup.copied import BLOB_LIST, Copied, Held, LetGo, Restored, Table, read_blob_list
from webapp.store.backup.revisions import is_known

__all__ = [
    "BLOB_LIST",
    "Copied",
    "Held",
    "LetGo",
    "Restored",
    "Table",
    "copy_out",
    "in_the_way",
    "is_known",
    "kind_of",
    "load",
    "move_aside",
    "read_blob_list",
    "what_is_there",
]


def kind_of(settings: Settings) -> str:
    """Which kind of database these settings name: a copy of one does not fit the other."""
    return "sqlite" if settings.is_sqlite else "postgresql"


def copy_out(settings: Settings, folder: Path) -> Copied:
    """Write the running app's database into an empty folder as it is at one moment; the list of its blobs too.

    Problems `storage-full`, `busy`, and `backup-source` when the database itself is damaged.
    """
    return sqlite.copy_out(folder) if settings.is_sqlite else postgresql.copy_out(folder)


def what_is_there(settings: Settings) -> str | None:
    """What lies in a database server where one is to be restored, in words: it cannot be moved. Problem `busy`."""
    return None if settings.is_sqlite else postgresql.what_is_there(settings)


def in_the_way(settings: Settings, backups: Path) -> list[Path]:
    """The files and folders that are to be moved aside before a restore. Problem `busy` when somebody is at them."""
    database = sqlite.file_of(settings) if settings.is_sqlite else None
    if database is not None:
        aside.close_for_good(database)
    return aside.in_the_way(settings, database, backups)


def load(settings: Settings, folder: Path, copied: Copied, restored: Restored) -> None:
    """Make the database anew from its copy, bring its tables up to date and begin another epoch in it.

    Problems `storage-full`, `busy`.
    """
    if settings.is_sqlite:
        sqlite.load(settings, folder, restored)
    else:
        postgresql.load(settings, folder, copied, restored)
