"""Events: a checked payload as plain data, and what each kind must have (PROTOCOL section 2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.protocol import schema
from sync.protocol.strictjson import MAX_INT
from sync.protocol.times import parse_time
from sync.rules.lifecycle import CLOCK_KINDS, OFFICE_KINDS, PHONE_KINDS

VERSION = 1
KINDS = PHONE_KINDS | OFFICE_KINDS | CLOCK_KINDS
# These act on another event and so on its parcels; they need not name parcels of their own.
BY_REF = frozenset({"void", "blob_lost", "review"})

_uuid7 = schema.UUID7.fullmatch
_sha256 = schema.SHA256.fullmatch


class Malformed(ValueError):
    """The payload is no event of ours. `code` is a finding of the problem catalogue."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(slots=True)
class Event:
    """A checked payload; `payload` keeps every member as sent."""

    id: str
    device: str
    actor: str
    seq: int
    prev: str | None
    kind: str
    at: datetime
    offset_ms: int | None
    parcels: list[str]
    run: str | None
    carrier: str | None
    expected: int | None
    place: Mapping[str, Any] | None
    ref: str | None
    reason: str | None
    blobs: list[dict[str, Any]]
    data: Mapping[str, Any]
    payload: Mapping[str, Any]


def read(payload: dict[str, Any], kinds: frozenset[str] = KINDS) -> Event:
    """The event in a payload; raises `Malformed` (`version_unknown`, `kind_unknown`, `event_malformed`).

    `kinds` are those that this sender may make.
    """
    if payload.get("v") != VERSION and type(payload.get("v")) is int:
        raise Malformed("version_unknown", f"version {payload['v']} is not known here")
    kind = payload.get("kind")
    if isinstance(kind, str) and kind not in kinds:
        raise Malformed("kind_unknown", f"kind {kind[:40]} is not known here from such a sender")
    if not fits(payload):
        wrong = schema.complaint(payload)
        if wrong is not None:
            raise Malformed("event_malformed", wrong)
    get = payload.get
    return Event(
        payload["id"],
        payload["device"],
        payload["actor"],
        payload["seq"],
        get("prev"),
        payload["kind"],
        parse_time(payload["at"]),
        get("offset_ms"),
        get("parcels") or [],
        get("run"),
        get("carrier"),
        get("expected"),
        get("place"),
        get("ref"),
        get("reason"),
        get("blobs") or [],
        get("data") or {},
        payload,
    )


