"""/sync/v1/push: a phone's person agrees to be told with the app closed, or no longer."""

from __future__ import annotations

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp import access, clock
from webapp.access import phone, refuse_revoked
from webapp.api import blueprint
from webapp.api.bodies import read_json
from webapp.extensions import of_app
from webapp.services.notices.subscribe import Agreed, push_key, subscribe, unsubscribe

SMALL = 8 * 1024


@blueprint.get("/sync/v1/push")
@phone
def push() -> Response:
    """The key that a browser is asked to agree to."""
    refuse_revoked()
    return jsonify({"key": push_key()})


@blueprint.post("/sync/v1/push")
@phone
def push_on() -> ResponseReturnValue:
    """Remember this browser for the phone's person."""
    refuse_revoked()
    caller = access.device()
    agreed = agreed_in(read_json(SMALL))
    subscribe(of_app("baton-settings"), caller.org_id, caller.user_id, caller.id, agreed, clock.now())
    return "", 204


@blueprint.post("/sync/v1/push/off")
@phone
def push_off() -> ResponseReturnValue:
    """Forget it."""
    refuse_revoked()
    caller = access.device()
    endpoint = read_json(SMALL).get("endpoint")
    if not isinstance(endpoint, str):
        raise Problem("body-invalid", "endpoint must be text.")
    unsubscribe(caller.org_id, caller.user_id, endpoint, clock.now())
    return "", 204


def agreed_in(told: dict[str, object]) -> Agreed:
    """`{endpoint, keys: {p256dh, auth}, key}` as a browser's subscription says it. Problem `body-invalid`."""
    keys = told.get("keys")
    held = keys if isinstance(keys, dict) else {}
    parts = (told.get("endpoint"), held.get("p256dh"), held.get("auth"), told.get("key"))
    if not all(isinstance(part, str) for part in parts):
        raise Problem("body-invalid", "endpoint, keys.p256dh, keys.auth and key must be texts.")
    return Agreed(*(str(part) for part in parts))
