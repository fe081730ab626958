"""Write migration 0001 anew from the tables. Only until the first release: after it, migrations are added."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from webapp.store.database import MIGRATIONS, _config


def main() -> int:
    """Replace versions/0001_*.py by what the tables are now, formatted."""
    for old in (MIGRATIONS / "versions").glob("0001_*.py"):
        old.unlink()
    with create_engine("sqlite://").connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.revision(config, "first tables", autogenerate=True, rev_id="0001")
    files = [str(file) for file in (MIGRATIONS / "versions").glob("*.py")]
    ruff = str(Path(sys.executable).parent / "ruff")
    subprocess.run([ruff, "format", "-q", *files], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
