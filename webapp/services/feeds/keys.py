"""What a carrier's feed proves itself with: a secret to sign webhooks, a key for programs; shown once, never kept.

Both are made from the carrier's salt and the installation's own key, so a copy of the database gives neither away.
A new salt ends the old ones at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.protocol.problems import Problem
from webapp.extensions import of_app
from webapp.store.queries import places
from webapp.store.unit import lock_org, reading, transaction

NEAR = timedelta(minutes=5)  # how far a signature's time may be from ours
VERSION = "v1"


@dataclass(frozen=True, slots=True)
class FeedKeys:
    """`secret` signs webhooks, `key` is the bearer token of a program."""

    secret: str
    key: str


def new_keys(org_id: str, carrier: str, now: datetime) -> FeedKeys:
    """Make new ones; those before end. Problem `not-found`."""
    with transaction() as session:
        lock_org(session, org_id)
        held = places.find_carrier(session, org_id, carrier)
        if held is None:
            raise Problem("not-found", "There is no such carrier in this shop.")
        held.feed_salt, held.feed_made_at = secrets.token_urlsafe(24), now
        salt = held.feed_salt
    return _made(org_id, carrier, salt)


def end_keys(org_id: str, carrier: str) -> None:
    """End the feed's keys: nothing signed with them is taken from now on. Problem `not-found`."""
    with transaction() as session:
        lock_org(session, org_id)
        held = places.find_carrier(session, org_id, carrier)
        if held is None:
            raise Problem("not-found", "There is no such carrier in this shop.")
        held.feed_salt = held.feed_made_at = None


def check_key(org_id: str, carrier: str, told: str) -> None:
    """Whether a program's bearer token is this feed's. Problem `feed-key-unknown`."""
    keys = _held(org_id, carrier)
    if keys is None or not hmac.compare_digest(keys.key.encode(), told.encode()):
        raise Problem("feed-key-unknown")


def check_signature(
    org_id: str, carrier: str, body: bytes, timestamp: str, signature: str, now: datetime
) -> None:
    """Whether a webhook was signed with this feed's secret, just now. Problems `feed-key-unknown`, `signature-stale`.

    The signature is `v1=` and the hex HMAC-SHA256 of `<timestamp>.<body>`; the timestamp is seconds since 1970.
    """
    keys = _held(org_id, carrier)
    wanted = sign(keys.secret if keys else secrets.token_urlsafe(24), timestamp, body)
    if keys is None or not hmac.compare_digest(wanted.encode(), signature.strip().encode()):
        raise Problem("feed-key-unknown")
    # Only after the signature: a stranger learns nothing of our clock.
    if abs(int(timestamp) - now.timestamp()) > NEAR.total_seconds():
        raise Problem("signature-stale")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """What a webhook's signature has to be."""
    digits = timestamp if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 else ""
    if not digits:
        raise Problem("feed-key-unknown")
    mac = hmac.new(secret.encode(), f"{digits}.".encode() + body, hashlib.sha256)
    return f"{VERSION}={mac.hexdigest()}"


def _held(org_id: str, carrier: str) -> FeedKeys | None:
    with reading() as session:
        held = places.find_carrier(session, org_id, carrier)
        salt = held.feed_salt if held else None
    return _made(org_id, carrier, salt) if salt else None


def _made(org_id: str, carrier: str, salt: str) -> FeedKeys:
    return FeedKeys(*(_derived(use, org_id, carrier, salt) for use in ("secret", "key")))


def _derived(use: str, org_id: str, carrier: str, salt: str) -> str:
    own: str = of_app("baton-settings").secret_key
    made = hmac.new(own.encode(), f"baton/feed/{use}/{org_id}/{carrier}/{salt}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made.digest()).decode().rstrip("=")
