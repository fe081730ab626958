"""A Baton of its own for a measurement: data in a folder that goes away, a server process, phones let in."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.protocol import codes, keys
from webapp import clock
from webapp.cli.output import open_app
from webapp.services.add_user import NewPerson, add_user
from webapp.services.enrol import enrol_device, make_enrolment
from webapp.services.found_shop import found_shop
from webapp.services.record import Draft, record
from webapp.settings import Settings, as_environ, database_url, from_env
from webapp.store import import_writing
from webapp.store.queries import people
from webapp.store.unit import lock_org, reading, transaction

PHONES = 2
START_WITHIN_S = 60.0


@dataclass(slots=True)
class BenchPhone:
    """One phone's credentials and how far its chain is."""

    device: str
    actor: str
    token: str
    key: EllipticCurvePrivateKey
    seq: int = 0
    prev: str | None = None


class Machine:
    """A running server on SQLite in `folder`, or on the PostgreSQL at `url`."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self._log = folder / "server.log"
        data = folder / "data"
        self.settings: Settings = from_env(
            data=data,
            port=_free_port(),
            database_url=database_url(url or "", data),
            blobs=(data / "blobs").as_uri(),
            rate_limits=False,
        )
        self.url = f"http://127.0.0.1:{self.settings.port}"
        self.phones: list[BenchPhone] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._app = open_app(self.settings)

    def __enter__(self) -> Self:
        with self._app.app_context():
            now = clock.now()
            found_shop(now)
            with reading() as session:
                self.org_id = people.only_shop(session).id
            for number in range(PHONES):
                self.phones.append(self._enrol(f"Bench courier {number} {secrets.token_hex(4)}"))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own command, our own settings)
                [
                    "/usr/bin/env",
                    *as_environ(self.settings),
                    str(Path(sys.executable).parent / "baton"),
                    "serve",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def ready_parcels(self, count: int) -> list[str]:
        """Fresh parcels, confirmed and labelled, so that a handover finds what it finds in a real shop."""
        made = [codes.new_code(secrets.randbelow) for _ in range(count)]
        with self._app.app_context(), transaction() as session:
            now = clock.now()
            head = lock_org(session, self.org_id)
            rows = [{"code": code, "carrier": "bench"} for code in made]
            import_writing.add_parcels(session, self.org_id, head, now, rows)
            drafts = [Draft(kind, made) for kind in ("confirm", "label")]
            record(session, self.org_id, self.phones[0].actor, drafts, now)
        return made

    def _enrol(self, name: str) -> BenchPhone:
        now, key = clock.now(), keys.generate_key()
        user = add_user(self.org_id, NewPerson(name, "courier"), now)
        code = make_enrolment(self.org_id, user.id, None, now, self.url).code
        made = enrol_device(code, keys.public_jwk(key), "Bench", "bench/1.0.0", now)
        return BenchPhone(made.device, user.id, made.token, key)

    def _wait(self) -> None:
        end = clock.ticks() + START_WITHIN_S
        while clock.ticks() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.settings.port), timeout=2):
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self._log.read_text()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
