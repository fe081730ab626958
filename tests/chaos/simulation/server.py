"""The real server of a simulation: the Flask app on a small database that is made anew for every schedule."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uuid_utils
from flask import Flask
from sqlalchemy import text

from tests.chaos.simulation.mishaps import Killed, Mishaps
from tests.support.installation import make_settings
from tests.support.shop import make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.app import create_app
from webapp.extensions import db
from webapp.services import rebuild
from webapp.services.enrol import make_enrolment, revoke_device
from webapp.store.blobs import BlobStore, FolderObjects

START = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
PARCELS = 12
COURIERS = 3
CODES_EACH = 6


class SimulatedServer:
    """One installation whose time, disk and life are in the hands of a schedule."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = START
        clock.now = lambda: self._now  # the one place that reads the time, read from here on
        settings = make_settings(folder / "data")
        self._database = settings.data / "baton.db"
        self._template = folder / "template.db"
        self.app: Flask = create_app(settings)
        with self.app.app_context():
            self._cast = self._make_cast()
            self._forget_connections()
            shutil.copyfile(self._database, self._template)
            self.mishaps = Mishaps(db.engine)
        self._schedules = 0
        self._blobs: Path | None = None
        self._snapshots: list[Path] = []

    def _make_cast(self) -> dict[str, Any]:
        """A shop with couriers, parcels, a run each, and codes that outlast any clock."""
        org = self._org = make_shop("A shop of the simulation")
        parcels = make_parcels(org, PARCELS, carrier="jnt")
        couriers = []
        for number in range(COURIERS):
            user = make_user(org, "courier", f"Courier {number + 1}")
            run = make_run(org, user, parcels[number::COURIERS], carrier="jnt", day=START.date())
            made = [
                make_enrolment(org, user, None, START, "http://127.0.0.1", timedelta(days=9999))
                for _ in range(CODES_EACH)
            ]
            couriers.append({"user": user, "run": run, "codes": [each.code for each in made]})
        return {"parcels": parcels, "couriers": couriers, "start": int(START.timestamp() * 1000)}

    def reset(self) -> dict[str, Any]:
        """Begin a schedule: nothing of an earlier one is left. Gives the cast."""
        self._forget_connections()
        for old in (self._blobs, *self._snapshots):
            if old is not None:
                shutil.rmtree(old, ignore_errors=True)
        self._schedules += 1
        self._snapshots = []
        self._blobs = self._folder / str(self._schedules)
        self._blobs.mkdir()
        self._put_database(self._template)
        self._open_blobs()
        self.mishaps.clear()
        return self._cast

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """One request, as the app answers it; status 0 when it was killed before it could.

        `missing` bytes of the body never came: the connection broke while the app was reading.
        """
        self._now = START + timedelta(milliseconds=head["ms"])
        self.mishaps.arm(head.get("mishap"))
        told: list[Any] = []
        try:
            parts: Iterable[bytes] = self.app.wsgi_app(
                _environ(head, body), lambda status, headers, *_: told.extend((status, headers))
            )
            answered = b"".join(parts)
            if hasattr(parts, "close"):
                parts.close()
        except Killed:
            self._forget_connections()
            return {"status": 0, "hurt": True}, b""
        hurt = self.mishaps.clear()
        return {"status": int(told[0][:3]), "headers": dict(told[1]), "hurt": hurt}, answered

    def snapshot(self) -> dict[str, Any]:
        """Keep a copy of everything, as a backup would."""
        self._forget_connections()
        kept = self._folder / f"snapshot-{self._schedules}-{len(self._snapshots)}"
        shutil.copytree(self._blobs / "blobs", kept / "blobs")
        shutil.copyfile(self._database, kept / "baton.db")
        self._snapshots.append(kept)
        return {}

    def restore(self, number: int) -> dict[str, Any]:
        """Be again what that copy was, under a new epoch."""
        self._forget_connections()
        kept = self._snapshots[number]
        self._put_database(kept / "baton.db")
        shutil.rmtree(self._blobs / "blobs")
        shutil.copytree(kept / "blobs", self._blobs / "blobs")
        self._open_blobs()
        with self.app.app_context(), db.engine.begin() as connection:
            epoch = {"epoch": str(uuid_utils.uuid7())}
            connection.execute(text("UPDATE installation SET value = :epoch WHERE name = 'epoch'"), epoch)
        return epoch

    def revoke(self, device: str) -> dict[str, Any]:
        """The office signs a phone out."""
        with self.app.app_context():
            revoke_device(self._org, device, self._now)
        return {}

    def audit(self) -> dict[str, Any]:
        """What is really here: every event of a phone, what is held back, every picture read and digested anew."""
        with self.app.app_context(), db.engine.connect() as connection:

            def rows(query: str) -> list[dict[str, Any]]:
                return [dict(row) for row in connection.execute(text(query)).mappings()]

            devices = rows(
                "SELECT id, head_seq, high_seq, seqs, unsent, unsent_blobs, revoked_at FROM devices"
                " WHERE kind = 'phone'"
            )
            events = rows(
                "SELECT e.id, e.sha256, e.device_id AS device, e.seq, e.branch, e.kind, e.jws FROM events e"
                " JOIN devices d ON d.id = e.device_id AND d.kind = 'phone'"
            )
            held = {row["sha256"] for row in rows("SELECT sha256 FROM blobs")}
            quarantined = rows("SELECT sha256, device_id AS device, code, detail FROM quarantine")
        for event in events:
            event["sound"] = hashlib.sha256(event.pop("jws").encode()).hexdigest() == event["sha256"]
        return {"devices": devices, "events": events, "quarantined": quarantined, "held": self._sound(held)}

    def compare(self) -> dict[str, Any]:
        """`baton rebuild --check`: how many parcels, and those that differ from the fold of their events."""
        with self.app.app_context():
            count, differing = rebuild.check(self._now)
        return {"parcels": count, "differing": [f"{it.code} {it.columns}" for it in differing]}

    def _sound(self, held: set[str]) -> list[str]:
        store: BlobStore = self.app.extensions["baton-blobs"]
        return sorted(
            sha256
            for sha256 in held
            if store.has(self._org, sha256)
            and hashlib.sha256(store.read(self._org, sha256)).hexdigest() == sha256
        )

    def _open_blobs(self) -> None:
        objects = self.mishaps.over(FolderObjects(self._blobs / "blobs"))
        self.app.extensions["baton-blobs"] = BlobStore(objects)

    def _put_database(self, source: Path) -> None:
        for tail in ("-wal", "-shm"):
            Path(f"{self._database}{tail}").unlink(missing_ok=True)
        shutil.copyfile(source, self._database)

    def _forget_connections(self) -> None:
        with self.app.app_context():
            db.engine.dispose()


class _Broken(io.BytesIO):
    """The first bytes of a body whose connection then broke."""


def _environ(head: dict[str, Any], body: bytes) -> dict[str, Any]:
    path, _, query = head["path"].partition("?")
    environ = {
        "REQUEST_METHOD": head["method"],
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "baton.test",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "baton.test",
        "CONTENT_LENGTH": str(len(body) + head.get("missing", 0)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": _Broken(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head["headers"].items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
