"""The seal: the server signed what is in the bundle, and the bundle is that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.evidence.bundle.checks.keys import Ring
from sync.evidence.bundle.contents import EVENTS, KEYS, PDF, PICTURE, RECEIPTS, STAMPS, TIMELINE, Bundle

_CHANGED = {
    KEYS: "keys_changed",
    PDF: "pdf_changed",
    EVENTS: "events_changed",
    RECEIPTS: "receipts_changed",
    STAMPS: "stamps_changed",
}
# Where one of these says what was changed, "the file was changed" says nothing more.
_SAID_BETTER = {
    EVENTS: (
        *("event_changed", "event_removed", "event_added", "event_twice", "events_reordered"),
        *("event_unreadable", "event_signature", "alg_refused"),
    ),
    RECEIPTS: (
        *("receipt_removed", "receipt_added", "receipts_reordered", "receipt_unreadable"),
        "receipt_signature",
    ),
}


def check_seal(bundle: Bundle, ring: Ring, expected: str | None) -> None:
    """The seal's own signature, by the server's key; and that the timeline which people read is the sealed one."""
    find = bundle.findings
    if expected is not None and ring.server != expected:
        find.add("server_key_unexpected", KEYS, f"It is {ring.server or 'not there'}, not {expected}.")
    if bundle.seal is None:
        return
    kid = bundle.seal.header.kid
    if kid != ring.server or not ring.is_servers(kid) or not ring.has_signed(kid, bundle.seal):
        find.add("seal_signature", TIMELINE, "Its signature does not fit the server's key.")
    if not says_the_same(bundle.told, bundle.seal.payload):
        find.add("timeline_edited", TIMELINE)


def says_the_same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same to every reader: true is not 1 (to Python it is), 3.0 is 3."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(says_the_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(says_the_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def check_members(bundle: Bundle) -> None:
    """Every part is the one that was sealed; what has a better name for its change is left to the others."""
    if bundle.seal is None:
        return
    sealed = {member["name"]: member["sha256"] for member in bundle.sealed["members"] or []}
    for name, code in _CHANGED.items():
        is_other = name in bundle.digests and bundle.digests[name] != sealed.get(name)
        if is_other and not bundle.findings.has(*_SAID_BETTER.get(name, ())):
            bundle.findings.add(code, name)
    for name in sealed:
        if PICTURE.fullmatch(name) and name not in bundle.members:
            bundle.findings.add("photo_missing", name)
    if STAMPS in sealed and STAMPS not in bundle.members:
        bundle.findings.add("stamps_removed", STAMPS)
    for name, _ in bundle.picture_names():
        if name not in sealed:
            bundle.findings.add("photo_unlisted", name, "The seal does not list it.")


def is_reordered(there: Sequence[str], sealed: Sequence[str]) -> bool:
    """Whether what both have stands in another order."""
    both = set(there) & set(sealed)
    return [x for x in dict.fromkeys(there) if x in both] != [x for x in dict.fromkeys(sealed) if x in both]
