"""One item of a batch, judged on its own: is it ours, well-formed, and made by this sender?"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sync.protocol import envelope, events, schema, strictjson
from sync.protocol.keys import Jwk
from sync.rules.lifecycle import PHONE_KINDS


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose batch it is, as the store knows the device that authenticated.

    `key` is the public JWK it enrolled with (None: it could keep none). `actor_ids` are the people who
    may speak through it, None for the server's own device, which speaks for everybody in the office.
    """

    device_id: str
    key: Jwk | None
    actor_ids: frozenset[str] | None
    is_revoked: bool = False

    @property
    def is_server(self) -> bool:
        """The server's own device may make office, import and clock events."""
        return self.actor_ids is None


@dataclass(slots=True)
class Item:
    """One entry of a batch while it is judged: an `event` or a refusal (`code`, `detail`) in the end."""

    raw: str
    sha256: str
    envelope: envelope.Envelope | None = None
    event: events.Event | None = None
    code: str | None = None
    detail: str = ""
    is_signed: bool = False
    claimed_id: str | None = None
    claimed_ref: str | None = None

    def claims(self, member: str) -> str | None:
        """What it says of itself, unproved: a short text, or None."""
        value = self.envelope.payload.get(member) if self.envelope else None
        return value if isinstance(value, str) and len(value) <= schema.MAX_ID else None

    @property
    def claimed_seq(self) -> int | None:
        """The seq it says it has."""
        value = self.envelope.payload.get("seq") if self.envelope else None
        return value if type(value) is int else None

    def refuse(self, code: str, detail: str) -> None:
        """Keep it out of the ledger, with a finding of the catalogue."""
        self.event, self.code, self.detail = None, code, detail

    @property
    def storable(self) -> str:
        """The raw text, escaped as a JSON string where no database could store it as it came."""
        return self.raw if strictjson.is_storable(self.raw) else json.dumps(self.raw)


def take_apart(raw: str) -> Item:
    """Open the envelope; nothing is proved yet."""
    item = Item(raw, envelope.digest(raw))
    try:
        item.envelope = envelope.open_(raw)
    except envelope.Refused as refusal:
        item.refuse(refusal.code, str(refusal))
    else:
        item.claimed_id, item.claimed_ref = item.claims("id"), item.claims("ref")
    return item


def judge(item: Item, sender: Sender) -> None:
    """Prove who made it and read it: sets `event`, or the refusal."""
    opened = item.envelope
    if opened is None:
        return
    if opened.payload.get("device") != sender.device_id:
        item.refuse("not_this_device", "the event names another device")
        return
    try:
        envelope.verify(opened, sender.key)
        item.is_signed = sender.key is not None
        event = events.read(opened.payload, events.KINDS if sender.is_server else PHONE_KINDS)
    except (envelope.Refused, events.Malformed) as refusal:
        item.refuse(refusal.code, str(refusal))
        return
    if sender.actor_ids is not None and event.actor not in sender.actor_ids:
        item.refuse("not_this_device", "the event names a person who never enrolled this device")
    elif sender.is_revoked:
        item.refuse("device_revoked", "the phone was revoked")
    else:
        item.event = event
