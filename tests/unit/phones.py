"""A cast for the tests: phones that seal events as the app does, and the people who hold them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.intake import Sender
from sync.ledger import Batch
from sync.protocol import codes
from sync.protocol.envelope import digest, sign
from sync.protocol.keys import generate_key, public_jwk
from sync.protocol.times import format_time

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_rng = random.Random(7)
KEYS = [generate_key() for _ in range(3)]


def new_id(rng: random.Random = _rng) -> str:
    """A UUIDv7 by form; nothing reads its time."""
    number = rng.getrandbits(128)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-{'89ab'[rng.randrange(4)]}{text[17:20]}-{text[20:]}"


def new_codes(count: int, seed: int = 1) -> list[str]:
    """Parcel codes, the same for the same seed."""
    rng = random.Random(seed)
    return [codes.new_code(rng.randrange) for _ in range(count)]


def blob(role: str = "photo", sha256: str | None = None, parcel: str | None = None) -> dict[str, Any]:
    """A reference to bytes."""
    return {
        "sha256": sha256 or f"{_rng.getrandbits(256):064x}",
        "type": "image/jpeg",
        "size": 1000,
        "role": role,
        "parcel": parcel,
    }


def proof(name: str = "Ibu Sari", role: str = "seller") -> dict[str, Any]:
    """All that a handover must have."""
    return {
        "intact": True,
        "counterpart": {"name": name, "role": role},
        "blobs": [blob("photo"), blob("signature")],
    }


class Phone:
    """One phone: numbers, chains and signs; remembers what it sealed."""

    def __init__(
        self, device: str = "dev-1", actor: str = "courier", key: EllipticCurvePrivateKey | None = KEYS[0]
    ) -> None:
        self.device, self.actor, self.key = device, actor, key
        self.morning = NOON - timedelta(hours=4)
        self.seq, self.prev = 0, None
        self.sealed: list[str] = []

    @property
    def sender(self) -> Sender:
        """As the server knows it."""
        jwk = public_jwk(self.key) if self.key else None
        return Sender(self.device, jwk, frozenset({self.actor}))

    def payload(self, kind: str, parcels: list[str], minute: float = 0, **members: Any) -> dict[str, Any]:
        """The payload of the next event, `minute` minutes after the phone's morning."""
        at = self.morning + timedelta(minutes=minute)
        return {
            "v": 1,
            "id": new_id(),
            "device": self.device,
            "actor": self.actor,
            "seq": self.seq + 1,
            "prev": self.prev,
            "kind": kind,
            "at": format_time(at),
            "offset_ms": 0,
            "parcels": parcels,
            "run": None,
            "carrier": None,
            "expected": None,
            "place": None,
            "counterpart": None,
            "reason": None,
            "note": None,
            "intact": None,
            "ref": None,
            "blobs": [],
            "data": {},
            **members,
        }

    def seal(self, kind: str, parcels: list[str], minute: float = 0, **members: Any) -> str:
        """Seal the next event."""
        return self.seal_payload(self.payload(kind, parcels, minute, **members))

    def seal_payload(self, payload: dict[str, Any]) -> str:
        """Seal this payload, whatever it says."""
        jws = sign(payload, self.key)
        self.seq, self.prev = payload["seq"], digest(jws)
        self.sealed.append(jws)
        return jws

    def batch(self, *events: str) -> Batch:
        """These events, or all it ever sealed."""
        return Batch(self.sender, events or tuple(self.sealed))
