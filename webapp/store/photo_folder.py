"""Whose the photo folder is: a mark in it and the same in the database, so that no mount point is taken for it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import exists, select

from webapp.settings import Settings
from webapp.store import blobs, database
from webapp.store.models import Blob, Installation
from webapp.store.unit import reading, transaction

NAME = "photo_folder"  # in the table of the installation's facts
_NOBODYS = ""  # no folder bears it


def mark_of(settings: Settings) -> str | None:
    """What the photo folder has to bear; None for a store that is no folder. Safe from several processes at once.

    The first start writes it into both. A database that knows of photos while the folder holds none is no first start:
    then nothing is written, and the store is `busy` until Baton is started with the folder's disk there.
    Raises SettingsError.
    """
    if blobs.folder_of(settings) is None:
        return None
    with database.alone(settings):
        with reading() as session:
            said = session.get(Installation, NAME)
            knows_photos = session.execute(select(exists(select(Blob.sha256)))).scalar_one()
        if said is not None:
            return said.value
        if knows_photos and not _holds_photos(settings):
            return _NOBODYS
        mark = blobs.claim_folder(settings)
        with transaction() as session:
            session.add(Installation(name=NAME, value=mark))
        return mark


def _holds_photos(settings: Settings) -> bool:
    folder = blobs.folder_of(settings)
    return folder is not None and Path(folder, "held").is_dir()
