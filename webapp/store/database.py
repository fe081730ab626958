"""Open the database: the right SQLite, migrated to the newest tables, with an epoch of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uuid_utils
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from webapp.extensions import db
from webapp.settings import RESTORING, Settings, SettingsError
from webapp.store import jobs, models, unit
from webapp.store.prepared import Prepared

PACKAGE = Path(__file__).resolve().parent.parent
MIGRATIONS = PACKAGE / "store" / "migrations"
_EPOCH = Prepared(
    lambda _dialect: select(models.Installation.value).where(models.Installation.name == "epoch")
)
_SILENT = {"hide_parameters": True}  # an error's text goes to the log: no buyer's address with it
_MIGRATING = 8_314_906  # the advisory lock's number: any constant of our own


def engine_options(settings: Settings) -> dict[str, Any]:
    """Options for SQLAlchemy's engine. Raises SettingsError when no sound SQLite library is there."""
    if not settings.is_sqlite:
        # Ten seconds for a lock, then `busy`: a thread that waits for ever is one that answers nobody.
        if importlib.util.find_spec("psycopg") is None:
            raise SettingsError(
                "BATON_DATABASE_URL: postgresql:// needs more libraries: scripts/setup.sh scale"
            )
        always = {"options": "-c timezone=UTC -c lock_timeout=10s"}
        return {
            "pool_size": settings.threads + 2,
            "max_overflow": 4,
            "pool_pre_ping": True,
            "connect_args": always,
            **_SILENT,
        }
    return {"module": sqlite_module(), "pool_size": settings.threads + 2, "max_overflow": 4, **_SILENT}


def sqlite_module() -> Any:
    """The embedded database's driver. SettingsError for a library that is too old to be safe."""
    # Older libraries can corrupt a write-ahead log when it is reset while another connection reads.
    try:
        from pysqlite3 import dbapi2 as module  # noqa: PLC0415  (there is a wheel for Linux only)
    except ImportError:
        module = sqlite3
    if module.sqlite_version_info < (3, 51, 3):
        raise SettingsError(
            f"SQLite {module.sqlite_version} is too old to be safe (3.51.3 or newer): pip install pysqlite3"
        )
    return module


def prepare(settings: Settings) -> None:
    """Bring the tables up to date and give a new installation its epoch. Safe from several processes at once."""
    if (settings.data / RESTORING).exists():
        raise SettingsError(f"{settings.data}: a restore is under way here, or was cut short: restore again")
    unit.prepare_engine(db.engine)
    with alone(settings) as connection:
        if _is_behind(connection):
            _upgrade(connection)
        jobs.make_tables(settings)
        ensure_epoch()


def ensure_epoch() -> None:
    """Write an epoch if there is none yet."""
    with unit.reading() as session:
        if session.get(models.Installation, "epoch") is not None:
            return
    with unit.transaction() as session:
        if session.get(models.Installation, "epoch") is None:
            session.add(models.Installation(name="epoch", value=str(uuid_utils.uuid7())))


def epoch() -> str:
    """The name of this history; another one after a restore or a reset."""
    with unit.looking() as connection:
        return _only(_EPOCH.glance(connection))


def epoch_in(session: Session) -> str:
    """The same, by a session that is open already."""
    return _only(_EPOCH.rows(session.connection()))


def _only(rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        raise RuntimeError("the database was not prepared")
    value: str = rows[0][0]
    return value


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[Connection]:
    """What the processes of an installation must not do at the same moment: migrate, found."""
    with contextlib.ExitStack() as stack:
        if settings.is_sqlite:
            stack.enter_context(FileLock(settings.data / ".migrating.lock"))
        connection = stack.enter_context(_connected())
        if not settings.is_sqlite:
            # Another's migration may take longer than a lock is waited for: that limit is for who answers requests.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": _MIGRATING})
            connection.commit()  # ends the setting; the lock is the session's
        try:
            yield connection
        finally:
            if not settings.is_sqlite:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": _MIGRATING})
                connection.commit()


def _connected() -> Connection:
    try:
        return db.engine.connect()
    except OperationalError as error:
        why = str(error.orig).strip().splitlines()
        raise SettingsError(
            f"BATON_DATABASE_URL: cannot connect: {why[0] if why else 'no answer'}"
        ) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _is_behind(connection: Connection) -> bool:
    heads = set(ScriptDirectory.from_config(_config()).get_heads())
    held = set(MigrationContext.configure(connection).get_current_heads())
    connection.rollback()
    return heads != held


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SettingsError(
            f"The database is of a newer Baton than this one ({error}): install that one again."
        ) from error
    connection.commit()
