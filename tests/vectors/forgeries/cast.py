"""A small true bundle: a seller packs, a courier collects, reports and delivers, the office looks at it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from PIL import Image

from sync.evidence.bundle.layout import Zip
from sync.evidence.bundle.shapes import to_ms
from sync.evidence.bundle.write import Facts, write_bundle
from sync.making import make_receipt
from sync.protocol.envelope import digest, sign
from sync.protocol.keys import generate_key, public_jwk, thumbprint
from sync.protocol.times import format_ms, parse_time

PARCEL, OTHER = "7Z3K9QW2M4XP", "1B5D8F0H2K4V"
SHELL = b"<!doctype html><title>A stand-in for the page</title><!--bundle-->\n"
PDF = b"%PDF-1.7 a stand-in for the printed proof\n"
EPOCH = "019a9b00-0000-7000-8000-0000000000aa"
DAY = "2026-11-22T"
Members = dict[str, bytes]


def picture(colour: str, kind: str = "JPEG") -> bytes:
    """A picture of one colour, as small as can be."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, kind)
    return out.getvalue()


def blob(data: bytes, role: str = "photo", parcel: str | None = None) -> dict[str, Any]:
    """How an event speaks of these bytes."""
    type_ = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    sha256 = hashlib.sha256(data).hexdigest()
    return {"sha256": sha256, "type": type_, "size": len(data), "role": role, "parcel": parcel}


def id_of(number: int) -> str:
    """An event's id."""
    return f"019a9b00-0000-7000-8000-{number:012d}"


@dataclass
class Maker:
    """A phone, or the server: seals events one after the other."""

    device: str
    actor: str
    name: str
    role: str
    kind: str = "phone"
    key: EllipticCurvePrivateKey = field(default_factory=generate_key)
    seq: int = 0
    prev: str | None = None

    @property
    def kid(self) -> str:
        return thumbprint(public_jwk(self.key))

    def payload(self, number: int, kind: str, at: str, **members: Any) -> dict[str, Any]:
        """The next event's payload; `at` is a time of the day."""
        return {
            "v": 1,
            "id": id_of(number),
            "device": self.device,
            "actor": self.actor,
            "seq": self.seq + 1,
            "prev": self.prev,
            "kind": kind,
            "at": f"{DAY}{at}:00.000Z",
            "offset_ms": -400,
            "parcels": [PARCEL],
            "blobs": [],
            "data": {},
            **members,
        }

    def seal(self, payload: dict[str, Any]) -> str:
        """Sign it and go on from it."""
        jws = sign(payload, self.key)
        self.seq, self.prev = payload["seq"], digest(jws)
        return jws

    def entry(self) -> dict[str, Any]:
        """Its line in keys.json."""
        person = {"id": self.actor, "name": self.name, "role": self.role}
        return {
            "kid": self.kid,
            "jwk": public_jwk(self.key),
            "kind": self.kind,
            "device": self.device,
            "label": f"{self.name}'s phone" if self.kind == "phone" else "Baton's server",
            "person": person if self.kind == "phone" else None,
            "enrolled_at": f"{DAY}06:00:00.000Z",
            "revoked_at": None,
        }


@dataclass
class Cast:
    """Everybody, what they sealed, and the facts of the bundle about PARCEL."""

    server: Maker
    seller: Maker
    courier: Maker
    stranger: Maker
    pictures: dict[str, bytes]
    sealed: dict[str, str]
    left_out: str
    facts: Facts

    def write(self, facts: Facts | None = None, **changes: Any) -> bytes:
        """The bundle of these facts, sealed by the server (or by `key`)."""
        out = io.BytesIO()
        facts = facts or self.facts
        named = {b["sha256"] for e in facts.timeline["events"] for b in e["blobs"] if b["state"] == "held"}
        shown = [(sha, data) for sha, data in self.pictures.items() if sha in named]
        write_bundle(
            out,
            facts,
            changes.get("pictures", shown),
            changes.get("pdf", PDF),
            changes.get("shell", SHELL),
            changes.get("key", self.server.key),
            changes.get("embed_up_to", 0),
        )
        return out.getvalue()

    def retold(self, edit: Callable[[dict[str, Any]], None], **parts: Any) -> Facts:
        """The facts with a timeline that somebody edited before sealing it, and other parts replaced."""
        timeline = json.loads(json.dumps(self.facts.timeline))
        edit(timeline)
        return replace(self.facts, timeline=timeline, **parts)

    def receipt(self, maker: Maker, at: str, *names: str, key: Any = None, **members: Any) -> str:
        """The server's receipt for these events of a phone."""
        events = members.get("events") or [(self.payload(n)["id"], digest(self.sealed[n])) for n in names]
        return make_receipt(
            members.get("device", maker.device),
            members.get("epoch", EPOCH),
            parse_time(f"{DAY}{at}:00.000Z"),
            events,
            key or self.server.key,
        )

    def payload(self, name: str) -> dict[str, Any]:
        """What a sealed event says."""
        return payload_of(self.sealed[name])


