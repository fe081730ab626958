"""A PostgreSQL database, copied table by table with COPY in one REPEATABLE READ snapshot.

Not by pg_dump: that need not be on the machine that Baton runs on, and one older than the server refuses.
The tables are ours and made by migrations, so their rows are all there is to keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from sync.protocol.problems import Problem
from webapp.extensions import Base
from webapp.settings import Settings
from webapp.store.backup.copied import BLOB_LIST, Copied, Restored, Table
from webapp.store.backup.files import make_durable
from webapp.store.backup.revisions import upgrade
from webapp.store.backup.settle import settle
from webapp.store.database import engine_options
from webapp.store.unit import snapshot

_PIECE = 1024 * 1024
# What a role or a database may set otherwise, and what the text of a COPY depends on.
_ONE_WAY = ("client_encoding TO 'UTF8'", "datestyle TO 'ISO'", "statement_timeout TO 0")
_BLOBS = "SELECT org_id || ' ' || sha256 || ' ' || size FROM blobs ORDER BY org_id, sha256"


def copy_out(folder: Path) -> Copied:
    """Write a file for each table, as all of them are at one moment, and list the blobs."""
    with snapshot() as session:
        connection = session.connection()
        _read_and_write_one_way(connection)
        tables = tuple(_table_out(connection, table, folder) for table in Base.metadata.sorted_tables)
        _copy_to(connection, f"COPY ({_BLOBS}) TO STDOUT", folder / BLOB_LIST)
        said = connection.execute(text("SELECT name, value FROM installation"))
        facts = {row.name: row.value for row in said}
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    files = (*(_file(table.name) for table in tables), BLOB_LIST)
    before = tuple(facts.get("epochs_before", "").split())
    return Copied("postgresql", revision, facts["epoch"], before, tables, files)


def what_is_there(settings: Settings) -> str | None:
    """The first of our tables in that database, if it has any."""
    with _connection(settings) as connection:
        ours = {table.name for table in Base.metadata.sorted_tables} | {"alembic_version"}
        found = sorted(ours.intersection(inspect(connection).get_table_names()))
    return f"the table {found[0]} in the database" if found else None


def load(settings: Settings, folder: Path, copied: Copied, restored: Restored) -> None:
    """Make the tables, fill and settle them: one transaction, so that a restore cut short has left nothing."""
    with _connection(settings) as connection:
        upgrade(connection, copied.revision)
        _read_and_write_one_way(connection)
        names = ", ".join(f'"{table.name}"' for table in copied.tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")
        for table in copied.tables:
            _table_in(connection, table, folder)
        upgrade(connection)
        settle(connection, restored)
        connection.commit()


def _file(name: str) -> str:
    return f"{name}.copy"


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _read_and_write_one_way(connection: Connection) -> None:
    for setting in _ONE_WAY:
        connection.exec_driver_sql(f"SET LOCAL {setting}")


def _table_out(connection: Connection, table: Any, folder: Path) -> Table:
    columns = tuple(column.name for column in table.columns)
    command = f'COPY "{table.name}" ({_columns(columns)}) TO STDOUT'
    return Table(table.name, _copy_to(connection, command, folder / _file(table.name)), columns)


def _copy_to(connection: Connection, command: str, file: Path) -> int:
    with _cursor(connection) as cursor:
        with file.open("wb") as out, cursor.copy(command) as rows:
            for piece in rows:
                out.write(piece)
        count: int = cursor.rowcount
    make_durable(file)
    return count


def _table_in(connection: Connection, table: Table, folder: Path) -> None:
    command = f'COPY "{table.name}" ({_columns(table.columns)}) FROM STDIN'
    with (
        (folder / _file(table.name)).open("rb") as read,
        _cursor(connection) as cursor,
        cursor.copy(command) as rows,
    ):
        while piece := read.read(_PIECE):
            rows.write(piece)


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()


@contextmanager
def _connection(settings: Settings) -> Iterator[Connection]:
    engine = create_engine(settings.database_url, **engine_options(settings))
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        raise Problem("busy", f"The database cannot be used: {error.orig}") from error
    finally:
        engine.dispose()
