"""Migrations stand in one line, and end at exactly the tables that the models declare."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from webapp.extensions import Base, db
from webapp.store import database


def test_migrations_stand_in_one_line() -> None:
    directory = ScriptDirectory.from_config(database._config())
    assert len(directory.get_heads()) == 1
    assert len(directory.get_bases()) == 1
    assert [script.revision for script in directory.walk_revisions() if len(script.nextrev) > 1] == []


def test_migrated_tables_are_the_declared_ones(app_on_both: Flask) -> None:
    with db.engine.connect() as connection:
        opts = {"compare_type": True, "include_name": not_the_queues}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def not_the_queues(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table is ours: the job queue keeps its own in the same PostgreSQL."""
    return kind != "table" or not (name or "").startswith("huey")
