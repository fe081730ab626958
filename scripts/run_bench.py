"""`baton bench` with a real PostgreSQL beside it, made for the measurement and thrown away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.postgres import DURABLE, Postgres


def main() -> int:
    """Measure both databases; arguments are those of `baton bench`."""
    server = Postgres(DURABLE)
    try:
        url = server.url(server.new_database())
        command = [str(Path(sys.executable).parent / "baton"), "bench", "--postgresql", url, *sys.argv[1:]]
        return subprocess.run(command, check=False).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    raise SystemExit(main())
