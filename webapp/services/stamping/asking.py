"""Ask a time-stamping authority once, and believe no answer that was not checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sync.evidence.timestamp import token
from sync.evidence.timestamp.token import MOST, Unreadable, Untrue
from sync.protocol.times import parse_time
from webapp.services.notices import outgoing
from webapp.settings import Authority
from webapp.store.queries.stamps import Open

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class NoStamp(Exception):
    """There is none this time; its text says what happened, for the office."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """An answer that holds: its bytes, the authority's time and name."""

    response: bytes
    at: datetime
    authority: str


def ask(authority: Authority, day: Open) -> Stamped:
    """One request with a nonce of its own. Raises NoStamp. No transaction may be open: it waits for the network."""
    import rfc3161_client as tsp  # noqa: PLC0415 (only for who has an authority)

    head = token.head(day.org_id, day.day.isoformat(), day.size, bytes.fromhex(day.root))
    request = tsp.TimestampRequestBuilder().data(head).hash_algorithm(tsp.HashAlgorithm.SHA256).build()
    response = _post(authority.url, request.as_bytes())
    try:
        at = parse_time(token.read(response).at).astimezone(UTC)
        token.check(response, hashlib.sha256(head).digest(), _roots(authority), request)
    except Unreadable as error:
        raise NoStamp(f"The authority's answer has no time stamp in it: {error}.") from error
    except Untrue as error:
        raise NoStamp(
            f"The authority's answer does not hold: {error}. If the authority has new certificates, put its root into "
            f"{authority.certs}."
        ) from error
    if at < datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC) + timedelta(days=1):
        raise NoStamp(f"The authority says that it is {at:%Y-%m-%d %H:%M} UTC, before that day was over.")
    return Stamped(response, at, token.authority(response))


def _post(url: str, query: bytes) -> bytes:
    headers = {**_HEADERS, "User-Agent": "Baton"}
    try:
        # Whoever runs the server names this address; it may be in their own network, and the answer is signed.
        answer = outgoing.post(url, query, headers, may_be_private=True, most=MOST + 1)
    except outgoing.Unsafe as error:
        raise NoStamp(f"BATON_TSA_URL cannot be called: {error}") from error
    except OSError as error:
        raise NoStamp(f"The authority did not answer: {str(error)[:300] or type(error).__name__}.") from error
    if answer.status != 200:
        said = answer.text[:200]
        told = "" if "\ufffd" in said else said  # what is no text helps nobody
        raise NoStamp(f"The authority answered {answer.status}. {told}".strip())
    return answer.body


def _roots(authority: Authority) -> bytes:
    try:
        return authority.certs.read_bytes()
    except OSError as error:
        raise NoStamp(f"BATON_TSA_CERTS: {authority.certs} cannot be read: {error.strerror}.") from error