def payload_of(jws: str) -> dict[str, Any]:
    """What a JWS says, unchecked."""
    part = jws.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def told_event(jws: str, received: str, actor_name: str, **members: Any) -> dict[str, Any]:
    """What the timeline says of an event; `received` is a time of the day."""
    payload = payload_of(jws)
    blobs = [
        {"sha256": b["sha256"], "role": b["role"], "parcel": b["parcel"], "state": _state(b)}
        for b in payload["blobs"]
        if "sha256" in b
    ]
    received_at = f"{DAY}{received}:00.000Z"
    claimed = to_ms(payload["at"]) + (payload["offset_ms"] or 0)
    return {
        **{name: payload[name] for name in ("id", "device", "seq", "kind", "at", "offset_ms", "actor")},
        "sha256": digest(jws),
        "effective_at": format_ms(min(claimed, to_ms(received_at))),
        "received_at": received_at,
        "actor_name": actor_name,
        "place_name": None,
        "result": "applied",
        "review": None,
        "withdrawn_by": [],
        "findings": [],
        "blobs": blobs,
        **members,
    }


def _state(b: dict[str, Any]) -> str:
    return "held" if b["parcel"] in {None, PARCEL} else "left_out"


def make_cast() -> Cast:
    """The true story."""
    server = Maker("dev-server", "usr-olga", "Olga Office", "office", "server")
    seller = Maker("dev-seller", "usr-sari", "Ibu Sari", "seller")
    courier = Maker("dev-courier", "usr-budi", "Budi Santoso", "courier")
    stranger = Maker("dev-stranger", "usr-mallory", "Mallory", "courier")
    shown = [picture(c) for c in ("#8a6a48", "#486a8a", "#6a8a48")] + [picture("#fefefe", "PNG")]
    hidden = picture("#aa1122")
    sealed = {
        "pack": seller.seal(seller.payload(1, "pack", "07:00", blobs=[blob(shown[0])])),
        "collect": courier.seal(
            courier.payload(
                2,
                "collect",
                "07:30",
                parcels=[PARCEL, OTHER],
                blobs=[blob(shown[1]), blob(shown[3], "signature"), blob(hidden, parcel=OTHER)],
                counterpart={"name": "Nguyễn Thị Hà", "role": "seller"},
                intact=True,
            )
        ),
        "other": courier.seal(courier.payload(3, "collect", "07:40", parcels=[OTHER])),
        "report": courier.seal(
            courier.payload(4, "report", "07:50", reason="retake", blobs=[blob(shown[2], "photo", PARCEL)])
        ),
        "deliver": courier.seal(courier.payload(5, "deliver", "09:00")),
        "review": server.seal(server.payload(6, "review", "10:00", offset_ms=0, ref=id_of(2))),
    }
    pictures = {hashlib.sha256(data).hexdigest(): data for data in shown}
    cast = Cast(server, seller, courier, stranger, pictures, sealed, digest(sealed["other"]), _NO_FACTS)
    receipts = [
        cast.receipt(seller, "07:05", "pack"),
        cast.receipt(courier, "08:00", "collect", "other", "report"),
        cast.receipt(courier, "09:10", "deliver"),
    ]
    keys = {"server": server.kid, "keys": [m.entry() for m in (server, seller, courier)]}
    events = [sealed[name] for name in ("pack", "collect", "report", "deliver", "review")]
    cast.facts = Facts(_timeline(cast), keys, events, receipts)
    return cast


_NO_FACTS = Facts({}, {}, [], [])


def _timeline(cast: Cast) -> dict[str, Any]:
    sealed = cast.sealed
    rolling = hashlib.sha256(f"{cast.left_out}\n".encode()).hexdigest()
    between = {"first": 2, "last": 2, "sha256": rolling, "last_sha256": cast.left_out}
    nothing: dict[str, Any] = {"between": [], "after": [], "forks": []}
    return {
        "about": {"parcel": PARCEL, "event": None},
        "names": [PARCEL],
        "shop": {"id": "org-1", "name": "Toko Sari"},
        "zone": "Asia/Jakarta",
        "made_at": f"{DAY}12:00:00.000Z",
        "epoch": EPOCH,
        "epochs": [EPOCH],
        "parcels": [
            {
                "code": PARCEL,
                "tracking_number": None,
                "carrier": "JNT",
                "status": "delivered",
                "orders": ["5771"],
            }
        ],
        "events": [
            told_event(sealed["pack"], "07:05", "Ibu Sari"),
            told_event(sealed["collect"], "08:00", "Budi Santoso"),
            told_event(sealed["report"], "08:00", "Budi Santoso"),
            told_event(sealed["deliver"], "09:10", "Budi Santoso"),
            told_event(sealed["review"], "10:00", "Olga Office"),
        ],
        "chains": [
            {"device": "dev-seller", **nothing},
            {"device": "dev-courier", **nothing, "between": [between]},
            {"device": "dev-server", **nothing},
        ],
    }


def members_of(data: bytes) -> Members:
    """The parts of a bundle by name, in their order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip as Baton writes it."""
    out = io.BytesIO()
    archive = Zip(out)
    for name, data in parts:
        archive.add(name, data)
    archive.finish()
    return out.getvalue()
