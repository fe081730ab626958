"""A tus client in as few words as a test needs, on the app's own test client."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import socket
import struct
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.support.shop import ApiPhone
from webapp.store import blobs
from webapp.store.models import Blob
from webapp.store.unit import reading

BLOBS = "/sync/v1/blobs"
STREAM = "application/offset+octet-stream"
_numbers = itertools.count()


def make_photo(size: tuple[int, int] = (320, 240), form: str = "JPEG") -> bytes:
    """A picture no other call has made."""
    number = next(_numbers)
    image = Image.effect_noise(size, 60).convert("RGB")
    image.putpixel((0, 0), (number % 256, number // 256 % 256, 0))
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue() + number.to_bytes(8, "big")


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def metadata(**members: str) -> str:
    """`Upload-Metadata`."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in members.items())


def checksum(data: bytes, name: str = "sha1") -> str:
    """`Upload-Checksum`."""
    return f"{name} {base64.b64encode(hashlib.new(name, data).digest()).decode()}"


class TusPhone:
    """An enrolled phone's uploads. Keywords are headers, `_` for `-`; None leaves one out."""

    def __init__(self, phone: ApiPhone) -> None:
        self.phone = phone

    def headers(self, changed: dict[str, str | None], **usual: str) -> dict[str, str]:
        """The usual headers, changed."""
        merged: dict[str, str | None] = {**self.phone.headers, "Tus-Resumable": "1.0.0", **usual}
        merged.update({key.replace("_", "-"): value for key, value in changed.items()})
        return {key: value for key, value in merged.items() if value is not None}

    def create(self, promised: bytes, sent: bytes | None = None, **changed: str | None) -> TestResponse:
        """Begin an upload of `promised`, bringing `sent`."""
        usual = {
            "Upload-Length": str(len(promised)),
            "Upload-Metadata": metadata(sha256=digest(promised), type="image/jpeg", role="photo"),
        }
        if sent is not None:
            usual["Content-Type"] = STREAM
        return self.phone.client.post(BLOBS, data=sent, headers=self.headers(changed, **usual))

    def begin(self, promised: bytes, sent: bytes | None = None) -> str:
        """Begin an upload that must be taken; gives its address."""
        answer = self.create(promised, sent)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def patch(self, url: str, offset: int, data: bytes, **changed: str | None) -> TestResponse:
        """Send bytes."""
        usual = {"Upload-Offset": str(offset), "Content-Type": STREAM}
        return self.phone.client.patch(url, data=data, headers=self.headers(changed, **usual))

    def head(self, url: str, **changed: str | None) -> TestResponse:
        """Ask how far it is."""
        return self.phone.client.head(url, headers=self.headers(changed))

    def offset(self, url: str) -> int:
        """How far it says it is."""
        answer = self.head(url)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    def delete(self, url: str) -> TestResponse:
        """End it."""
        return self.phone.client.delete(url, headers=self.headers({}))

    def missing(self, *digests: str) -> list[str]:
        """Which of these the server does not hold."""
        answer = self.phone.client.post(f"{BLOBS}/want", json={"sha256": digests}, headers=self.phone.headers)
        assert answer.status_code == 200, answer.text
        found: list[str] = answer.get_json()["missing"]
        return found


def code_of(answer: Any) -> str:
    """The code of a problem document, which must be one."""
    assert answer.content_type == "application/problem+json", answer.text
    body = answer.get_json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:baton:problem:{body['code']}"
    return str(body["code"])


def held(org_id: str, data: bytes) -> bool:
    """Whether the row says so and the bytes are there."""
    with reading() as session:
        row = session.get(Blob, (org_id, digest(data)))
    assert (row is not None) == blobs.current().has(org_id, digest(data))
    if row is not None:
        assert blobs.current().read(org_id, digest(data)) == data
    return row is not None


def rows(model: Any) -> int:
    """How many there are."""
    with reading() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def spooled() -> int:
    """How many parts wait in the spool."""
    return len(list(blobs.current().spooled()))


def patch_head(token: str, location: str, offset: int, size: int, **more: str) -> bytes:
    """The head of a PATCH, as bytes of HTTP/1.1, that announces all that is left from `offset` on."""
    head = (
        f"PATCH {urlsplit(location).path} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {token}",
        "Tus-Resumable: 1.0.0",
        f"Upload-Offset: {offset}",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {size - offset}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in more.items()),
    )
    return "\r\n".join((*head, "", "")).encode()


def cut(connection: socket.socket, *, rudely: bool) -> None:
    """End a connection: rudely, as a network that resets it, or as a program that was closed."""
    if rudely:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
