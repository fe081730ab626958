"""A client written from the protocol's text alone, and a shop made by the command line alone.

Nothing of the server is imported here: requests, cryptography and the standard library are all it has, so
that what is written down and what is served cannot drift together.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tests.support.server import Server

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
HEX = re.compile(r"[0-9a-f]{64}")
TUS = {"Tus-Resumable": "1.0.0"}
STREAM = {"Content-Type": "application/offset+octet-stream"}
CURVE = ec.SECP256R1()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid7() -> str:
    milliseconds = int(time.time() * 1000)
    number = (milliseconds << 80) | (7 << 76) | (2 << 62) | (uuid.uuid4().int & ((1 << 62) - 1))
    return str(uuid.UUID(int=number))


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    n = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64(n.x.to_bytes(32, "big")), "y": b64(n.y.to_bytes(32, "big"))}


def thumbprint(jwk: dict[str, str]) -> str:
    text = json.dumps({m: jwk[m] for m in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return b64(hashlib.sha256(text.encode()).digest())


def checked(jws: str, jwk: dict[str, str], typ: str) -> dict[str, Any]:
    """The payload of a JWS that this public key has signed."""
    head, body, tail = jws.split(".")
    header = json.loads(unb64(head))
    assert header == {"alg": "ES256", "kid": thumbprint(jwk), "typ": typ}
    x, y = (int.from_bytes(unb64(jwk[m]), "big") for m in "xy")
    raw = unb64(tail)
    assert len(raw) == 64
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicNumbers(x, y, CURVE).public_key()
    key.verify(signature, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    payload: dict[str, Any] = json.loads(unb64(body))
    return payload


def photo(seed: int, size: int = 30_000) -> bytes:
    """A grey PNG, written by hand, that no other seed gives."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = (64).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    pixels = b"".join(b"\0" + bytes([seed % 256]) * 64 for _ in range(64))
    note = b"Comment\0" + hashlib.sha256(str(seed).encode()).hexdigest().encode() * (size // 64)
    parts = (
        chunk(b"IHDR", head)
        + chunk(b"tEXt", note)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + parts


class Phone:
    """What section 2 and 3 ask of a phone."""

    def __init__(
        self, url: str, code: str, key: ec.EllipticCurvePrivateKey | None = None, **members: Any
    ) -> None:
        self.url, self.key = url, key
        asked = {
            "code": code,
            "jwk": jwk_of(key) if key else None,
            "label": "Independent",
            "client": "other/1.0",
        }
        self.answer = requests.post(f"{url}/sync/v1/devices", json={**asked, **members}, timeout=30)
        self.enrolled: dict[str, Any] = self.answer.json()
        self.device, self.token = self.enrolled.get("device", ""), self.enrolled.get("token", "")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.token}"
        self.seq = 0
        self.prev: str | None = None

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        """Any request; every answer carries the protocol's header, every refusal is a problem document."""
        address = path if path.startswith("http") else f"{self.url}{path}"
        answer = self.session.request(method, address, timeout=60, **how)
        assert answer.headers.get("Sync-Protocol") == "1", (method, path, answer.status_code)
        if answer.status_code >= 400 and method != "HEAD":
            is_problem(answer)
        return answer

    def event(self, kind: str, parcels: list[str], **members: Any) -> dict[str, Any]:
        self.seq += 1
        whole: dict[str, Any] = {
            "v": 1, "id": uuid7(), "device": self.device, "actor": self.enrolled["actor"]["id"],
            "seq": self.seq, "prev": self.prev, "kind": kind, "at": now(), "offset_ms": None,
            "parcels": parcels, "run": None, "carrier": None, "expected": None,
            "place": {"id": None, "lat": 3.139, "lon": 101.6869, "accuracy_m": 12.5},
            "counterpart": {"name": "Ibu Sari", "role": "seller"}, "reason": None, "note": None,
            "intact": True, "ref": None, "blobs": [], "data": {},
        }  # fmt: skip
        return {**whole, **members}

    def sign(self, payload: dict[str, Any]) -> str:
        header: dict[str, str] = {"alg": "none", "typ": "baton-event+jws"}
        if self.key:
            header = {"alg": "ES256", "kid": thumbprint(jwk_of(self.key)), "typ": "baton-event+jws"}
        text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(payload).encode())
        signature = b""
        if self.key:
            r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        jws = f"{text}.{b64(signature)}"
        self.prev = sha256(jws.encode())
        return jws

    def seal(self, kind: str, parcels: list[str], **members: Any) -> str:
        return self.sign(self.event(kind, parcels, **members))

    def send(self, *events: Any, zipped: bool = False, **queue: Any) -> requests.Response:
        storage = {"usage": 1, "quota": 2, "persisted": True}
        told = {
            "unsent": 0,
            "unsent_blobs": 0,
            "oldest_at": None,
            "head_seq": self.seq,
            "storage": storage,
            "client": "other/1.0",
        }
        body = json.dumps({"sent_at": now(), "events": events, "queue": {**told, **queue}}).encode()
        headers = {"Content-Type": "application/json"}
        if zipped:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        return self.call("POST", "/sync/v1/events", data=body, headers=headers)

    def sent(self, *events: Any, **how: Any) -> dict[str, Any]:
        answer = self.send(*events, **how)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        is_batch_answer(told, self, list(events))
        return told

    def begin(self, data: bytes, body: bytes | None = None, **changed: str) -> requests.Response:
        """A tus creation, with its first bytes or without."""
        said = {"sha256": sha256(data), "type": "image/png", "role": "photo"}
        metadata = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in said.items())
        headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": metadata, **changed}
        if body is not None:
            headers.update(STREAM)
        return self.call("POST", "/sync/v1/blobs", headers=headers, data=body)

    def where(self, answer: requests.Response) -> str:
        assert answer.status_code == 201, answer.text
        return urljoin(f"{self.url}/sync/v1/blobs", answer.headers["Location"])

    def patch(self, url: str, offset: int, data: bytes, **headers: str) -> requests.Response:
        usual = {**TUS, **STREAM, "Upload-Offset": str(offset)}
        return self.call("PATCH", url, headers={**usual, **headers}, data=data)

    def missing(self, *digests: str) -> list[str]:
        answer = self.call("POST", "/sync/v1/blobs/want", json={"sha256": list(digests)})
        assert answer.status_code == 200
        told = answer.json()
        assert set(told) == {"missing"}
        return list(told["missing"])


