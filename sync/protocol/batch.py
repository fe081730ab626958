"""The body of `POST /sync/v1/events`: its shape and its limits, before anything in it is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.protocol import strictjson
from sync.protocol.problems import Problem
from sync.protocol.times import parse_time

MAX_EVENTS = 200
MAX_BATCH_BYTES = 1_048_576
_MAX_CLIENT = 200
_MAX_LOST = 20
_MAX_WORD = 100


@dataclass(frozen=True, slots=True)
class LostStore:
    """A database of the phone that would not open: `why` in the browser's word, `at` by the phone's clock, as text."""

    name: str
    at: str
    why: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The phone's store: bytes used and allowed, whether the browser promised to keep it, and stores left behind."""

    usage: int | None
    quota: int | None
    persisted: bool | None
    lost: tuple[LostStore, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """What the phone still holds, as it says. Unknown is None: a heartbeat is never refused for this."""

    unsent: int | None = None
    unsent_blobs: int | None = None
    oldest_at: datetime | None = None
    head_seq: int | None = None
    storage: Storage | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A batch as sent. Each item is a JWS string, or, where something else was sent, its JSON text."""

    sent_at: datetime | None
    events: tuple[str, ...]
    queue: Queue


def parse_body(raw: bytes) -> Body:
    """Read an (inflated) body; raises `malformed-batch` or `batch-too-large`."""
    if len(raw) > MAX_BATCH_BYTES:
        raise Problem("batch-too-large", f"A batch has at most {MAX_BATCH_BYTES} bytes")
    try:
        body = strictjson.loads(raw, storable=False)
    except strictjson.NotStrict as error:
        raise Problem("malformed-batch", f"The body is refused: {error}") from None
    if not isinstance(body, dict):
        raise Problem("malformed-batch", "The body must be an object")
    events = body.get("events")
    if not isinstance(events, list):
        raise Problem("malformed-batch", "events must be a list")
    if len(events) > MAX_EVENTS:
        raise Problem("batch-too-large", f"A batch has at most {MAX_EVENTS} events")
    queue = body.get("queue")
    if queue is not None and not isinstance(queue, dict):
        raise Problem("malformed-batch", "queue must be an object")
    return Body(_time(body.get("sent_at")), tuple(map(_item, events)), _queue(queue or {}))


def _item(value: Any) -> str:
    # Not a string is one bad event, not a bad batch: its text goes to the quarantine with the rest.
    return value if isinstance(value, str) else json.dumps(value)


def _queue(queue: Mapping[str, Any]) -> Queue:
    lost = _lost(queue.get("storage_lost"))
    storage = queue.get("storage", {} if lost else None)
    client = queue.get("client")
    return Queue(
        unsent=_count(queue.get("unsent")),
        unsent_blobs=_count(queue.get("unsent_blobs")),
        oldest_at=_time(queue.get("oldest_at")),
        head_seq=_count(queue.get("head_seq")),
        storage=_storage(storage, lost) if isinstance(storage, dict) else None,
        client=client[:_MAX_CLIENT] if isinstance(client, str) and strictjson.is_storable(client) else None,
    )


def _storage(storage: Mapping[str, Any], lost: tuple[LostStore, ...]) -> Storage:
    persisted = storage.get("persisted")
    return Storage(
        usage=_count(storage.get("usage")),
        quota=_count(storage.get("quota")),
        persisted=persisted if isinstance(persisted, bool) else None,
        lost=lost,
    )


def _lost(told: Any) -> tuple[LostStore, ...]:
    found = told[:_MAX_LOST] if isinstance(told, list) else []
    return tuple(
        LostStore(_word(each.get("name")), _word(each.get("at")), _word(each.get("why")))
        for each in found
        if isinstance(each, dict)
    )


def _word(value: Any) -> str:
    return value[:_MAX_WORD] if isinstance(value, str) and strictjson.is_storable(value) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _time(value: Any) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None
