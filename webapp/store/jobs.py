"""The queue of work that no request waits for: huey, on its own file, never inside one of our transactions.

A task dies with its process, so nothing relies on one: rows in our tables say what is to be done, and the
timer hands it in again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from huey import Huey, PostgresHuey
from huey.consumer import Consumer
from huey.storage import SqliteStorage

from webapp.extensions import of_app
from webapp.settings import Settings


class _Storage(SqliteStorage):  # type: ignore[misc]
    def _set_journal_mode(self, conn: Any) -> None:
        # The library is Python's own, which may be one that corrupts a write-ahead log (ADR 0003). A file of before
        # has such a log until nobody else has it open; meanwhile we do as that process does.
        with suppress(self.operational_error):
            conn.execute(f"pragma journal_mode={self._journal_mode}")


def make_tables(settings: Settings) -> None:
    """Make the queue's tables where there are none. For one process at a time: on PostgreSQL two collide."""
    _queue(settings, create_tables=True).storage.close()


def make_queue(settings: Settings) -> Huey:
    """The queue: a file in the data folder, or a table beside the rest on PostgreSQL. Its tables are there."""
    return _queue(settings, create_tables=False)


def _queue(settings: Settings, *, create_tables: bool) -> Huey:
    more = {"results": False, "create_tables": create_tables}
    if settings.is_sqlite:
        file = str(settings.data / "jobs.db")
        return Huey("baton", storage_class=_Storage, filename=file, journal_mode="truncate", **more)
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    return PostgresHuey("baton", dsn=dsn, **more)


def current() -> Huey:
    """The queue of this app."""
    return cast(Huey, of_app("baton-jobs"))


def hang_up() -> None:
    """Close this thread's own connection to the queue: for threads that seldom have a job to hand in."""
    current().storage.close()


class InServer(Consumer):  # type: ignore[misc]
    """A consumer in a thread of the server, which keeps the signals to itself."""

    def _set_signal_handlers(self) -> None:
        """Leave SIGTERM to the server: it stops us."""


def consumer(queue: Huey, workers: int = 2) -> Any:
    """A consumer for this queue, not yet started."""
    return InServer(
        queue, workers=workers, worker_type="thread", max_delay=2.0, scheduler_interval=1, shutdown_timeout=8
    )