def fits(payload: Mapping[str, Any]) -> bool:
    """A quick yes for a well-formed payload.

    Sound, not complete: True means that the schema accepts it too (a hypothesis test holds it to that),
    False only that the schema has to look. It is what lets one core check thousands a second.
    """
    get = payload.get
    try:
        return (
            payload["v"] == 1
            and type(payload["v"]) is int
            and _uuid7(payload["id"]) is not None
            and _is_text(payload["device"], schema.MAX_ID)
            and _is_text(payload["actor"], schema.MAX_ID)
            and _is_whole(payload["seq"], 1, MAX_INT)
            and ((prev := get("prev")) is None or _sha256(prev) is not None)
            and _is_text(payload["kind"], schema.MAX_ID)
            and parse_time(payload["at"]) is not None
            and (
                (offset := get("offset_ms")) is None
                or _is_whole(offset, -schema.MAX_OFFSET_MS, schema.MAX_OFFSET_MS)
            )
            and ((parcels := get("parcels")) is None or _are_parcels(parcels))
            and _fits_rest(get)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _fits_rest(get: Callable[[str], Any]) -> bool:
    return (
        ((run := get("run")) is None or _is_text(run, schema.MAX_ID))
        and ((carrier := get("carrier")) is None or _is_text(carrier, schema.MAX_ID))
        and ((expected := get("expected")) is None or _is_whole(expected, 0, schema.MAX_EXPECTED))
        and ((place := get("place")) is None or _is_place(place))
        and ((who := get("counterpart")) is None or _is_counterpart(who))
        and ((reason := get("reason")) is None or (type(reason) is str and 0 < len(reason) <= schema.MAX_ID))
        and ((note := get("note")) is None or (type(note) is str and len(note) <= schema.MAX_NOTE))
        and ((intact := get("intact")) is None or type(intact) is bool)
        and ((ref := get("ref")) is None or _uuid7(ref) is not None)
        and ((blobs := get("blobs")) is None or _are_blobs(blobs))
        and ((data := get("data")) is None or type(data) is dict)
    )


def _is_text(value: Any, most: int) -> bool:
    return type(value) is str and len(value) <= most and not value.isspace() and value != ""


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_real(value: Any, least: float, most: float) -> bool:
    return (type(value) is float or type(value) is int) and math.isfinite(value) and least <= value <= most


def _are_parcels(codes: Any) -> bool:
    if type(codes) is not list or len(codes) > schema.MAX_PARCELS or len(set(codes)) != len(codes):
        return False
    return all(_is_text(code, schema.MAX_CODE) for code in codes)


def _is_place(place: Any) -> bool:
    get = place.get
    return (
        type(place) is dict
        and ((id_ := get("id")) is None or _is_text(id_, schema.MAX_ID))
        and ((lat := get("lat")) is None or _is_real(lat, -90, 90))
        and ((lon := get("lon")) is None or _is_real(lon, -180, 180))
        and ((accuracy := get("accuracy_m")) is None or _is_real(accuracy, 0, 1e9))
    )


def _is_counterpart(who: Any) -> bool:
    name, role = who.get("name"), who.get("role")
    return (
        type(who) is dict
        and (name is None or (type(name) is str and len(name) <= schema.MAX_NAME))
        and (role is None or role in schema.COUNTERPART_ROLES)
    )


def _are_blobs(blobs: Any) -> bool:
    if type(blobs) is not list or len(blobs) > schema.MAX_BLOBS:
        return False
    for blob in blobs:
        if not (
            type(blob) is dict
            and _sha256(blob["sha256"])
            and _is_text(blob["type"], schema.MAX_TYPE)
            and _is_whole(blob["size"], 0, MAX_INT)
            and blob["role"] in schema.BLOB_ROLES
            and ((parcel := blob.get("parcel")) is None or _is_text(parcel, schema.MAX_CODE))
        ):
            return False
    return True


def _has_role(event: Event, role: str) -> bool:
    return any(blob["role"] == role for blob in event.blobs)


def _has_counterpart_name(event: Event) -> bool:
    who = event.payload.get("counterpart")
    return bool(who and (who.get("name") or "").strip())


_HAS: dict[str, Callable[[Event], bool]] = {
    "parcels": lambda event: bool(event.parcels),
    "intact": lambda event: event.payload.get("intact") is not None,
    "photo": lambda event: _has_role(event, "photo") or _owes_no_photo(event),
    "counterpart": _has_counterpart_name,
    "signature": lambda event: _has_role(event, "signature"),
    "reason": lambda event: bool((event.reason or "").strip()),
    "ref": lambda event: event.ref is not None,
    "blobs": lambda event: bool(event.blobs),
    "stage": lambda event: event.data.get("stage") in ("start", "done"),
}

_HANDOVER = ("parcels", "intact", "photo", "counterpart", "signature")
MUST_HAVES: dict[str, tuple[str, ...]] = {
    "pack": ("parcels", "photo"),
    "drop_off": _HANDOVER,
    "collect": _HANDOVER,
    "deliver": ("parcels", "signature", "counterpart"),
    "attempt": ("parcels", "reason", "photo"),
    "report": ("parcels", "reason", "photo"),
    "return": ("parcels", "stage"),
    "void": ("ref", "reason"),
    "blob_lost": ("ref", "blobs"),
    "cancel": ("parcels", "reason"),
    "review": ("ref",),
    "check": ("ref",),
}


def is_told_gone(kind: str, reason: str | None, data: Mapping[str, Any] | None) -> bool:
    """Whether an event answers the office's request for a new photo with the word that nothing is left to photograph.

    A `report` with reason `retake` whose `data.gone` is true: it owes no photo, and settles the task as one would.
    """
    return (kind, reason) == ("report", "retake") and (data or {}).get("gone") is True


def _owes_no_photo(event: Event) -> bool:
    return event.ref is not None and is_told_gone(event.kind, event.reason, event.data)


def missing(event: Event) -> tuple[str, ...]:
    """The must-haves of its kind that an event lacks, in the order PROTOCOL names them."""
    return tuple(need for need in MUST_HAVES.get(event.kind, ()) if not _HAS[need](event))
