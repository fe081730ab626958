"""Push to a browser by its own push service: encrypted for it (RFC 8291), signed by us (VAPID, RFC 8292).

The key that browsers agree to is derived from the server's signing key: it is kept and backed up with it, and a browser
need not be asked again after a restore.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import jwt

from webapp.services.notices import outgoing
from webapp.services.notices.outcomes import SENT, Letter, Outcome

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_GONE = frozenset({404, 410})
_LATER = frozenset({408, 425, 429})
TTL = timedelta(days=1)
MOST_TEXT = 600  # a push service takes 4,096 bytes; a letter of Thai is three


@dataclass(frozen=True, slots=True)
class Browser:
    """What a push to one browser needs: `endpoint_sha256` names it in our books."""

    endpoint: str
    endpoint_sha256: str
    p256dh: str
    auth: str
    person: str


def derive_key(signing_key: ec.EllipticCurvePrivateKey) -> ec.EllipticCurvePrivateKey:
    """The key for push, always the same for the same signing key, and of no use to find that one."""
    secret = signing_key.private_numbers().private_value.to_bytes(32, "big")
    drawn = HKDF(SHA256(), 48, salt=None, info=b"baton web push 1").derive(secret)
    return ec.derive_private_key(int.from_bytes(drawn, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """What a browser is asked to agree to (`applicationServerKey`)."""
    return _b64(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def is_browsers(p256dh: str, auth: str) -> bool:
    """Whether these are the keys of a subscription: a point of P-256 and sixteen bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
        return len(_bytes(auth)) == 16
    except ValueError:
        return False


def send(
    letter: Letter, browser: Browser, key: ec.EllipticCurvePrivateKey, contact: str, *, may_be_private: bool
) -> Outcome:
    """Hand a push to the browser's push service. `contact` is whom the service may ask about us."""
    topic = _b64(hashlib.sha256(f"{letter.kind}:{letter.key}".encode()).digest()[:18])
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(int(TTL.total_seconds())),
        "Urgency": "high" if letter.is_urgent else "normal",
        "Topic": topic,
        "Authorization": authorization(browser.endpoint, key, contact, letter.at),
    }
    body = encrypt(_payload(letter, browser, topic), browser)
    try:
        answer = outgoing.post(browser.endpoint, body, headers, may_be_private=may_be_private)
    except outgoing.Unsafe as error:
        return Outcome("refused", str(error))
    except OSError as error:
        said = str(error) or type(error).__name__
        return Outcome("again", f"The push service did not answer: {said[:300]}", is_trouble=True)
    return _judged(answer)


def _payload(letter: Letter, browser: Browser, topic: str) -> bytes:
    told = {
        "title": letter.words.subject,
        "body": letter.words.text[:MOST_TEXT],
        "for": browser.person,
        "tag": topic,
        "path": letter.link_path or "/",
    }
    return json.dumps(told, ensure_ascii=False).encode()


def encrypt(data: bytes, browser: Browser) -> bytes:
    """Readable for this browser only."""
    sealed: bytes = http_ece.encrypt(
        data,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_bytes(browser.p256dh),
        auth_secret=_bytes(browser.auth),
        version="aes128gcm",
    )
    return sealed


def authorization(endpoint: str, key: ec.EllipticCurvePrivateKey, contact: str, now: datetime) -> str:
    """Who sends, for this push service and half a day."""
    parts = urlsplit(endpoint)
    expires = int((now + timedelta(hours=12)).timestamp())
    token = jwt.sign({"aud": f"{parts.scheme}://{parts.netloc}", "exp": expires, "sub": contact}, key)
    return f"vapid t={token}, k={public_key(key)}"


def _judged(answer: outgoing.Answer) -> Outcome:
    said = f"The push service answered {answer.status}. {answer.text[:200]}".strip()
    if 200 <= answer.status < 300:
        return SENT
    if answer.status in _GONE:
        return Outcome("refused", f"{said} This browser takes no more notices.", is_gone=True)
    if answer.status >= 500 or answer.status in _LATER:
        return Outcome("again", said, after_s=answer.retry_after_s)
    return Outcome("refused", said)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
