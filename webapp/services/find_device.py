"""Find the phone behind a bearer token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.store.models import Device
from webapp.store.unit import reading


@dataclass(frozen=True, slots=True)
class CallingDevice:
    """What a request needs of the phone that makes it."""

    id: str
    org_id: str
    user_id: str
    jwk: dict[str, Any] | None
    revoked_at: datetime | None


def token_digest(token: str) -> str:
    """The only form in which a token is kept: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_device(token: str) -> CallingDevice | None:
    """The phone whose token this is, revoked or not; None when there is none."""
    with reading() as session:
        row = session.execute(
            select(Device.id, Device.org_id, Device.user_id, Device.jwk, Device.revoked_at).where(
                Device.token_sha256 == token_digest(token), Device.kind == "phone"
            )
        ).one_or_none()
    return None if row is None or row.user_id is None else CallingDevice(*row)