def is_problem(answer: requests.Response, code: str | None = None) -> None:
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json", answer.text
    told = answer.json()
    assert told["type"] == f"urn:baton:problem:{told['code']}"
    assert told["status"] == answer.status_code
    assert isinstance(told["title"], str)
    assert isinstance(told["detail"], str)
    assert code is None or told["code"] == code, told


def is_batch_answer(told: dict[str, Any], phone: Phone, events: list[Any]) -> None:
    """Section 3, member by member."""
    assert set(told) == {"epoch", "received_at", "results", "high_seq", "missing_seqs", "want", "receipt"}
    assert told["epoch"] == phone.enrolled["epoch"]
    assert MOMENT.fullmatch(told["received_at"])
    assert len(told["results"]) == len(events)
    for event, result in zip(events, told["results"], strict=True):
        assert set(result) == {"id", "sha256", "status", "effects", "problem"}
        if isinstance(event, str):
            assert result["sha256"] == sha256(event.encode())
        assert result["status"] in {"applied", "recorded", "duplicate", "quarantined", "retry"}
        for effect in result["effects"]:
            assert {"parcel", "status", "anomalies"} <= set(effect)
            assert all(isinstance(each, str) for each in effect["anomalies"])
        is_bad = result["status"] in {"quarantined", "retry"}
        assert (
            (set(result["problem"]) == {"code", "title", "detail"}) if is_bad else result["problem"] is None
        )
    assert isinstance(told["high_seq"], int)
    assert all(len(gap) == 2 and gap[0] <= gap[1] for gap in told["missing_seqs"])
    assert all(HEX.fullmatch(digest) for digest in told["want"])
    receipt = checked(told["receipt"], phone.enrolled["jwk"], "baton-receipt+jws")
    assert set(receipt) == {"device", "epoch", "received_at", "events"}
    assert (receipt["device"], receipt["epoch"]) == (phone.device, told["epoch"])
    assert receipt["received_at"] == told["received_at"]
    held = [r for r in told["results"] if r["status"] in {"applied", "recorded", "duplicate"}]
    assert receipt["events"] == [{"id": r["id"], "sha256": r["sha256"]} for r in held]


# --- the shop, made by the command line -----------------------------------------------------------


class Shop:
    """A running server, and `baton …` beside it."""

    def __init__(self, server: Server) -> None:
        self.server, self.url = server, server.url
        self.people: dict[str, str] = {}
        self.ready: list[str] = []

    def baton(self, *words: str, exits: int = 0) -> Any:
        """Run a command with --json; its one document."""
        command = [str(Path(sys.executable).parent / "baton"), *words, "--json"]
        done = subprocess.run(
            command,
            env={**os.environ, **self.server.environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == exits, (words, done.stdout, done.stderr)
        return json.loads(done.stdout) if exits < 2 else None

    def enrol(self, who: str, key: ec.EllipticCurvePrivateKey | None = None) -> Phone:
        made = self.baton("enrol", "--user", who)
        assert set(made) == {"code", "url", "expires_at"}
        assert made["code"] in made["url"]
        assert MOMENT.fullmatch(made["expires_at"])
        phone = Phone(self.url, made["code"], key)
        assert phone.answer.status_code == 201, phone.answer.text
        return phone


def blob(data: bytes, role: str = "photo", **members: Any) -> dict[str, Any]:
    return {
        "sha256": sha256(data),
        "type": "image/png",
        "size": len(data),
        "role": role,
        "parcel": None,
        **members,
    }


def codes(shop: Shop, count: int = 1) -> list[str]:
    """Parcels that are ready and that no other test has; asked of the command line once."""
    if not shop.ready:
        told = shop.baton("parcels", "--status", "ready")
        assert all(
            set(p) == {"code", "order_id", "tracking_number", "carrier", "status"} for p in told["parcels"]
        )
        shop.ready += [parcel["code"] for parcel in told["parcels"]]
        assert len(shop.ready) == 12
    return [shop.ready.pop() for _ in range(count)]


def statuses(told: dict[str, Any]) -> list[str]:
    return [result["status"] for result in told["results"]]
