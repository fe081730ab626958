"""What anybody may know of this server before being let in."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sync.protocol import batch, keys
from sync.protocol.envelope import MAX_EVENT_BYTES
from sync.protocol.problems import Problem
from sync.protocol.schema import MAX_BLOB_BYTES
from sync.protocol.times import format_time
from webapp.services.server_identity import signing_key
from webapp.store import database

MIN_CLIENT = "0.1.0"
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")
RETAIN_ACKED_DAYS = 14


def refuse_too_old(client: str | None) -> None:
    """Problem `client-too-old` for a version below `MIN_CLIENT`; a client that tells none is let in."""
    said = _VERSION.search(client or "")
    if said and tuple(map(int, said.groups(default="0"))) < tuple(map(int, MIN_CLIENT.split("."))):
        raise Problem(
            "client-too-old", "Close the app and open it again to get the new version. Your work is safe."
        )


def hello(now: datetime) -> dict[str, Any]:
    """The protocol's version and limits, the epoch, the time and the server's public key."""
    return {
        "protocol": 1,
        "epoch": database.epoch(),
        "server_time": format_time(now),
        "min_client": MIN_CLIENT,
        "jwk": keys.public_jwk(signing_key()),
        "limits": {
            "max_events": batch.MAX_EVENTS,
            "max_batch_bytes": batch.MAX_BATCH_BYTES,
            "max_event_bytes": MAX_EVENT_BYTES,
            "max_blob_bytes": MAX_BLOB_BYTES,
        },
        "retain_acked_days": RETAIN_ACKED_DAYS,
    }
