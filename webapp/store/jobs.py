"""The queue of work that no request waits for: huey, on its own file, never inside one of our transactions.

A task dies with its process, so nothing relies on one: rows in our tables say what is to be done, and the
timer hands it in again.
"""

from __future__ import annotations

from typing import Any, cast

from huey import Huey, PostgresHuey, SqliteHuey
from huey.consumer import Consumer

from webapp.extensions import of_app
from webapp.settings import Settings


def make_queue(settings: Settings) -> Huey:
    """The queue: a file in the data folder, or a table beside the rest on PostgreSQL."""
    if settings.is_sqlite:
        return SqliteHuey("baton", filename=str(settings.data / "jobs.db"), results=False)
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    return PostgresHuey("baton", results=False, dsn=dsn)


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
