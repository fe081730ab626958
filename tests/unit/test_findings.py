"""What an event shows by itself and by its place in the chain: the marks of the ledger."""

from __future__ import annotations

from typing import Any

import pytest

from sync.ledger import accept
from sync.protocol import envelope
from sync.rules.parcel import Mark
from tests.unit.books import A, B, C, journal, marks, statuses
from tests.unit.phones import NOON, Phone, blob, proof


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, []),
        ({"expected": 2}, []),
        ({"expected": 5}, [Mark("count_mismatch", "short 3")]),
        ({"expected": 0}, [Mark("count_mismatch", "surplus 2")]),
        ({"blobs": []}, [Mark("incomplete", "photo, signature")]),
        ({"offset_ms": 299_000}, []),
        ({"offset_ms": -301_000}, [Mark("clock_suspect", "skew -301 s")]),
        ({"offset_ms": None}, []),
        ({"at": "2026-11-22T12:04:00.000Z"}, []),
        ({"at": "2099-01-01T00:00:00.000Z"}, [Mark("clock_suspect", "future")]),
        ({"at": "2026-11-12T12:00:00.000Z"}, [Mark("clock_suspect", "offline 10 days")]),
        (
            {"at": "9999-12-31T23:59:59.999Z", "offset_ms": 3_000_000_000_000},
            [Mark("clock_suspect", "skew 3000000000 s, future")],
        ),
        ({"run": "run-1", "place": {"lat": -6.2, "lon": 106.8045}}, []),
        ({"run": "run-1", "place": {"lat": -6.2, "lon": 106.8046}}, [Mark("place_far", "509 m")]),
        ({"run": "run-1", "place": {"id": "depot", "lat": None, "lon": None}}, []),
        ({"run": "run-9", "place": {"lat": 50, "lon": 8}}, []),
    ],
    ids=str,
)
def test_what_an_event_shows_by_itself_is_marked(members: dict[str, Any], expected: list[Mark]) -> None:
    books, phone = journal(), Phone()
    event = phone.seal("collect", [A, B], **{**proof(), **members})
    accepted = accept(phone.batch(), books, NOON)
    assert statuses(accepted) == ["applied"]
    assert marks(books, event) == expected
    assert {mark.code for mark in expected} <= {a.code for a in books.states[A].anomalies}
    assert books.entries[accepted.results[0].id or ""].effective_at <= NOON


def test_an_unsigned_event_is_applied_and_marked() -> None:
    books, phone = journal(), Phone(key=None)
    event = phone.seal("collect", [A], **proof())
    assert statuses(accept(phone.batch(), books, NOON)) == ["applied"]
    assert marks(books, event) == [Mark("unsigned")]


def test_a_gap_is_seen_and_forgotten_when_it_fills() -> None:
    books, phone = journal(), Phone()
    first, second, third = (phone.seal("pack", [code], blobs=[blob()]) for code in (A, B, C))
    accepted = accept(phone.batch(first, third), books, NOON)
    assert accepted.missing_seqs == ((2, 2),)
    assert marks(books, third) == [Mark("sequence_gap")]
    assert "sequence_gap" in {a.code for a in books.states[C].anomalies}
    accepted = accept(phone.batch(second), books, NOON)
    assert (accepted.high_seq, accepted.missing_seqs) == (3, ())
    assert marks(books, third) == []
    assert "sequence_gap" not in {a.code for a in books.states[C].anomalies}


def test_a_fork_is_kept_and_flagged_on_both_sides() -> None:
    books, phone = journal(), Phone()
    phone.seal("pack", [A], blobs=[blob()])
    clone = Phone()
    clone.seq, clone.prev = phone.seq, phone.prev
    mine, theirs = phone.seal("collect", [A], 5, **proof()), clone.seal("collect", [B], 6, **proof())
    after = phone.seal("deliver", [A], 8, **proof())
    accept(phone.batch(), books, NOON)
    accept(phone.batch(theirs), books, NOON)
    assert marks(books, mine) == marks(books, theirs) == [Mark("chain_fork", "seq")]
    assert marks(books, after) == []
    assert [books.entries[id_].branch for id_ in books.by_seq["dev-1", 2]] == [0, 1]
    assert books.states[A].status == "delivered"
    assert books.states[B].status == "handed_over"


@pytest.mark.parametrize(("seq", "prev"), [(1, "a" * 64), (2, None), (2, "a" * 64)])
def test_a_chain_that_does_not_fit_is_flagged(seq: int, prev: str | None) -> None:
    books, phone = journal(), Phone()
    if seq == 2:
        phone.seal("pack", [A], blobs=[blob()])
    event = phone.seal_payload({**phone.payload("collect", [A], **proof()), "seq": seq, "prev": prev})
    assert statuses(accept(phone.batch(), books, NOON))[-1] == "applied"
    assert marks(books, event) == [Mark("chain_fork", "prev")]


def test_a_blob_that_is_lost_is_no_longer_waited_for() -> None:
    books, phone = journal(), Phone()
    lost = blob()
    event = phone.seal("collect", [A], **{**proof(), "blobs": [lost, blob("signature", parcel=A.lower())]})
    phone.seal("blob_lost", [], 5, ref=envelope.open_(event).payload["id"], blobs=[lost])
    accepted = accept(phone.batch(), books, NOON)
    assert accepted.results[1].effects == (
        {"parcel": A, "status": "handed_over", "anomalies": ["blob_missing"]},
    )
    assert [(ref.role, ref.parcel, ref.is_lost) for ref in accepted.change.blobs] == [  # type: ignore[union-attr]
        ("photo", None, False),
        ("signature", A, False),
        ("photo", None, True),
    ]
