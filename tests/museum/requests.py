"""Make and replay a room of whole requests: `python -m tests.museum.requests v1`, once for every released version.

What lies beside `ledger`: not only what a phone sealed, but how it said it (bodies, headers, gzip, tus), byte by byte,
and what it was answered. `tests/web/test_museum.py` sends it all to today's server.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from sqlalchemy import select

from sync.protocol.keys import public_jwk
from sync.protocol.times import format_time, parse_time
from tests.museum.ledger import MUSEUM, seal_all
from tests.support.installation import Databases, make_settings, running_app
from tests.support.tus import BLOBS, STREAM, checksum, digest, make_photo, metadata
from tests.unit.phones import Phone, blob, proof
from webapp import clock
from webapp.services.find_device import token_digest
from webapp.store.models import (
    Anomaly,
    Blob,
    Device,
    Organisation,
    Parcel,
    Quarantined,
    Run,
    RunParcel,
    User,
)
from webapp.store.unit import reading, transaction

ORG, USER, DEVICE = "org-museum", "user-museum", "device-museum"
TOKEN = "a-token-of-the-museum"
CODES = ["000000000000", "000000000011", "000000000022"]
TOLD = ("results", "high_seq", "missing_seqs", "want", "missing", "code")


def furnish(room: dict[str, Any]) -> None:
    """Put the room's shop, person, phone, parcels and run into an empty database."""
    now = parse_time(room["received_at"])
    with transaction() as session:
        session.add(Organisation(id=ORG, name="A shop of the museum", market="guide", created_at=now))
        session.flush()
        session.add(
            User(id=USER, org_id=ORG, name="Museum", role="courier", fs_uniquifier=USER, created_at=now)
        )
        session.flush()
        device = {"id": DEVICE, "org_id": ORG, "user_id": USER, "label": "Phone", "enrolled_at": now}
        session.add(Device(**device, jwk=room["jwk"], token_sha256=token_digest(room["token"])))
        known = {"carrier": "jnt", "created_at": now, "updated_at": now, "changed": 1}
        session.add_all(Parcel(org_id=ORG, code=code, **known) for code in room["parcels"])
        run = {"id": "run-1", "org_id": ORG, "kind": "collect", "title": "Museum", "user_id": USER}
        session.add(Run(**run, day=now.date(), created_at=now, changed=1))
        session.flush()
        session.add_all(RunParcel(org_id=ORG, run_id="run-1", code=code) for code in room["parcels"])


def replay(room: dict[str, Any], client: FlaskClient) -> list[dict[str, Any]]:
    """Send the room's requests in their order; gives status and told members of each answer."""
    answers, location = [], ""
    for asked in room["requests"]:
        path = asked["path"].replace("{upload}", location)
        body = base64.b64decode(asked["body"])
        answer = client.open(path, method=asked["method"], data=body, headers=asked["headers"])
        location = answer.headers.get("Location", location)
        told = answer.get_json(silent=True) or {}
        kept = {name: told[name] for name in TOLD if name in told}
        if "want" in kept:
            kept["want"] = sorted(kept["want"])  # the protocol gives it no order
        if "Upload-Offset" in answer.headers:
            kept["upload_offset"] = int(answer.headers["Upload-Offset"])
        answers.append({"status": answer.status_code, **kept})
    return answers


def outcome() -> dict[str, Any]:
    """What the books say after it: parcels with their anomalies, what is held back and why, photos."""
    with reading() as session:
        found = session.execute(select(Anomaly).where(Anomaly.org_id == ORG)).scalars().all()
        parcels = session.execute(select(Parcel).where(Parcel.org_id == ORG)).scalars().all()
        held_back = session.execute(select(Quarantined).where(Quarantined.org_id == ORG)).scalars().all()
        photos = session.execute(select(Blob.sha256).where(Blob.org_id == ORG)).scalars().all()
    return {
        "parcels": {
            p.code: {
                "status": p.status,
                "flags": p.flags,
                "anomalies": sorted([a.code, a.detail] for a in found if a.parcel == p.code),
            }
            for p in sorted(parcels, key=lambda p: p.code)
        },
        "quarantine": {q.sha256: q.code for q in sorted(held_back, key=lambda q: q.sha256)},
        "blobs": sorted(photos),
    }


