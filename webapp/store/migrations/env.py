"""How Alembic reaches our tables, from the app's own connection or from `flask db`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import JSON

import webapp.store.models  # noqa: F401  (the tables register themselves)
from webapp.extensions import Base, db
from webapp.store.models.columns import UtcDateTime


def _render(kind: str, value: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types by name, so that a migration says what the model says."""
    if kind == "type" and isinstance(value, JSON):
        return "columns.Json"
    if kind == "type" and isinstance(value, UtcDateTime):
        return "columns.UtcDateTime()"
    return False


def _run(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with current_app.app_context(), db.engine.connect() as connection:
        _run(connection)
        connection.commit()
