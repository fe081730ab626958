"""How Alembic reaches our tables, from the app's own connection or from `flask db`."""

from __future__ import annotations

from alembic import context
from flask import current_app

import webapp.store.models  # noqa: F401  (the tables register themselves)
from webapp.extensions import Base, db


def _run(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        user_module_prefix="columns.",
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
