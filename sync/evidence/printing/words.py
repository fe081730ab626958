"""What a printed proof calls things, for somebody who has never seen Baton."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from sync.evidence.bundle.findings import KIND_WORDS
from sync.protocol.events import is_told_gone
from sync.protocol.times import parse_time
from sync.rules.lifecycle import row_of
from sync.rules.reasons import REASONS

# Whose signature records have, in their number.
SIGNED = {
    "phone": "on the phone that made it",
    "server": "by the server, for the office",
    "stated": "by the server only: stated by the office",
    "nobody": "by nobody: the phone could not keep a key",
}
ABSENT = {
    "left_out": "Shows another parcel, so it is not in this proof",
    "never_arrived": "Has never reached the server",
    "lost": "The phone says that it has lost it",
    "damaged": "The server's copy was damaged",
    "deleted_by_policy": "Deleted by the shop's policy",
}


def absent(blob: Mapping[str, Any], zone: tzinfo) -> str:
    """Why a picture is not shown; of one that was let go, since when."""
    said = ABSENT.get(blob["state"], str(blob["state"]))
    if blob.get("withheld"):
        return "Shown with its printed text blurred; the original is left out"
    at = blob.get("deleted_at")
    if blob["state"] != "deleted_by_policy" or at is None:
        return said
    if blob.get("deleted_why") == "erased":
        return f"Erased on {moment(parse_time(at), zone)}, because the person it is of asked"
    return f"{said} on {moment(parse_time(at), zone)}, after {blob.get('deleted_after_days')} days"


def kind(code: str, data: object = None) -> str:
    """What an event is called by its kind and its data, whatever that is; a newer version's kind speaks for itself."""
    told = data if isinstance(data, Mapping) else {}
    return KIND_WORDS.get(_variant(code, told)) or code.replace("_", " ").capitalize()


def _variant(code: str, data: Mapping[str, Any]) -> str:
    """The name in the list: `show.js` of the page chooses likewise."""
    if code == "cancel":
        return row_of(code, data)
    if code != "hold":
        return code
    incident = ".force_majeure" if data.get("force_majeure") is True else ""
    return f"{code}{incident}{'.off' if data.get('on') is False else ''}"


def others(count: int) -> str:
    """How many pictures are left out because they show another parcel."""
    return f"{'1 picture' if count == 1 else f'{count} pictures, of each'}: {ABSENT['left_out']}."


def reason(payload: Mapping[str, Any]) -> str:
    """An event's reason in words; one outside the list as it came."""
    kind_, code_ = payload["kind"], payload.get("reason")
    if is_told_gone(kind_, code_, payload.get("data")):
        return "No new photo, as the office asked: the parcel is gone"
    return dict(REASONS.get(kind_, ())).get(code_ or "", (code_ or "").replace("_", " "))


def moment(at: datetime, zone: tzinfo) -> str:
    """A time as the shop's clocks show it, with the zone's offset: `22 Nov 2026, 15:15:30 (UTC+08:00)`."""
    try:
        here = at.astimezone(zone)
    except OverflowError:
        here = at
    offset = here.strftime("%z")
    return f"{here.day} {here:%b} {here.year}, {here:%H:%M:%S} (UTC{offset[:3]}:{offset[3:]})"


def code(text: str) -> str:
    """Our own codes in groups of four, as they are printed on tags; another's as it is."""
    return f"{text[:4]}-{text[4:8]}-{text[8:]}" if len(text) == 12 and text.isalnum() else text
