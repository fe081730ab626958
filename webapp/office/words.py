"""The office's words: what a status, a severity, a proof, a role or an event is called, with its icon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync.protocol.events import is_told_gone
from sync.rules.lifecycle import row_of
from sync.rules.reasons import DAMAGE, REASONS

if TYPE_CHECKING:
    from webapp.store.queries.event_views import EventView


@dataclass(frozen=True, slots=True)
class Words:
    """How one value is shown. Tones are the five of base.css: sealed, sent, safe, attention, stop."""

    word: str
    tone: str
    icon: str


STATUSES: dict[str, Words] = {
    "expected": Words("Expected", "sealed", "file-text"),
    "confirmed": Words("Confirmed", "sealed", "clipboard-check"),
    "packed": Words("Packed", "sealed", "package"),
    "ready": Words("Ready", "sent", "tag"),
    "handed_over": Words("Handed over", "safe", "signature"),
    "in_transit": Words("In transit", "sent", "truck"),
    "out_for_delivery": Words("Out for delivery", "sent", "map-pin"),
    "delivered": Words("Delivered", "safe", "package-check"),
    "returning": Words("Returning", "attention", "undo-2"),
    "returned": Words("Returned", "attention", "archive"),
    "lost": Words("Lost", "stop", "circle-help"),
    "damaged": Words("Damaged", "stop", "package-x"),
    "cancelled": Words("Cancelled", "sealed", "ban"),
}
SEVERITIES: dict[str, Words] = {
    "info": Words("Note", "sealed", "info"),
    "warning": Words("Warning", "attention", "triangle-alert"),
    "urgent": Words("Urgent", "stop", "octagon-alert"),
}
PROOFS: dict[str | None, Words] = {
    None: Words("No proof yet", "sealed", "minus"),
    "waiting": Words("To review", "attention", "clock"),
    "accept": Words("Accepted", "safe", "check"),
    "reject": Words("Rejected", "stop", "x"),
    "retake": Words("Retake asked", "attention", "camera"),
}
KINDS: dict[str, Words] = {
    "confirm": Words("Confirmed in stock", "sealed", "clipboard-check"),
    "pack": Words("Packed", "sealed", "package"),
    "label": Words("Labelled", "sealed", "tag"),
    "drop_off": Words("Dropped off", "safe", "store"),
    "collect": Words("Collected", "safe", "hand"),
    "carrier_scan": Words("Scanned by the carrier", "sent", "scan-barcode"),
    "out_for_delivery": Words("Out for delivery", "sent", "map-pin"),
    "deliver": Words("Delivered", "safe", "package-check"),
    "attempt": Words("Delivery tried", "attention", "rotate-ccw"),
    "report": Words("Reported", "attention", "flag"),
    "return": Words("Return", "attention", "undo-2"),
    "void": Words("Withdrew an event", "attention", "undo"),
    "blob_lost": Words("Photo lost on the phone", "stop", "image"),
    "cancel": Words("Cancelled", "stop", "ban"),
    "hold": Words("Put on hold", "attention", "lock"),
    "review": Words("Reviewed", "sealed", "eye"),
    "resolve": Words("Closed an exception", "safe", "check-check"),
    "amend": Words("Amended", "sealed", "pen-line"),
    "deem_delayed": Words("Deemed delayed", "attention", "clock"),
    "deem_lost": Words("Deemed lost", "stop", "circle-help"),
    "deem_cancelled": Words("Deemed cancelled", "stop", "ban"),
    "check": Words("Photos looked at", "sealed", "eye"),
    "remind": Words("Reminder sent", "sealed", "bell"),
}
_CANCELS: dict[str, Words] = {  # of which nothing moves
    "cancel.requested": Words("Cancellation asked for", "attention", "ban"),
    "cancel.withdrawn": Words("Cancellation taken back", "sealed", "undo"),
}
_HOLDS: dict[tuple[bool, bool], Words] = {  # is it force majeure, is it on
    (False, True): KINDS["hold"],
    (False, False): Words("No longer on hold", "sealed", "undo"),
    (True, True): Words("Force majeure: deadlines stand still", "attention", "zap"),
    (True, False): Words("Force majeure is over: deadlines go on", "sealed", "clock"),
}
ROLES = {
    "office": "Office",
    "seller": "Seller",
    "courier": "Courier",
    "driver": "Driver",
    "admin": "Administrator",
}
FLAGS: dict[str, Words] = {
    "delayed": Words("Delayed", "attention", "clock"),
    "damaged_reported": Words("Damage reported", "stop", "package-x"),
    "on_hold": Words("On hold", "attention", "lock"),
    "cancel_requested": Words("Cancel asked", "stop", "ban"),
    "force_majeure": Words("Force majeure", "attention", "zap"),
    "dangerous_cleared": Words("Dangerous, let go", "attention", "octagon-alert"),
}


def status_words(status: str) -> Words:
    """How a parcel's status is shown; an unknown one by its own name."""
    return STATUSES.get(status) or _plain(status)


