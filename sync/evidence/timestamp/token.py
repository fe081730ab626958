"""What a time-stamping authority answered (RFC 3161): what it stamped and when, and whether its signature holds.

`read` is as much as the page can do as well, by the same rules; the signature is checked by `rfc3161-client`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.evidence.timestamp import der
from sync.evidence.timestamp.der import INSIDE, INTEGER, OCTETS, OID, SEQUENCE, TIME, NotDer, Piece, take
from sync.protocol.times import parse_time

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

MOST = 64 * 1024  # bytes of an answer; with a chain of certificates it has some 7 kB
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_SHA256 = bytes.fromhex("608648016503040201")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z", re.ASCII)
_REFUSALS = {
    2: "it refuses",
    3: "it asks to wait",
    4: "it warns of a revocation",
    5: "its certificate was revoked",
}


class Unreadable(ValueError):
    """It is no answer with a time stamp in it; its text says why."""


class Untrue(ValueError):
    """The signature does not hold, or is not by anybody whom these roots vouch for; its text says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """What an answer says: the digest (SHA-256) that was stamped, and the authority's time as RFC 3339."""

    imprint: bytes
    at: str


def head(org_id: str, day: str, size: int, root: bytes) -> bytes:
    """What is stamped: not the bare root, but whose it is, of which day, and over how many events."""
    return f"baton-stamp 1\n{org_id}\n{day}\n{size}\n{root.hex()}\n".encode(errors="replace")


def read(response: bytes) -> Token:
    """What it stamped and when, its signature unchecked. Raises Unreadable."""
    try:
        return _read(response)
    except NotDer as error:
        raise Unreadable(str(error)) from None


def _read(response: bytes) -> Token:
    info = take(_signed(response), 2, SEQUENCE).parts()
    _insist(take(info, 0, OID), _TST_INFO, "it is signed data of another kind")
    octets = take(take(info, 1, INSIDE).parts(), 0, OCTETS)
    told = der.read(octets.content).of(SEQUENCE).parts()
    imprint = take(told, 2, SEQUENCE).parts()
    algorithm = take(take(imprint, 0, SEQUENCE).parts(), 0, OID)
    _insist(algorithm, _SHA256, "it is over a digest that is not SHA-256")
    return Token(take(imprint, 1, OCTETS).content, _moment(take(told, 4, TIME).content))


def check(response: bytes, imprint: bytes, roots: bytes, request: TimeStampRequest | None = None) -> None:
    """Whether somebody whom one of these roots (PEM) vouches for has stamped this digest, in answer to this request.

    The certificates need to be good at the time of the stamp, not now. Raises Unreadable, Untrue.
    """
    import rfc3161_client as tsp  # noqa: PLC0415 (half of it is x509: only for who has a stamp)
    from cryptography import x509  # noqa: PLC0415

    read(response)
    try:
        trusted = x509.load_pem_x509_certificates(roots)
    except ValueError as error:
        raise Untrue("the file of the authority's certificates cannot be read as PEM") from error
    builder = tsp.VerifierBuilder.from_request(request) if request else tsp.VerifierBuilder()
    for certificate in dict.fromkeys(trusted):
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify(tsp.decode_timestamp_response(_sorted(response)), imprint)
    except (tsp.VerificationError, ValueError, TypeError) as error:
        raise Untrue(str(error)) from error


def authority(response: bytes) -> str:
    """Who signed it, by the name in the certificate that comes with it; whether that is so, `check` tells."""
    import rfc3161_client as tsp  # noqa: PLC0415
    from cryptography import x509  # noqa: PLC0415

    try:
        signed = tsp.decode_timestamp_response(_sorted(response)).signed_data
        [signer] = signed.signer_infos
        for raw in signed.certificates:
            held = x509.load_der_x509_certificate(raw)
            if (held.issuer, held.serial_number) == (signer.issuer, signer.serial_number):
                return _named(held.subject)
    except (ValueError, TypeError, NotDer):
        pass
    return "an authority without a name"


def _named(subject: object) -> str:
    from cryptography import x509  # noqa: PLC0415

    assert isinstance(subject, x509.Name)
    oids = (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME)
    parts = [str(a.value) for oid in oids for a in subject.get_attributes_for_oid(oid)]
    return ", ".join(dict.fromkeys(parts)) or subject.rfc4514_string()


def _signed(response: bytes) -> list[Piece]:
    """The parts of the signed data in an answer that grants a stamp."""
    if len(response) > MOST:
        raise NotDer("it is larger than any answer")
    answer = der.read(response).of(SEQUENCE).parts()
    status = take(take(answer, 0, SEQUENCE).parts(), 0, INTEGER).content
    if status not in {b"\0", b"\1"}:
        code = int.from_bytes(status[-4:], "big")
        raise NotDer(f"{_REFUSALS.get(code, 'it has an unknown status')} (status {code})")
    token = take(answer, 1, SEQUENCE).parts()
    _insist(take(token, 0, OID), _SIGNED_DATA, "it holds no signed data")
    return take(take(token, 1, INSIDE).parts(), 0, SEQUENCE).parts()


def _insist(piece: Piece, content: bytes, why_not: str) -> None:
    if piece.content != content:
        raise NotDer(why_not)


def _sorted(response: bytes) -> bytes:
    """With its certificates in DER's order, which OpenSSL's are not, and the library insists on.

    No signature covers them; each still has to fit.
    """
    for piece in _signed(response):
        if piece.tag == INSIDE:
            ordered = b"".join(sorted(part.data[part.at : part.end] for part in piece.parts()))
            return response[: piece.start] + ordered + response[piece.end :]
    return response


def _moment(raw: bytes) -> str:
    found = _MOMENT.fullmatch(raw.decode("latin-1"))
    if found is None:
        raise NotDer("its time cannot be read")
    year, month, day, hour, minute, second, fraction = found.groups()
    text = f"{year}-{month}-{day}T{hour}:{minute}:{second}{fraction or ''}Z"
    try:
        parse_time(text)
    except ValueError:
        raise NotDer("its time cannot be read") from None
    return text
