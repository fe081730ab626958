"""What an attacker, a broken phone or a half-read protocol sends; and proof that the server kept none of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sync.protocol.keys import b64url, generate_key, public_jwk, thumbprint
from tests.support import scope
from tests.support.installation import Databases, make_settings, running_app
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.unit.phones import proof
from webapp.extensions import db
from webapp.settings import Settings

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
EVENTS = "/sync/v1/events"
DEVICES = "/sync/v1/devices"
Header = Mapping[str, Any] | bytes


def text(value: Mapping[str, Any] | bytes) -> bytes:
    """JSON of a mapping; bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


@dataclass
class World:
    """Two shops that know nothing of each other: a phone, a colleague's and a stranger's, and parcels."""

    app: Flask
    settings: Settings
    shop: str = field(init=False)
    other_shop: str = field(init=False)
    phone: ApiPhone = field(init=False)
    colleague: ApiPhone = field(init=False)
    stranger: ApiPhone = field(init=False)
    codes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.shop, self.other_shop = make_shop("Our shop"), make_shop("Their shop")
        client = self.app.test_client()
        self.phone = ApiPhone(client, self.shop, make_user(self.shop))
        self.colleague = ApiPhone(client, self.shop, make_user(self.shop, name="Colleague"))
        self.stranger = ApiPhone(client, self.other_shop, make_user(self.other_shop, name="Stranger"))
        self.codes = make_parcels(self.shop, 6, seed=3)

    @property
    def client(self) -> FlaskClient:
        """Any client: the protocol knows no cookies."""
        return self.phone.client

    def payload(self, **members: Any) -> dict[str, Any]:
        """A good handover of the first parcel, but for `members`; the phone's own counter stays."""
        return {**self.phone.payload("collect", [self.codes[0]], **proof()), **members}

    def header(self, **members: Any) -> dict[str, Any]:
        """The header this phone's events have, but for `members`."""
        assert self.phone.key is not None
        kid = thumbprint(public_jwk(self.phone.key))
        return {"alg": "ES256", "kid": kid, "typ": "baton-event+jws", **members}

    def sealed(self, header: Header | None = None, payload: Header | None = None, **members: Any) -> str:
        """A JWS with a true signature of this phone over whatever is in it."""
        signed = unsigned(self.header() if header is None else header, payload or self.payload(**members))
        assert self.phone.key is not None
        return f"{signed}.{b64url(raw_signature(self.phone.key, signed))}"

    def raw(self, old: str, new: str, **members: Any) -> str:
        """A good payload in which a piece of JSON text is replaced, truly signed."""
        whole = text(self.payload(**members)).decode()
        assert old in whole
        return self.sealed(payload=whole.replace(old, new, 1).encode())

    def post(self, body: Any, token: str | None = None, **headers: str) -> TestResponse:
        """POST /events with any body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = {**self.phone.headers, "Content-Type": "application/json"}
        if token is not None:
            usual["Authorization"] = token
        usual.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.client.post(EVENTS, data=data, headers=usual)

    def rows(self) -> dict[str, int]:
        """Rows of every table and files of the blob store, those under way included."""
        with db.engine.connect() as base:
            found = base.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='table'")
            counts = {
                name: base.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one()
                for (name,) in found.all()
            }
        folder = Path(self.settings.blobs.removeprefix("file://"))
        return {**counts, "files": sum(1 for each in folder.rglob("*") if each.is_file())}

    def grown(self, before: Mapping[str, int]) -> dict[str, int]:
        """What there is more of, or less, than before."""
        now = self.rows()
        return {name: now[name] - before[name] for name in now if now[name] != before[name]}

    def assert_healthy(self) -> None:
        """It answers, and takes the next good event of the same phone as if nothing had been."""
        assert self.client.get("/healthz").get_json() == {"status": "alive"}
        assert self.client.get("/sync/v1/hello").status_code == 200
        (result,) = self.phone.send(self.phone.seal("collect", [self.codes[5]], **proof()))["results"]
        assert (result["status"], result["effects"][0]["status"]) == ("applied", "handed_over")


def unsigned(header: Header, payload: Header) -> str:
    """The signing input."""
    return f"{b64url(text(header))}.{b64url(text(payload))}"


def raw_signature(key: ec.EllipticCurvePrivateKey, signed: str) -> bytes:
    """r then s, 64 bytes."""
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def with_signature(world: World, make: Callable[[bytes], bytes]) -> str:
    """A good event whose signature bytes are changed."""
    head, _, tail = world.sealed().rpartition(".")
    padded = tail + "=" * (-len(tail) % 4)
    return f"{head}.{b64url(make(base64.urlsafe_b64decode(padded)))}"


def der(signature: bytes) -> bytes:
    """The same signature as ASN.1, as most libraries give it."""
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def other_s(signature: bytes) -> bytes:
    """The signature's twin: (r, n - s) is as good as (r, s), in other bytes."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (ORDER - s).to_bytes(32, "big")


def hs256(world: World) -> str:
    """Signed with the public key as if it were a shared secret: the confusion of algorithms."""
    assert world.phone.key is not None
    secret = world.phone.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = unsigned(world.header(alg="HS256"), world.payload())
    return f"{signed}.{b64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def rs256(world: World) -> str:
    """Signed with an RSA key that the header brings along."""
    key = rsa.generate_private_key(65537, 2048)
    signed = unsigned(world.header(alg="RS256"), world.payload())
    return f"{signed}.{b64url(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def own_key(world: World, **members: Any) -> str:
    """Signed with a key of the attacker's, which the header names in one way or another."""
    key = generate_key()
    told = {"jwk": public_jwk(key)} if members.pop("jwk", False) else {}
    if members.pop("kid", False):
        told["kid"] = thumbprint(public_jwk(key))  # type: ignore[assignment]
    signed = unsigned(world.header(**told, **members), world.payload())
    return f"{signed}.{b64url(raw_signature(key, signed))}"


def png(width: int, height: int) -> bytes:
    """A PNG that is tiny and says it is this large; its one chunk of pixels inflates to zeros."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def gzip_bomb(size: int = 200 * 1024 * 1024) -> bytes:
    """About a thousandth of `size`, and a good beginning of a batch."""
    squeeze = zlib.compressobj(9, wbits=31)
    start = squeeze.compress(b'{"events":[],"queue":{"client":"')
    zeros = bytes(1 << 20).replace(b"\0", b" ")
    return start + b"".join(squeeze.compress(zeros) for _ in range(size >> 20)) + squeeze.flush()


def code_of(answer: TestResponse) -> str:
    """The code of a whole problem document under the protocol's header."""
    assert answer.headers["Sync-Protocol"] == "1"
    assert answer.content_type == "application/problem+json", answer.text[:500]
    told = json.loads(answer.text)
    assert {"type", "title", "status", "detail", "code"} <= set(told)
    assert told["type"] == f"urn:baton:problem:{told['code']}"
    assert told["status"] == answer.status_code
    return str(told["code"])


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()


@contextmanager
def lasting_app(folder: Path, databases: Databases) -> Iterator[tuple[Flask, Settings]]:
    """An app for a whole file of tests: hundreds of cases against one server, as an attacker has it."""
    settings = make_settings(folder / "data", database_url=databases.migrated())
    with running_app(settings) as app, scope.watch(db.engine) as unscoped:
        yield app, settings
    assert unscoped == [], "queries that do not name the caller's organisation"
