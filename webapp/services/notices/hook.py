"""A shop's own webhook, signed as Standard Webhooks has it (webhook-id, webhook-timestamp, webhook-signature).

`webhook-id` is the delivery's, the same at every try and also sent as Idempotency-Key: a receiver that has seen it
answers 2xx and does nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets

from webapp.services.notices import outgoing
from webapp.services.notices.outcomes import SENT, Letter, Outcome

PREFIX = "whsec_"
_LATER = frozenset({408, 409, 425, 429})


def make_secret() -> str:
    """A new secret, as the receiver's library takes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(letter: Letter, secret: str, *, may_be_private: bool) -> Outcome:
    """Tell the shop's own system."""
    body = json.dumps(letter.body, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(letter.at.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Baton",
        "Idempotency-Key": letter.id,
        "webhook-id": letter.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, letter.id, timestamp, body),
    }
    try:
        answer = outgoing.post(letter.target, body, headers, may_be_private=may_be_private)
    except outgoing.Unsafe as error:
        return Outcome("refused", str(error))
    except OSError as error:
        said = str(error) or type(error).__name__
        return Outcome("again", f"The webhook did not answer: {said[:300]}", is_trouble=True)
    return _judged(answer)


def _judged(answer: outgoing.Answer) -> Outcome:
    said = f"The webhook answered {answer.status}. {answer.text[:200]}".strip()
    if 200 <= answer.status < 300:
        return SENT
    if 300 <= answer.status < 400:
        return Outcome("refused", f"{said} Redirects are not followed: write down the final address.")
    if answer.status >= 500 or answer.status in _LATER:
        return Outcome("again", said, is_trouble=True, after_s=answer.retry_after_s)
    return Outcome("refused", said)
