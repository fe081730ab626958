"""The envelope: strict compact JWS (RFC 7515), ES256, made once and never re-serialised.

`open_` takes it apart without judging who signed it; `verify` judges. Nothing in the header chooses the
key or the algorithm: the key is the one the phone enrolled with, the algorithm is ES256. An event
without a signature (`alg` none) is only for a phone that could not keep a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from sync.protocol import strictjson
from sync.protocol.keys import Jwk, b64url, public_jwk, public_key, thumbprint, unb64url

EVENT_TYP = "baton-event+jws"
RECEIPT_TYP = "baton-receipt+jws"
MAX_EVENT_BYTES = 65536
MAX_CLAIM = 64  # characters of an id; those of a proper one are 36
_ES256 = ec.ECDSA(hashes.SHA256())


class Refused(ValueError):
    """The envelope is not one of ours. `code` is a finding of the catalogue, the text says what is wrong."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Header:
    """The protected header's members that count."""

    alg: str
    kid: str | None
    typ: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A JWS taken apart: nothing is proved yet."""

    header: Header
    payload: dict[str, Any]
    signed: bytes  # the signing input: header and payload as sent
    signature: bytes


def digest(jws: str) -> str:
    """SHA-256 of the JWS string, lower-case hex: what `prev`, results and receipts name it by."""
    return hashlib.sha256(jws.encode("utf-8", "surrogatepass")).hexdigest()


def open_(jws: str, typ: str = EVENT_TYP, limit: int = MAX_EVENT_BYTES) -> Envelope:
    """Take a compact JWS apart; raises `Refused` (`event_too_large`, `event_malformed`, `bad_signature`)."""
    if len(jws) > limit:
        raise Refused("event_too_large", f"an event has at most {limit} bytes")
    parts = jws.split(".")
    if len(parts) != 3:
        raise Refused("event_malformed", "a compact JWS has three parts")
    header = _header(parts[0])
    if header.typ != typ:
        raise Refused("event_malformed", f"typ must be {typ}")
    try:
        signature = unb64url(parts[2])
        raw = unb64url(parts[1])
    except ValueError:
        raise Refused("event_malformed", "a part is not canonical base64url") from None
    try:
        payload = strictjson.loads(raw)
    except strictjson.NotStrict as error:
        raise Refused("event_malformed", f"the payload is refused: {error}") from None
    if not isinstance(payload, dict):
        raise Refused("event_malformed", "the payload is not an object")
    return Envelope(header, payload, jws[: -len(parts[2]) - 1].encode("ascii"), signature)


def claimed_id(jws: str) -> str | None:
    """The id that a JWS names itself by, whatever else is wrong with it: unproved, and None when none can be read.

    By it a phone finds its own row again in the answer to a batch.
    """
    try:
        payload = strictjson.loads(unb64url(jws.split(".")[1]))
    except (IndexError, ValueError):
        return None
    claimed = payload.get("id") if isinstance(payload, dict) else None
    return claimed if isinstance(claimed, str) and len(claimed) <= MAX_CLAIM else None


@lru_cache(maxsize=4096)
def _header(part: str) -> Header:
    """Read the protected header; one phone's is always the same string, so this is nearly free."""
    try:
        header = strictjson.loads(unb64url(part))
    except ValueError as error:
        raise Refused("event_malformed", f"the header is refused: {error}") from None
    if not isinstance(header, dict):
        raise Refused("event_malformed", "the header is not an object")
    if "crit" in header or "b64" in header:
        raise Refused("event_malformed", "the header asks for an extension")
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(typ, str) or not (kid is None or isinstance(kid, str)):
        raise Refused("event_malformed", "kid and typ must be text")
    if alg not in ("ES256", "none"):
        raise Refused("bad_signature", "alg must be ES256")
    return Header(alg, kid, typ)


def verify(envelope: Envelope, key: Jwk | None) -> None:
    """Check that `key` made the signature; `key` None is a phone without one. Raises `bad_signature`."""
    header = envelope.header
    if key is None:
        if header.alg != "none":
            raise Refused("bad_signature", "this phone has no key here")
        if envelope.signature:
            raise Refused("bad_signature", "an unsigned event has an empty signature")
        return
    if header.alg != "ES256":
        raise Refused("bad_signature", "this phone has a key, so its events must be signed")
    if header.kid != _kid(key["x"], key["y"]):
        raise Refused("bad_signature", "kid is not this phone's key")
    if not is_signed_by(envelope, key):
        raise Refused("bad_signature", "the signature does not fit")


def is_signed_by(envelope: Envelope, key: Jwk) -> bool:
    """Whether the key made this ES256 signature (64 bytes, r then s)."""
    raw = envelope.signature
    if len(raw) != 64:
        return False
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        public_key(key["x"], key["y"]).verify(der, envelope.signed, _ES256)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=4096)
def _kid(x: str, y: str) -> str:
    return thumbprint({"crv": "P-256", "kty": "EC", "x": x, "y": y})


def sign(payload: Mapping[str, Any], key: ec.EllipticCurvePrivateKey | None, typ: str = EVENT_TYP) -> str:
    """A compact JWS of the payload; without a key, an unsigned one (`alg` none)."""
    header: dict[str, str] = {"alg": "none", "typ": typ}
    if key is not None:
        jwk = public_jwk(key)
        header = {"alg": "ES256", "kid": _kid(jwk["x"], jwk["y"]), "typ": typ}
    signed = f"{b64url(compact(header))}.{b64url(compact(payload))}"
    if key is None:
        return signed + "."
    r, s = decode_dss_signature(key.sign(signed.encode("ascii"), _ES256))
    return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def compact(value: Mapping[str, Any]) -> bytes:
    """JSON without white space, UTF-8, members in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
