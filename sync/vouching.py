"""What taking an item in from quarantine may mean: judged anew, as its phone's own record, or on the office's word.

A record that its phone's key proves goes into the ledger as what it is, in the phone's chain. One that nothing proves
never does: it would take a place in a chain that is not known to be its own, and stand in every proof as if it were
the phone's. The office may then say the same in its own name: a new event of the server's, with the office's person as
its actor. Either way an `amend` beside it says who took it in, from what, and why, and the fold marks the record so.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sync.intake import Item, Sender, take_apart
from sync.protocol import envelope, events
from sync.rules.lifecycle import PHONE_KINDS

OWN, STATEMENT, NEVER = "own", "statement", "never"
# What a statement takes over as it was said; who, when and on which phone are the office's own.
_SAID = ("run", "carrier", "expected", "place", "counterpart", "reason", "note", "intact", "ref", "blobs")


@dataclass(frozen=True, slots=True)
class Ruling:
    """`way` is own, statement or never; `finding` is what stays on the record when it is taken in.

    `fault` says in the catalogue's words what speaks against it today, None when nothing does. `payload` is what can
    be read of it, proved or not; `event` the well-formed event in it. `sender` is who may be its phone's own.
    """

    way: str
    finding: str
    fault: tuple[str, str] | None
    payload: dict[str, Any] | None
    event: events.Event | None
    sender: Sender


def original(stored: str, sha256: str) -> str:
    """The text as it was sent: the store escapes what it could not keep as it came."""
    if envelope.digest(stored) == sha256:
        return stored
    try:
        text = json.loads(stored)
    except ValueError:
        return stored
    return text if isinstance(text, str) and envelope.digest(text) == sha256 else stored


@dataclass(frozen=True, slots=True)
class Claims:
    """What a text says of itself, unproved: the phone it is from, the pictures that belong to it."""

    device: str | None
    blobs: tuple[str, ...]


def claims(raw: str) -> Claims:
    """Read what it says of itself; nothing where it cannot be read."""
    item = take_apart(raw, _NOBODY)
    return Claims(item.claims("device"), item.claimed_blobs)


def rule(raw: str, device: Sender | None, people: Collection[str]) -> Ruling:
    """How this text may be taken in. `device` is the phone that it names, None when the shop has none of that id.

    `people` are the ids of the shop's people: a proved record may name any of them, whoever held the phone.
    """
    sender = device or _NOBODY
    item = take_apart(raw, sender)
    actor = item.claims("actor")
    if actor is not None and actor in people and sender.actor_ids is not None:
        sender = replace(sender, actor_ids=sender.actor_ids | {actor})
    sender = replace(sender, is_revoked=False)
    item = take_apart(raw, sender)
    payload = item.envelope.payload if item.envelope else None
    if item.event is not None:
        return Ruling(OWN, "vouched", None, payload, item.event, sender)
    fault = item.fault or (item.code or "event_malformed", item.detail)
    event = _readable(item)
    if event is None:
        return Ruling(NEVER, "", fault, payload, None, sender)
    return Ruling(STATEMENT, "vouched" if item.is_signed else "bad_signature", fault, payload, event, sender)


def said(event: events.Event) -> dict[str, Any]:
    """The members of a statement that says what this event says."""
    members = {name: event.payload.get(name) for name in _SAID}
    return {name: value for name, value in members.items() if value is not None}


def _readable(item: Item) -> events.Event | None:
    if item.envelope is None:
        return None
    try:
        return events.read(item.envelope.payload, PHONE_KINDS)
    except events.Malformed:
        return None


_NOBODY = Sender("", None, frozenset(), is_known=False)
