"""Find the phone behind a bearer token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.store.queries import devices
from webapp.store.unit import looking


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
    with looking() as connection:
        row = devices.calling(connection, token_digest(token))
    return None if row is None else CallingDevice(*row)
