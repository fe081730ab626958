"""Installations inside the test process: settings, a migrated database copied in a blink, an app on it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from tests.support.postgres import Postgres
from webapp import settings as settings_module
from webapp.app import create_app
from webapp.extensions import db
from webapp.settings import Settings
from webapp.store.models import Installation
from webapp.store.unit import transaction


def make_settings(folder: Path, **overrides: Any) -> Settings:
    """Settings with all data under `folder`, for tests: a known secret, no rate limits."""
    known = {"data": folder, "secret_key": "a secret of the tests", "testing": True, "rate_limits": False}
    return settings_module.from_env(**{**known, **overrides})


class Client(FlaskClient):
    """A client whose every request has a context of its own, as in a server.

    Flask would use the test's pushed one for all of them, and `g`, with who is signed in, would outlive a request.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send one request."""
        with self.application.app_context():
            return super().open(*args, **kwargs)


@contextmanager
def running_app(settings: Settings) -> Iterator[Flask]:
    """An app on its migrated database, its context pushed, its connections closed at the end."""
    app = create_app(settings)
    app.test_client_class = Client
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


class Databases:
    """Hands out migrated databases of one kind: the migrations run once, then copies are made."""

    def __init__(self, folder: Path, postgres: Postgres | None = None) -> None:
        self._folder = folder
        self._postgres = postgres
        self._numbers = itertools.count(1)
        self._template: str | None = None

    def empty(self) -> str:
        """The address of a new database without a single table."""
        if self._postgres:
            return self._postgres.url(self._postgres.new_database())
        return f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"

    def migrated(self) -> str:
        """The address of a new database with all tables and nothing else."""
        template = self._ready()
        if self._postgres:
            return self._postgres.url(self._postgres.new_database(_name(template)))
        copy = self.empty()
        self.copy_to(Path(_name(copy)))
        return copy

    def copy_to(self, file: Path) -> None:
        """Such a SQLite database as this file."""
        shutil.copyfile(_name(self._ready()), file)

    def _ready(self) -> str:
        if self._template is None:
            self._template = self.empty()
            template = make_settings(self._folder / "template", database_url=self._template)
            with running_app(template), transaction() as session:
                # Each copy gets a photo folder and a life of its own.
                session.execute(delete(Installation))
        return self._template

    def forget(self, url: str) -> None:
        """Throw one away."""
        if self._postgres:
            self._postgres.drop(_name(url))
            return
        for tail in ("", "-wal", "-shm"):
            Path(_name(url) + tail).unlink(missing_ok=True)


def _name(url: str) -> str:
    """The file of a SQLite address, the database's name of a PostgreSQL one."""
    if url.startswith("sqlite:///"):
        return url.removeprefix("sqlite:///")
    return url.partition("@/")[2].partition("?")[0]
