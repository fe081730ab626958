"""The embedded database, copied by SQLite's own VACUUM INTO: one moment, beside any number of writers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from sync.protocol.problems import Problem
from webapp.extensions import db
from webapp.settings import Settings
from webapp.store.backup.copied import BLOB_LIST, Copied, Restored, Table
from webapp.store.backup.files import copy_durably, make_durable
from webapp.store.backup.revisions import upgrade
from webapp.store.backup.settle import settle
from webapp.store.database import engine_options
from webapp.store.unit import prepare_engine

FILE = "baton.db"
_BESIDE = ("-wal", "-shm")


def copy_out(folder: Path) -> Copied:
    """Write the database as one file that needs no log beside it, look it through, and list its blobs."""
    file = folder / FILE
    with _told_plainly(), _connection() as connection:
        connection.execute("VACUUM INTO ?", (str(file),))
    make_durable(file)
    with _told_plainly(), closing(_open(file)) as copy:
        _look_through(copy)
        return _describe(copy, folder)


def load(settings: Settings, folder: Path, restored: Restored) -> None:
    """Put the file in its place and settle it there."""
    file = file_of(settings)
    file.unlink(missing_ok=True)  # an empty one
    file.parent.mkdir(parents=True, exist_ok=True)
    copy_durably(folder / FILE, file)
    engine = create_engine(settings.database_url, **engine_options(settings))
    prepare_engine(engine)
    try:
        with engine.connect() as connection:
            upgrade(connection)
            connection.commit()
        with engine.execution_options(baton_writing=True).begin() as connection:
            settle(connection, restored)
    finally:
        engine.dispose()
    make_durable(file)
    make_durable(file.parent)


def file_of(settings: Settings) -> Path:
    """Where the embedded database lies, or is to lie."""
    return Path(settings.database_url.removeprefix("sqlite:///"))


@contextmanager
def _connection() -> Iterator[Any]:
    # The driver's own: VACUUM runs outside a transaction, and a connection of ours begins one by itself.
    with closing(db.engine.raw_connection()) as connection:
        yield connection.driver_connection


def _open(file: Path) -> Any:
    assert db.engine.dialect.dbapi is not None
    module: Any = db.engine.dialect.dbapi
    return module.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _look_through(copy: Any) -> None:
    ((said,),) = copy.execute("PRAGMA quick_check(1)").fetchall()
    if said != "ok":
        raise Problem("backup-source", f"The database itself is damaged ({said}). Keep every older backup.")


def _describe(copy: Any, folder: Path) -> Copied:
    names = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    # The names come from the database's own list of tables.
    tables = [Table(n, copy.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0]) for n in names]  # noqa: S608
    facts = dict(copy.execute("SELECT name, value FROM installation").fetchall())
    ((revision,),) = copy.execute("SELECT version_num FROM alembic_version").fetchall()
    with (folder / BLOB_LIST).open("w", encoding="ascii") as out:
        for row in copy.execute("SELECT org_id, sha256, size FROM blobs ORDER BY org_id, sha256"):
            out.write("{} {} {}\n".format(*row))
    make_durable(folder / BLOB_LIST)
    before = tuple(facts.get("epochs_before", "").split())
    return Copied("sqlite", revision, facts["epoch"], before, tuple(tables), (FILE, BLOB_LIST))


@contextmanager
def _told_plainly() -> Iterator[None]:
    assert db.engine.dialect.dbapi is not None
    module: Any = db.engine.dialect.dbapi
    try:
        yield
    except module.DatabaseError as error:
        said = str(error)
        if "disk is full" in said or "disk I/O error" in said:
            raise Problem("storage-full", "There is no room left for a copy of the database.") from error
        if "malformed" in said or "not a database" in said:
            raise Problem(
                "backup-source", f"The database itself is damaged ({said}). Keep every older backup."
            ) from error
        raise Problem("busy", f"The database cannot be copied just now ({said}).") from error
