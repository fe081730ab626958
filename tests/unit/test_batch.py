"""The body of a batch: its shape, its limits, and what is forgiven."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sync.protocol.batch import MAX_BATCH_BYTES, LostStore, Queue, parse_body
from sync.protocol.problems import Problem
from sync.protocol.times import format_time, parse_time
from sync.rules.chain import add_to_ranges, missing_in


def body(**members: Any) -> bytes:
    return json.dumps({"sent_at": "2026-11-22T07:15:30.123Z", "events": [], **members}).encode()


def test_a_whole_body_is_read() -> None:
    read = parse_body(
        body(
            events=["a.b.c"],
            queue={
                "unsent": 3,
                "unsent_blobs": 2,
                "oldest_at": "2026-11-22T06:00:00.000Z",
                "head_seq": 17,
                "storage": {"usage": 1000, "quota": 5_000_000_000, "persisted": True},
                "client": "baton/0.1",
            },
        )
    )
    assert read.events == ("a.b.c",)
    assert format_time(read.sent_at) == "2026-11-22T07:15:30.123Z"  # type: ignore[arg-type]
    assert (read.queue.unsent, read.queue.head_seq, read.queue.client) == (3, 17, "baton/0.1")
    assert read.queue.oldest_at == parse_time("2026-11-22T06:00:00Z")
    assert read.queue.storage.quota == 5_000_000_000  # type: ignore[union-attr]


def test_only_the_list_of_events_must_be_there() -> None:
    read = parse_body(b'{"events":[]}')
    assert (read.sent_at, read.events, read.queue) == (None, (), Queue())


def test_a_strange_queue_is_no_reason_to_refuse_the_work() -> None:
    read = parse_body(
        body(sent_at=5, queue={"unsent": "many", "oldest_at": "today", "storage": [], "client": 7})
    )
    assert read.queue == Queue()
    assert parse_body(body(queue={"unsent": -1, "storage": {"persisted": "yes"}})).queue.unsent is None


def test_a_store_that_would_not_open_is_read_with_the_storage() -> None:
    lost = {"name": "baton", "at": "2026-11-22T06:00:00.000Z", "why": "UnknownError"}
    storage = {"usage": 1, "quota": 2, "persisted": False}
    told = parse_body(body(queue={"storage": storage, "storage_lost": [lost, 7, {"at": 5}]})).queue.storage
    assert told is not None
    assert told.usage == 1
    assert told.lost == (LostStore(**lost), LostStore("", "", ""))
    alone = parse_body(body(queue={"storage_lost": [lost] * 50})).queue.storage
    assert alone is not None
    assert len(alone.lost) == 20
    assert parse_body(body(queue={"storage_lost": "all of them"})).queue == Queue()


def test_an_item_that_is_no_string_is_one_bad_item() -> None:
    assert parse_body(body(events=["a", None, {"b": 1}, "\ud800\u0000"])).events == (
        "a",
        "null",
        '{"b": 1}',
        "\ud800\u0000",
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed-batch"),
        (b"[]", "malformed-batch"),
        (b"null", "malformed-batch"),
        (b"{}", "malformed-batch"),
        (b'{"events":{}}', "malformed-batch"),
        (b'{"events":[],"events":[]}', "malformed-batch"),
        (b'{"events":[],"queue":[]}', "malformed-batch"),
        (b'{"events":[NaN]}', "malformed-batch"),
        (b'{"events":' + b"[" * 5000 + b"]" * 5000 + b"}", "malformed-batch"),
        (b'{"events":["\xff"]}', "malformed-batch"),
        (b'{"events":[],"queue":{"unsent":1e999}}', "malformed-batch"),
        (body(events=["a"] * 201), "batch-too-large"),
        (b" " * (MAX_BATCH_BYTES + 1), "batch-too-large"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_cannot_be_read_is_refused_by_name(raw: bytes, code: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_body(raw)
    assert refused.value.code == code


def test_sequence_numbers_are_kept_as_ranges() -> None:
    ranges = add_to_ranges((), [3, 1, 2, 7, 7, 9])
    assert ranges == ((1, 3), (7, 7), (9, 9))
    assert missing_in(ranges) == ((4, 6), (8, 8))
    assert add_to_ranges(ranges, [8, 4, 5, 6]) == ((1, 9),)
    assert missing_in(((1, 9),)) == missing_in(()) == ()
    assert missing_in(((5, 6),)) == ((1, 4),)
