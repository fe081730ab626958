"""Make events and receipts on the server: the same envelope, signed with the organisation's own key.

The server is a device too: what the office, an import and the clock do goes through `ledger.accept` like
everything else, in a chain of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.journal import Head
from sync.protocol.envelope import RECEIPT_TYP, digest, sign
from sync.protocol.events import VERSION, fits
from sync.protocol.problems import Problem
from sync.protocol.schema import complaint
from sync.protocol.times import format_time

_MEMBERS = frozenset(
    {"run", "carrier", "expected", "place", "counterpart", "reason", "note", "intact", "ref", "blobs", "data"}
)


@dataclass(slots=True)
class Chain:
    """A device's chain as it grows: each `make` follows the one before. `made` are the JWS so far.

    `head` is the newest event in the journal (`Journal.head`), None for a device without one. `key` None
    makes unsigned events.
    """

    device_id: str
    key: EllipticCurvePrivateKey | None
    head: Head | None = None
    made: list[str] = field(default_factory=list)

    def make(
        self,
        kind: str,
        *,
        id: str,  # noqa: A002 (the wire's word)
        actor_id: str,
        at: datetime,
        parcels: Sequence[str] = (),
        offset_ms: int | None = 0,
        **members: Any,
    ) -> str:
        """The JWS of one event; raises `event-refused` if it would be malformed. `id` is a fresh UUIDv7."""
        unknown = members.keys() - _MEMBERS
        if unknown:
            raise Problem("event-refused", f"An event has no member {', '.join(sorted(unknown))}")
        payload: dict[str, Any] = {
            "v": VERSION,
            "id": id,
            "device": self.device_id,
            "actor": actor_id,
            "seq": self.head.seq + 1 if self.head else 1,
            "prev": self.head.sha256 if self.head else None,
            "kind": kind,
            "at": format_time(at),
            "offset_ms": offset_ms,
            "parcels": list(parcels),
            **{name: value for name, value in members.items() if value is not None},
        }
        wrong = None if fits(payload) else complaint(payload)
        if wrong is not None:
            raise Problem("event-refused", wrong)
        jws = sign(payload, self.key)
        self.head = Head(payload["seq"], digest(jws))
        self.made.append(jws)
        return jws


def make_receipt(
    device_id: str,
    epoch: str,
    received_at: datetime,
    events: Iterable[tuple[str, str]],
    key: EllipticCurvePrivateKey,
) -> str:
    """The server's signed word that it holds these events, (id, sha256) each; the phone keeps it."""
    payload = {
        "device": device_id,
        "epoch": epoch,
        "received_at": format_time(received_at),
        "events": [{"id": id_, "sha256": sha256} for id_, sha256 in events],
    }
    return sign(payload, key, RECEIPT_TYP)
