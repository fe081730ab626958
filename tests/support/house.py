"""A shop seen from both sides of real servers: its books in this process, its phones over real HTTP."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import uuid_utils
from sqlalchemy import ColumnElement, select, true

from sync.protocol.keys import public_jwk
from sync.protocol.times import format_time
from tests.support.installation import make_settings, running_app
from tests.support.server import Server
from tests.support.shop import make_shop, make_user
from tests.support.tus import BLOBS, STREAM, digest, metadata
from tests.unit.phones import KEYS, Phone
from webapp import clock
from webapp.services import rebuild
from webapp.services.find_device import token_digest
from webapp.store import blobs
from webapp.store.models import Blob, Device, Event
from webapp.store.unit import reading, transaction

WITHIN = 60  # seconds for an answer; a server that is in trouble has to say so sooner


class House:
    """What the books say: `org_id` is a shop, `user_id` a courier of it."""

    def __init__(self, role: str = "courier") -> None:
        self.org_id = make_shop()
        self.user_id = make_user(self.org_id, role)

    def phone(self, url: str, **members: Any) -> WirePhone:
        """A phone let in already; `WirePhone.close` when done."""
        token, device = secrets.token_urlsafe(24), str(uuid_utils.uuid7())
        row = {"org_id": self.org_id, "user_id": self.user_id, "label": "Phone", **members}
        with transaction() as session:
            session.add(
                Device(
                    id=device,
                    jwk=public_jwk(KEYS[0]),
                    token_sha256=token_digest(token),
                    enrolled_at=clock.now(),
                    **row,
                )
            )
        return WirePhone(url, token, device, self.user_id)

    def times_kept(self, jws: str) -> int:
        """How often an event is in the books."""
        return self._kept(Event.sha256 == _digest(jws))[_digest(jws)]

    def has_once(self, events: Iterable[str]) -> bool:
        """Whether each of many events is in the books, and once."""
        kept = self._kept(true())
        return all(kept[_digest(jws)] == 1 for jws in events)

    def _kept(self, which: ColumnElement[bool]) -> Counter[str]:
        with reading() as session:
            found = session.execute(select(Event.sha256).where(Event.org_id == self.org_id, which))
            return Counter(found.scalars())

    def held(self, data: bytes) -> bool:
        """Whether a row says that the photo is here; then its bytes have to be."""
        with reading() as session:
            is_held = session.get(Blob, (self.org_id, digest(data))) is not None
        assert not is_held or blobs.current().read(self.org_id, digest(data)) == data
        return is_held

    def is_sound(self) -> bool:
        """Whether every parcel is what its events say (`baton rebuild --check`)."""
        return not rebuild.check(clock.now())[1]


def _digest(jws: str) -> str:
    return hashlib.sha256(jws.encode()).hexdigest()


@contextmanager
def house_of(server: Server, role: str = "courier") -> Iterator[House]:
    """The books of a server's installation, with a new shop in them; the server need not run."""
    told = {
        name: server.environ[variable]
        for name, variable in (("database_url", "BATON_DATABASE_URL"), ("blobs", "BATON_BLOBS"))
        if variable in server.environ
    }
    with running_app(make_settings(server.data, **told)):
        yield House(role)


class WirePhone(Phone):
    """A phone that speaks to a real server."""

    def __init__(self, url: str, token: str, device: str, user_id: str) -> None:
        super().__init__(device, user_id, KEYS[0])
        self.url, self.session = url, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Hang up."""
        self.session.close()

    def post(self, *events: str, **queue: Any) -> requests.Response:
        """Send a batch, whatever the answer."""
        body = {"sent_at": format_time(clock.now()), "events": events, "queue": queue}
        return self._call("POST", "/sync/v1/events", json.dumps(body), {"Content-Type": "application/json"})

    def begin(self, promised: bytes, sent: bytes = b"") -> requests.Response:
        """Begin an upload of `promised`, bringing `sent`."""
        said = metadata(sha256=digest(promised), type="image/jpeg", role="photo")
        headers = {"Upload-Length": str(len(promised)), "Upload-Metadata": said}
        return self._call("POST", BLOBS, sent, {**headers, **({"Content-Type": STREAM} if sent else {})})

    def patch(self, location: str, offset: int, data: bytes) -> requests.Response:
        """Send bytes of an upload under way."""
        return self._call("PATCH", location, data, {"Upload-Offset": str(offset), "Content-Type": STREAM})

    def head(self, location: str) -> requests.Response:
        """Ask how far an upload is."""
        return self._call("HEAD", location)

    def get(self, path: str) -> requests.Response:
        """Ask anything."""
        return self._call("GET", path)

    def _call(
        self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        whole = {"Tus-Resumable": "1.0.0", **(headers or {})}
        return self.session.request(method, self.url + path, data=data, headers=whole, timeout=WITHIN)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal that may be tried again: it has to say when."""
    assert int(answer.headers["Retry-After"]) > 0, answer.text
    assert answer.headers["Sync-Protocol"] == "1"
    return answer.status_code, answer.json()["code"]
