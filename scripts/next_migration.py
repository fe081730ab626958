"""Write the next migration from what the tables have become: `python -m scripts.next_migration "what changes"`.

Read it before you keep it: what rows need that are there already, it cannot know. One that has landed is never edited.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from webapp.store.database import MIGRATIONS, _config


def main() -> int:
    """Compare the declared tables with those of all migrations so far, on an empty SQLite, and write the difference."""
    number = len(list((MIGRATIONS / "versions").glob("[0-9]*.py"))) + 1
    with (
        tempfile.TemporaryDirectory() as folder,
        create_engine(f"sqlite:///{folder}/tables.db").connect() as connection,
    ):
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        command.revision(config, sys.argv[1], autogenerate=True, rev_id=f"{number:04}")
    files = [str(file) for file in (MIGRATIONS / "versions").glob(f"{number:04}_*.py")]
    subprocess.run([str(Path(sys.executable).parent / "ruff"), "format", "-q", *files], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