def marketplace_word(status: str | None) -> str:
    """A status of the marketplace in its own words, but spelt as the office spells it; "" for none."""
    return STATUSES["cancelled"].word if status == "Canceled" else status or ""


def severity_words(severity: str) -> Words:
    """How info, warning and urgent are shown."""
    return SEVERITIES.get(severity) or _plain(severity)


def proof_words(proof: str | None) -> Words:
    """How the office's verdict on a handover is shown; None is no handover yet."""
    return PROOFS.get(proof) or _plain(str(proof))


def kind_words(kind: str, data: Mapping[str, Any] | None = None) -> Words:
    """How an event is shown on a timeline: by its kind; a `hold` also by what it holds and whether it ends, a `cancel`
    by whether it asks or is taken back.
    """
    if kind == "cancel" and (row := row_of(kind, data or {})) in _CANCELS:
        return _CANCELS[row]
    if kind == "hold" and data:
        return _HOLDS[data.get("force_majeure") is True, data.get("on") is not False]
    return KINDS.get(kind) or _plain(kind)


def role_word(role: str) -> str:
    """What a role is called."""
    return ROLES.get(role, role)


_REASONS = {code: word for listed in REASONS.values() for code, word in listed if code != "retake"}


def reason_word(code: str | None) -> str:
    """A reason's code in words, from the rules' list where it has it; "" for none."""
    return _REASONS.get(code or "") or (code or "").replace("_", " ").capitalize()


def answer_word(event: EventView) -> str:
    """What an answer to the office's request for a new photo brings; "" for every other record."""
    if event.kind != "report" or event.reason != "retake":
        return ""
    is_gone = is_told_gone(event.kind, event.reason, event.data)
    return "no new photo, the parcel is gone" if is_gone else "new photo, as asked"


def flag_words(flags: Mapping[str, Any] | None) -> list[Words]:
    """The flags that are set, as chips; attempts are counted, reports named by their reason."""
    held = flags or {}
    shown = [words for name, words in FLAGS.items() if held.get(name)]
    if attempts := int(held.get("attempts") or 0):
        shown.append(Words(f"{attempts} attempt{'s' if attempts > 1 else ''}", "attention", "rotate-ccw"))
    reported = [str(r) for r in held.get("reported") or () if str(r) not in DAMAGE]
    shown += [Words(reason_word(r), "attention", "flag") for r in reported]
    return shown


def size_words(count: float) -> str:
    """So many bytes as people say it: "512 bytes", "363 kB", "4.2 MB", "10.7 GB"."""
    if count >= 1e9:
        return f"{count / 1e9:,.1f} GB"
    if count >= 1e6:
        return f"{count / 1e6:.{1 if count < 1e7 else 0}f} MB"
    return f"{count / 1e3:.0f} kB" if count >= 1000 else f"{count:.0f} byte{'' if count == 1 else 's'}"


def _plain(name: str) -> Words:
    return Words(reason_word(name), "sealed", "circle")
