"""The time stamps: each event leads to its day's root, an authority has stamped that root, and the times agree."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from sync.evidence.bundle.checks.events import place
from sync.evidence.bundle.contents import STAMPS, Bundle, Line
from sync.evidence.bundle.shapes import to_ms
from sync.evidence.timestamp import merkle, token
from sync.evidence.timestamp.token import Token, Unreadable, Untrue

Stamp = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stamped:
    """That an event existed before `at`, as `by` says; `is_checked`: whose word that is was checked too."""

    at: str
    by: str
    day: str
    is_checked: bool

    @property
    def at_ms(self) -> int:
        """The authority's time in milliseconds."""
        return to_ms(self.at)


def check_stamps(bundle: Bundle, roots: bytes | None) -> dict[str, Stamped]:
    """The earliest stamp that holds for each event, by event id. `roots` (PEM) vouch for authorities, if known."""
    found: dict[str, Stamped] = {}
    if bundle.stamps is None:
        return found
    by_digest = {line.sha256: line for line in bundle.events if line.envelope}
    for stamp in bundle.stamps["stamps"]:
        stamped = _look(bundle, stamp, roots)
        for entry in stamp["events"]:
            line = by_digest.get(entry["sha256"])
            if line is None:
                bundle.findings.add("stamp_stranger", _where(stamp), f"The event {entry['sha256']}.")
            elif not _leads_to_root(stamp, entry):
                bundle.findings.add("stamp_path", place(line), f"That of {stamp['day']}.")
            elif stamped is not None:
                _keep(found, line, stamped)
    return found


def _keep(found: dict[str, Stamped], line: Line, stamped: Stamped) -> None:
    id_ = line.payload["id"]
    if id_ not in found or stamped.at_ms < found[id_].at_ms:
        found[id_] = stamped


def _where(stamp: Stamp) -> str:
    return f"{STAMPS}, {stamp['day']}"


def _look(bundle: Bundle, stamp: Stamp, roots: bytes | None) -> Stamped | None:
    """The stamp itself; None where it stamps nothing that is here."""
    find, where = bundle.findings, _where(stamp)
    try:
        response, said = _answer(stamp["response"])
    except Unreadable as error:
        find.add("stamp_unreadable", where, f"{error}.".capitalize())
        return None
    imprint = imprint_of(bundle, stamp)
    if said.imprint != imprint:
        find.add("stamp_imprint", where)
        return None
    if roots is None:
        find.add("stamp_unchecked", where, how_to_check(imprint))
        return Stamped(said.at, stamp["by"], stamp["day"], is_checked=False)
    try:
        token.check(response, imprint, roots)
    except Untrue as error:
        find.add("stamp_signature", where, f"{error}.")
        return None
    return Stamped(said.at, token.authority(response), stamp["day"], is_checked=True)


def _answer(text: str) -> tuple[bytes, Token]:
    try:
        response = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("it is not written in base64") from None
    if base64.b64encode(response).decode() != text:
        raise Unreadable("it is not written in base64")
    return response, token.read(response)


def imprint_of(bundle: Bundle, stamp: Stamp) -> bytes:
    """The digest that has to be stamped: of whose list it is, of which day, how long, and its root."""
    org_id = str((bundle.sealed.get("shop") or {}).get("id"))
    root = bytes.fromhex(stamp["root"])
    return hashlib.sha256(token.head(org_id, stamp["day"], stamp["size"], root)).digest()


def how_to_check(imprint: bytes) -> str:
    """What anybody can type who has the authority's certificates."""
    return (
        'Check it with baton verify --tsa-certs FILE; or write its "response" out of base64 into stamp.tsr, and: '
        f"openssl ts -verify -digest {imprint.hex()} -in stamp.tsr -CAfile FILE"
    )


def _leads_to_root(stamp: Stamp, entry: dict[str, Any]) -> bool:
    path = [bytes.fromhex(step) for step in entry["path"]]
    led = merkle.root_of(bytes.fromhex(entry["sha256"]), entry["index"], stamp["size"], path)
    return led is not None and led.hex() == stamp["root"]
