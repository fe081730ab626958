"""Backups of the app of a test, and installations made from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.installation import Databases, make_settings, running_app
from webapp import clock
from webapp.extensions import Base
from webapp.services.backup import MadeBackup, backup
from webapp.services.restore import DoneRestore, restore
from webapp.settings import Settings
from webapp.store.unit import reading


class Backups:
    """A folder of backups, and as many empty installations as asked for, with databases of one kind."""

    def __init__(self, folder: Path, databases: Databases) -> None:
        self.folder = folder / "backups"
        self._databases, self._new, self._made = databases, folder, 0

    def make(self, **how: Any) -> MadeBackup:
        """Back the running app up."""
        return backup(self.folder, clock.now(), **how)

    def blobs(self) -> set[str]:
        """The digests in the folder."""
        return {file.name for file in (self.folder / "blobs").rglob("*") if file.is_file()}

    def empty(self) -> Settings:
        """Settings of an installation with nothing in it."""
        self._made += 1
        return make_settings(self._new / f"restored{self._made}", database_url=self._databases.empty())

    def restore(self, settings: Settings | None = None, **how: Any) -> tuple[Settings, DoneRestore]:
        """Restore into an installation."""
        settings = settings or self.empty()
        return settings, restore(settings, self.folder, clock.now(), **how)

    @contextmanager
    def restored(self, **how: Any) -> Iterator[Flask]:
        """The app of an installation restored from here."""
        settings, _ = self.restore(**how)
        with running_app(settings) as app:
            yield app


def rows(*but: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the running app, but of those named."""
    with reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=str)
            for table in Base.metadata.sorted_tables
            if table.name not in but
        }


def refusal(work: Any, *arguments: Any, **how: Any) -> Problem:
    """The problem that this ends with."""
    try:
        work(*arguments, **how)
    except Problem as problem:
        return problem
    raise AssertionError("it was not refused")
