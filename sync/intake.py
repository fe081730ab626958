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
    `is_known` False: nobody knows who made these (a file names a phone that is not of this shop).
    """

    device_id: str
    key: Jwk | None
    actor_ids: frozenset[str] | None
    is_revoked: bool = False
    is_known: bool = True

    @property
    def is_server(self) -> bool:
        """The server's own device may make office, import and clock events."""
        return self.actor_ids is None


@dataclass(slots=True)
class Item:
    """One entry of a batch while it is judged: an `event` or a refusal (`code`, `detail`) in the end.

    `fault` is what speaks against it once it is proved, in the same two words; a duplicate is never refused for it.
    """

    raw: str
    sha256: str
    envelope: envelope.Envelope | None = None
    event: events.Event | None = None
    fault: tuple[str, str] | None = None
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
    def claimed_blobs(self) -> tuple[str, ...]:
        """Digests of the pictures that it says are its own: they are kept for as long as it is."""
        listed = self.envelope.payload.get("blobs") if self.envelope else None
        if not isinstance(listed, list) or len(listed) > schema.MAX_BLOBS:
            return ()
        named = (blob.get("sha256") for blob in listed if isinstance(blob, dict))
        fit = (name for name in named if isinstance(name, str) and schema.SHA256.fullmatch(name))
        return tuple(dict.fromkeys(fit))

    @property
    def storable(self) -> str:
        """The raw text, escaped as a JSON string where no database could store it as it came."""
        return self.raw if strictjson.is_storable(self.raw) else json.dumps(self.raw)


def take_apart(raw: str, sender: Sender) -> Item:
    """Open the envelope, prove who made it, and read it: all that can be told without the journal."""
    item = Item(raw, envelope.digest(raw))
    try:
        item.envelope = envelope.open_(raw)
    except envelope.Refused as refusal:
        item.claimed_id = envelope.claimed_id(raw)
        item.refuse(refusal.code, str(refusal))
    else:
        item.claimed_id, item.claimed_ref = item.claims("id"), item.claims("ref")
        item.fault = _prove(item, item.envelope, sender)
    return item


def judge(item: Item) -> None:
    """Let what speaks against it count: the `event` stays, or it is refused."""
    if item.fault is not None:
        item.refuse(*item.fault)


def _prove(item: Item, opened: envelope.Envelope, sender: Sender) -> tuple[str, str] | None:
    if not sender.is_known:
        return "device_unknown", "no phone of this shop has the id that the event names"
    if opened.payload.get("device") != sender.device_id:
        return "not_this_device", "the event names another device"
    try:
        envelope.verify(opened, sender.key)
        item.is_signed = sender.key is not None
        event = events.read(opened.payload, events.KINDS if sender.is_server else PHONE_KINDS)
    except (envelope.Refused, events.Malformed) as refusal:
        return refusal.code, str(refusal)
    if sender.actor_ids is not None and event.actor not in sender.actor_ids:
        return "not_this_device", "the event names a person who never enrolled this device"
    if sender.is_revoked:
        return "device_revoked", "the phone was revoked"
    item.event = event
    return None