def _asked(method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
    usual = {"Authorization": f"Bearer {TOKEN}"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "method": method,
        "path": path,
        "headers": {**usual, **named},
        "body": base64.b64encode(body).decode(),
    }


def _batch(now: datetime, events: list[str], *, zipped: bool = False, **queue: Any) -> dict[str, Any]:
    body = json.dumps({"sent_at": format_time(now), "events": events, "queue": queue}).encode()
    how = {"Content_Type": "application/json"}
    if zipped:
        return _asked("POST", "/sync/v1/events", gzip.compress(body, mtime=0), Content_Encoding="gzip", **how)
    return _asked("POST", "/sync/v1/events", body, **how)


def _all_requests(key: ec.EllipticCurvePrivateKey, now: datetime) -> list[dict[str, Any]]:
    """All that a phone of this version says: good, again, in another order, and what is held back."""
    phone, whole, pieces = Phone(DEVICE, USER, key), make_photo((96, 64)), make_photo((160, 120))
    seal_all(phone, CODES)
    named = [blob(sha256=digest(whole)), blob("signature", sha256=digest(pieces))]
    phone.seal("collect", [CODES[2]], 95, **{**proof(), "blobs": named})
    good = list(phone.sealed)
    queue = {
        "unsent": len(good),
        "unsent_blobs": 2,
        "oldest_at": "2026-11-22T08:00:00.000Z",
        "head_seq": len(good),
        "storage": {"usage": 12_000_000, "quota": 2_000_000_000, "persisted": True},
        "client": "baton/0.1.0",
    }
    forked = Phone(DEVICE, USER, key)
    fork = forked.seal("pack", [CODES[1]], 5, blobs=[blob()])
    phone.seq += 2  # two numbers that never come
    gap = phone.seal("attempt", [CODES[2]], 100, reason="nobody_home", blobs=[blob()])
    strange = phone.seal("levitate", [CODES[0]], 101)
    newer = phone.seal("pack", [CODES[0]], 102, v=2, blobs=[blob()])
    sealed = phone.seal("deliver", [CODES[2]], 103, **proof("Bu Rina", "recipient"))
    spoiled = f"{sealed.rpartition('.')[0]}.{newer.rpartition('.')[2]}"  # another event's signature
    unsigned = Phone(DEVICE, USER, None)
    unsigned.seq = phone.seq
    downgrade = unsigned.seal("pack", [CODES[0]], 104, blobs=[blob()])
    tus = {"Tus_Resumable": "1.0.0"}
    said = {p: metadata(sha256=digest(p), type="image/jpeg", role="photo") for p in (whole, pieces)}
    return [
        _batch(now, [], unsent=0, client="baton/0.1.0"),
        _batch(now, good[:5], **queue),
        _batch(now, good[3:][::-1], zipped=True, **queue),
        _batch(now, [gap, fork, strange, newer, spoiled, downgrade, "not.a.jws"], **queue),
        _asked(
            "POST",
            f"{BLOBS}/want",
            json.dumps({"sha256": [digest(whole), digest(pieces)]}).encode(),
            Content_Type="application/json",
        ),
        _asked(
            "POST",
            BLOBS,
            whole,
            Content_Type=STREAM,
            Upload_Length=str(len(whole)),
            Upload_Metadata=said[whole],
            **tus,
        ),
        _asked("POST", BLOBS, Upload_Length=str(len(pieces)), Upload_Metadata=said[pieces], **tus),
        _asked(
            "PATCH",
            "{upload}",
            pieces[:3000],
            Content_Type=STREAM,
            Upload_Offset="0",
            Upload_Checksum=checksum(pieces[:3000]),
            **tus,
        ),
        _asked("HEAD", "{upload}", **tus),
        _asked("PATCH", "{upload}", pieces[3000:], Content_Type=STREAM, Upload_Offset="3000", **tus),
        _batch(now, [], **{**queue, "unsent": 0, "unsent_blobs": 0}),
    ]


def _fixed_key() -> ec.EllipticCurvePrivateKey:
    """A key that everybody may know: a later room may be sealed by the same phone."""
    return ec.derive_private_key(0x42A70D << 200 | 20261122, ec.SECP256R1())


def main(name: str) -> None:
    """Furnish a room that does not exist yet."""
    path = MUSEUM / f"{name}-requests.json"
    if path.exists():
        raise SystemExit(f"{path} is part of the museum: it is never changed")
    key, received_at = _fixed_key(), "2026-11-22T18:00:00.000Z"
    now = parse_time(received_at)
    room: dict[str, Any] = {
        "version": 1,
        "received_at": received_at,
        "token": TOKEN,
        "jwk": public_jwk(key),
        "private_key": f"{key.private_numbers().private_value:064x}",
        "parcels": CODES,
        "requests": _all_requests(key, now),
    }
    with tempfile.TemporaryDirectory() as folder:
        url = Databases(Path(folder)).empty()
        with running_app(make_settings(Path(folder), database_url=url)) as app:
            clock.now = lambda: now
            furnish(room)
            room["answers"] = replay(room, app.test_client())
            room["outcome"] = outcome()
    path.write_text(json.dumps(room, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
