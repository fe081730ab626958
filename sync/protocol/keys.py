"""Keys: P-256 only. Reading a phone's public JWK, thumbprints (RFC 7638), the server's own key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sync.protocol.problems import Problem

Jwk = Mapping[str, Any]
_CURVE = ec.SECP256R1()


def b64url(data: bytes) -> str:
    """base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64url(text: str) -> bytes:
    """The bytes of canonical unpadded base64url; raises ValueError for any other spelling of them."""
    standard = text.encode("ascii", "replace").translate(_TO_STANDARD) + b"=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(standard)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if binascii.b2a_base64(data, newline=False) != standard:
        raise ValueError("not canonical base64url")
    return data


_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")


def generate_key() -> ec.EllipticCurvePrivateKey:
    """A new private key for the server or a test."""
    return ec.generate_private_key(_CURVE)


def public_jwk(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The public JWK `{kty, crv, x, y}`."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    numbers = public.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64url(numbers.x.to_bytes(32, "big")),
        "y": b64url(numbers.y.to_bytes(32, "big")),
    }


def thumbprint(jwk: Jwk) -> str:
    """The RFC 7638 SHA-256 thumbprint, base64url: the `kid` of every event this key signs."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return b64url(hashlib.sha256(text.encode()).digest())


def check_jwk(jwk: object) -> dict[str, str]:
    """The four public members of a P-256 JWK, all else dropped; raises `key-invalid`.

    A private member is refused by name: a phone must never send its private key.
    """
    if not isinstance(jwk, Mapping):
        raise Problem("key-invalid", "The key must be a JWK object")
    if "d" in jwk:
        raise Problem("key-invalid", "This is a private key: send the public one only")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise Problem("key-invalid", "The key must have kty EC and crv P-256")
    x, y = jwk.get("x"), jwk.get("y")
    if not isinstance(x, str) or not isinstance(y, str):
        raise Problem("key-invalid", "The key must have x and y")
    public_key(x, y)
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


@lru_cache(maxsize=4096)
def public_key(x: str, y: str) -> ec.EllipticCurvePublicKey:
    """The key at that point, kept for the next batch of the same phone; raises `key-invalid`."""
    try:
        point = b"\x04" + unb64url(x) + unb64url(y)
        key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError as error:
        raise Problem("key-invalid", f"The key is not a point of P-256: {error}") from None
    if len(x) != 43 or len(y) != 43:
        raise Problem("key-invalid", "x and y have 32 bytes each")
    return key


def private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """PKCS 8 PEM, unencrypted: the file that holds it must be readable by the server alone."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def load_private_pem(text: str) -> ec.EllipticCurvePrivateKey:
    """The private key of a PEM text; raises `key-invalid`."""
    try:
        key = serialization.load_pem_private_key(text.encode("ascii"), password=None)
    except (ValueError, TypeError, UnicodeEncodeError):
        raise Problem("key-invalid", "The private key cannot be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != _CURVE.name:
        raise Problem("key-invalid", "The private key is not on P-256")
    return key
