"""Keep a file of the office: its bytes in the blob store by digest, a row that says what it is for."""

from __future__ import annotations

import hashlib
from datetime import datetime

import uuid_utils

from webapp.services.server_identity import server_device
from webapp.store import blobs
from webapp.store.models import OfficeFile
from webapp.store.queries import blobs as ask
from webapp.store.queries import deletions
from webapp.store.unit import Session

LONGEST_NAME = 200


def put_bytes(org_id: str, data: bytes) -> str:
    """Make bytes durable before any row speaks of them; gives their digest. Outside a transaction: it may take long."""
    sha256 = hashlib.sha256(data).hexdigest()
    blobs.current().put(org_id, sha256, data)
    return sha256


def add_file(
    session: Session,
    org_id: str,
    actor_id: str,
    data: bytes,
    now: datetime,
    *,
    name: str,
    media_type: str,
    purpose: str,
    subject: str,
) -> OfficeFile:
    """Say what these bytes are, inside the caller's transaction that holds the shop's lock. They were put before."""
    sha256 = hashlib.sha256(data).hexdigest()
    device = server_device(session, org_id, now)
    row = {
        "org_id": org_id,
        "sha256": sha256,
        "type": media_type,
        "size": len(data),
        "width": None,
        "height": None,
        "device_id": device.id,
        "held_at": now,
    }
    ask.add_blobs(session, [row])
    deletions.take_back(session, org_id, sha256)
    if not blobs.current().has(org_id, sha256):
        # A sweep held the row's key until now and has removed what lay there.
        blobs.current().put(org_id, sha256, data)
    file = OfficeFile(
        org_id=org_id,
        id=str(uuid_utils.uuid7()),
        sha256=sha256,
        name=name[:LONGEST_NAME],
        type=media_type,
        size=len(data),
        purpose=purpose,
        subject=subject,
        made_by=actor_id,
        created_at=now,
    )
    session.add(file)
    session.flush()
    return file
