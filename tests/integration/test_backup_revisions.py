"""A backup of any older Baton can be put back: its tables as they were, its rows, then today's tables."""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, func, insert, select

from tests.support.installation import Databases, make_settings, running_app
from webapp import clock
from webapp.settings import Settings
from webapp.store import backup, database
from webapp.store.backup import Copied, Restored, postgresql, revisions, sqlite
from webapp.store.models import Installation, Organisation
from webapp.store.unit import reading

ALL = [script.revision for script in ScriptDirectory.from_config(database._config()).walk_revisions()]


def copy_as_of(revision: str, settings: Settings, folder: Path) -> Copied:
    """A copy as the Baton of that revision would have made it, with one shop in it."""
    engine = create_engine(settings.database_url, **database.engine_options(settings))
    then = MetaData()
    shop = {"id": "o1", "name": "An old shop", "market": "guide", "head": 7, "settings": "{}"}
    try:
        with engine.connect() as connection:
            revisions.upgrade(connection, revision)
            then.reflect(connection)
            made_at = clock.now()
            if settings.is_sqlite:
                made_at = made_at.replace(tzinfo=None)
            said = shop if settings.is_sqlite else {**shop, "settings": {}}
            connection.execute(insert(then.tables["organisations"]), {**said, "created_at": made_at})
            connection.execute(insert(then.tables["installation"]), {"name": "epoch", "value": "before"})
            connection.commit()
            if settings.is_sqlite:
                shutil.copy(sqlite.file_of(settings), folder / sqlite.FILE)
                return Copied("sqlite", revision, "before", (), (), (sqlite.FILE,))
            ours = [table for table in then.sorted_tables if table.name != "alembic_version"]
            tables = tuple(postgresql._table_out(connection, table, folder) for table in ours)
            return Copied("postgresql", revision, "before", (), tables, ())
    finally:
        engine.dispose()


def test_a_backup_of_every_revision_is_put_back_and_brought_up_to_date(
    databases: Databases, tmp_path: Path
) -> None:
    for revision in ALL:
        folder = tmp_path / revision
        folder.mkdir()
        old = make_settings(tmp_path / f"old{revision}", database_url=databases.empty())
        copied = copy_as_of(revision, old, folder)
        new = make_settings(tmp_path / f"new{revision}", database_url=databases.empty())
        backup.load(new, folder, copied, Restored("after", ("before",), (), clock.now()))
        with running_app(new), reading() as session:
            assert session.get_one(Organisation, "o1").head == 7
            assert session.execute(select(func.count()).select_from(Organisation)).scalar_one() == 1
            facts = {row.name: row.value for row in session.execute(select(Installation)).scalars()}
        assert facts.pop("photo_folder", None)  # claimed anew by the start that made the folder
        assert facts == {"epoch": "after", "epochs_before": "before"}
        for settings in (old, new):
            databases.forget(settings.database_url)


def test_a_revision_that_is_not_ours_is_not_known() -> None:
    assert [revisions.is_known(revision) for revision in (*ALL, "0999")] == [True] * len(ALL) + [False]
