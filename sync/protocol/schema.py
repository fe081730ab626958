"""What a version 1 payload must look like (PROTOCOL section 2), said once, with marshmallow.

It only judges: values stay as sent. Unknown members are kept and ignored. It is the authority for the
compiled check in `events`, which is there for speed and is tested to agree with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from sync.protocol.strictjson import MAX_INT
from sync.protocol.times import parse_time

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
MAX_PARCELS = 500
MAX_BLOBS = 1000
MAX_BLOB_BYTES = 10 * 1024 * 1024  # of each
MAX_CODE = 80
MAX_TYPE = 32
MAX_ID = 64
MAX_NAME = 200
MAX_NOTE = 65_536  # what one event holds is less
MAX_EXPECTED = 100_000
MAX_OFFSET_MS = 4_000_000_000_000  # beyond a phone that believes it is 1970
COUNTERPART_ROLES = frozenset({"seller", "courier", "clerk", "recipient", "neighbour", "guard", "other"})
BLOB_ROLES = frozenset({"photo", "signature", "tag"})
OFFSET_STREAM = "application/offset+octet-stream"  # a piece of one, by tus


Check = Callable[[Any], None]


def _text(most: int, pattern: re.Pattern[str] | None = None, least: int = 1) -> Check:
    """A string of so many characters; nothing is converted."""

    def check(value: Any) -> None:
        if not isinstance(value, str):
            raise ValidationError("must be text")
        if not least <= len(value) <= most or (least and not value.strip()):
            raise ValidationError(f"must have {least} to {most} characters")
        if pattern is not None and not pattern.fullmatch(value):
            raise ValidationError("has the wrong form")

    return check


def _choice(words: frozenset[str]) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, str) or value not in words:
            raise ValidationError(f"must be one of {', '.join(sorted(words))}")

    return check


def _moment(value: Any) -> None:
    try:
        parse_time(value)
    except (TypeError, ValueError):
        raise ValidationError("must be a time like 2026-11-22T07:15:30.123Z") from None


def _whole(least: int, most: int) -> Check:
    """An integer; true is no number, and 1.0 is no integer."""

    def check(value: Any) -> None:
        if type(value) is not int or not least <= value <= most:
            raise ValidationError(f"must be a whole number from {least} to {most}")

    return check


def _real(least: float, most: float) -> Check:
    def check(value: Any) -> None:
        if type(value) not in (int, float) or not math.isfinite(value) or not least <= value <= most:
            raise ValidationError(f"must be a number from {least} to {most}")

    return check


def _truth(value: Any) -> None:
    if type(value) is not bool:
        raise ValidationError("must be true or false")


def _members(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError("must be an object")


def _must(check: Check) -> fields.Raw:
    return fields.Raw(required=True, validate=check)


def _may(check: Check) -> fields.Raw:
    return fields.Raw(allow_none=True, validate=check)


def _no_repeats(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("must not repeat a value")


class _Open(Schema):
    class Meta:
        unknown = INCLUDE


class PlaceSchema(_Open):
    """Where: a known place, a position, or both."""

    id = _may(_text(MAX_ID))
    lat = _may(_real(-90, 90))
    lon = _may(_real(-180, 180))
    accuracy_m = _may(_real(0, 1e9))


class CounterpartSchema(_Open):
    """Who gave or took."""

    name = _may(_text(MAX_NAME, least=0))
    role = _may(_choice(COUNTERPART_ROLES))


class BlobSchema(_Open):
    """Bytes that belong to the event, by digest."""

    sha256 = _must(_text(64, SHA256))
    type = _must(_text(MAX_TYPE))
    size = _must(_whole(0, MAX_INT))
    role = _must(_choice(BLOB_ROLES))
    parcel = _may(_text(MAX_CODE))


class EventSchema(_Open):
    """The payload. Required here is only what identity and order hang on.

    What a kind must have beyond that is looked at by `events.missing`, and never refused.
    """

    v = _must(_whole(1, 1))
    id = _must(_text(36, UUID7))
    device = _must(_text(MAX_ID))
    actor = _must(_text(MAX_ID))
    seq = _must(_whole(1, MAX_INT))
    prev = _may(_text(64, SHA256))
    kind = _must(_text(MAX_ID))
    at = _must(_moment)
    offset_ms = _may(_whole(-MAX_OFFSET_MS, MAX_OFFSET_MS))
    parcels = fields.List(
        _must(_text(MAX_CODE)), allow_none=True, validate=[validate.Length(max=MAX_PARCELS), _no_repeats]
    )
    run = _may(_text(MAX_ID))
    carrier = _may(_text(MAX_ID))
    expected = _may(_whole(0, MAX_EXPECTED))
    place = fields.Nested(PlaceSchema, allow_none=True)
    counterpart = fields.Nested(CounterpartSchema, allow_none=True)
    reason = _may(_text(MAX_ID, least=0))
    note = _may(_text(MAX_NOTE, least=0))
    intact = _may(_truth)
    ref = _may(_text(36, UUID7))
    blobs = fields.List(fields.Nested(BlobSchema), validate=validate.Length(max=MAX_BLOBS), allow_none=True)
    data = _may(_members)


EVENT_SCHEMA = EventSchema()


def complaint(payload: dict[str, Any]) -> str | None:
    """What is wrong with a payload, in one line (`seq: must be …; place.lat: …`), or None."""
    errors = EVENT_SCHEMA.validate(payload)
    return "; ".join(_flat("", errors))[:500] if errors else None


def _flat(path: str, errors: Any) -> list[str]:
    if isinstance(errors, dict):
        return [line for key in errors for line in _flat(f"{path}.{key}" if path else str(key), errors[key])]
    return [f"{path}: {message}" for message in errors]
