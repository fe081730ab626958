"""What the database does at best: rows put in by the bare driver, without a layer of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, text

from webapp.settings import Settings
from webapp.store import database
from webapp.store.unit import prepare_engine

Write = Callable[[Sequence[tuple[str, str]]], None]


class RawTable:
    """A table of its own in the database of these settings, set up as ours are."""

    def __init__(self, settings: Settings) -> None:
        self._engine = create_engine(settings.database_url, **database.engine_options(settings))
        prepare_engine(self._engine)
        with self._engine.connect() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS bench_raw (id TEXT PRIMARY KEY, body TEXT)"))
            connection.commit()

    @contextmanager
    def writing(self) -> Iterator[Write]:
        """A function that commits (key, text) rows as one durable transaction, on one open connection."""
        with self._engine.execution_options(baton_writing=True).connect() as connection:
            cursor: Any = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
            is_sqlite = self._engine.dialect.name == "sqlite"
            mark = "?" if is_sqlite else "%s"
            statement = f"INSERT INTO bench_raw VALUES ({mark}, {mark})"  # noqa: S608  (two marks of our own)

            def write(rows: Sequence[tuple[str, str]]) -> None:
                if is_sqlite:  # is told to begin; psycopg begins by itself
                    cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany(statement, rows)
                cursor.execute("COMMIT")

            yield write

    def close(self) -> None:
        """Let go of its connections."""
        self._engine.dispose()
