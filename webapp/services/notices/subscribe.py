"""Browsers that want to be told: remember one for a person, and forget it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import uuid_utils

from sync.protocol.problems import Problem
from webapp.services.notices import outgoing, web_push
from webapp.services.server_identity import signing_key
from webapp.settings import Settings
from webapp.store.models import PushSubscription
from webapp.store.queries import push
from webapp.store.unit import lock_org, transaction

MOST_ENDPOINT = 2000
MOST_BROWSERS = 20


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a browser gives when its person agrees (PushSubscription.toJSON), and the key that it agreed to."""

    endpoint: str
    p256dh: str
    auth: str
    key: str


def push_key() -> str:
    """The key that browsers are asked to agree to."""
    return web_push.public_key(web_push.derive_key(signing_key()))


def subscribe(
    settings: Settings, org_id: str, user_id: str, device_id: str | None, agreed: Agreed, now: datetime
) -> None:
    """Tell this person by this browser from now on; the same again changes nothing.

    Problems: `field-invalid` (no address of a push service, no keys), `conflict` (agreed to another key: ask anew).
    """
    _check(settings, agreed)
    with transaction() as session:
        lock_org(session, org_id, 0)  # two presses at once are one row
        held = push.of_browser(session, org_id, user_id, agreed.endpoint)
        if held is None:
            push.make_room(session, org_id, user_id, MOST_BROWSERS - 1, now)
            held = PushSubscription(
                org_id=org_id,
                id=str(uuid_utils.uuid7()),
                user_id=user_id,
                endpoint=agreed.endpoint,
                endpoint_sha256=push.endpoint_digest(agreed.endpoint),
                created_at=now,
            )
            session.add(held)
        held.device_id, held.vapid_key = device_id, agreed.key
        held.p256dh, held.auth = agreed.p256dh, agreed.auth
        held.ended_at, held.ended_why = None, ""


def unsubscribe(org_id: str, user_id: str, endpoint: str, now: datetime) -> None:
    """Tell this person by this browser no more."""
    with transaction() as session:
        held = push.of_browser(session, org_id, user_id, endpoint)
        if held is not None and held.ended_at is None:
            held.ended_at, held.ended_why = now, "Switched off in this browser."


def _check(settings: Settings, agreed: Agreed) -> None:
    if agreed.key != push_key():
        raise Problem(
            "conflict", "This browser agreed to an older key of the server. Switch it off and on again."
        )
    if len(agreed.endpoint) > MOST_ENDPOINT or not web_push.is_browsers(agreed.p256dh, agreed.auth):
        raise Problem("field-invalid", "This is not what a browser gives for notices.", field="keys")
    try:
        outgoing.refuse_form(agreed.endpoint, may_be_private=settings.private_targets)
    except outgoing.Unsafe as error:
        raise Problem("field-invalid", str(error), field="endpoint") from error
