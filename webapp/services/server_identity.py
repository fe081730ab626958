"""The server as a device: its signing key, and its row in each shop's ledger."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import uuid_utils
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.protocol import keys
from webapp.extensions import of_app
from webapp.store.models import Device
from webapp.store.queries import devices
from webapp.store.unit import Session


def signing_key() -> EllipticCurvePrivateKey:
    """The key that signs receipts and the events of office, clock and import."""
    return cast(EllipticCurvePrivateKey, of_app("baton-key"))


def server_device(session: Session, org_id: str, now: datetime) -> Device:
    """The shop's own server device, made on first need. The caller holds the shop's lock."""
    jwk = keys.public_jwk(signing_key())
    for held in devices.servers(session, org_id):
        if held.jwk == jwk and held.revoked_at is None:
            return held
    made = Device(
        id=str(uuid_utils.uuid7()),
        org_id=org_id,
        kind="server",
        label="Baton's server",
        jwk=jwk,
        enrolled_at=now,
    )
    session.add(made)
    session.flush()
    return made
