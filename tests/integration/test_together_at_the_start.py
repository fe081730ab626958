"""Several processes start at once: one migrates and makes the queue, the others wait for it, however long it takes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, text

from tests.support.installation import Databases, make_settings, running_app
from webapp.extensions import db
from webapp.settings import Settings
from webapp.store import database, jobs


@pytest.fixture
def grown(postgresql_databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """An app on PostgreSQL."""
    with running_app(make_settings(tmp_path, database_url=postgresql_databases.migrated())) as app:
        yield app


def settings_of(app: Flask) -> Settings:
    settings: Settings = app.extensions["baton-settings"]
    return settings


def waiting_jobs() -> int:
    try:
        return int(jobs.current().pending_count())
    finally:
        jobs.hang_up()


def starting(app: Flask, work: Callable[[], object], ended: list[object]) -> threading.Thread:
    """Do this in a thread; what it gives, or the error that it ends with, goes on the list."""

    def run() -> None:
        with app.app_context():
            try:
                ended.append(work())
            except Exception as error:  # noqa: BLE001  (the test looks at it)
                ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_who_starts_while_another_migrates_waits_longer_than_for_any_other_lock(grown: Flask) -> None:
    db.engine.dispose()

    @event.listens_for(db.engine, "connect")
    def _impatient(connection: object, _record: object) -> None:
        connection.execute("SET lock_timeout = '200ms'")  # type: ignore[attr-defined]
        connection.commit()  # type: ignore[attr-defined]

    def limit() -> str:
        with database.alone(settings_of(grown)) as connection:
            return str(connection.execute(text("SHOW lock_timeout")).scalar_one())

    ended: list[object] = []
    with database.alone(settings_of(grown)):
        waiting = starting(grown, limit, ended)
        waiting.join(1)
        assert (waiting.is_alive(), ended) == (True, [])
    waiting.join(30)
    assert ended == ["200ms"], "for all that comes after it the limit is what it was"


def test_the_queue_is_made_by_one_of_those_who_start_at_once(grown: Flask) -> None:
    with db.engine.begin() as connection:
        for name in ("kv", "schedule", "task", "counter"):
            connection.execute(text(f"DROP TABLE huey_{name}"))
    ended: list[object] = []
    threads = [starting(grown, lambda: database.prepare(settings_of(grown)), ended) for _ in range(4)]
    for thread in threads:
        thread.join(60)
    assert ended == [None] * 4
    assert waiting_jobs() == 0


def test_the_file_of_the_queue_has_no_write_ahead_log(app: Flask) -> None:
    file = settings_of(app).data / "jobs.db"
    assert waiting_jobs() == 0
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() != ("wal",)
    assert not file.with_name("jobs.db-wal").exists()


def test_a_queue_beside_a_process_that_still_has_such_a_log_works(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    with sqlite3.connect(settings.data / "jobs.db") as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE held (it)")
        other.commit()
        jobs.make_tables(settings)
        queue = jobs.make_queue(settings)
        assert queue.pending_count() == 0
        queue.storage.close()
    other.close()
    jobs.make_tables(settings)
    with sqlite3.connect(settings.data / "jobs.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() != ("wal",)
    connection.close()
