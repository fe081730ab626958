"""The door into the server: what becomes of each item of a batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.journal import Append, Head, NewParcel
from sync.ledger import Batch, Chain, accept, make_receipt, refold
from sync.protocol import codes, envelope, keys
from sync.protocol.problems import Problem
from sync.rules.parcel import About
from tests.unit.books import TRACKING, A, B, C, journal, statuses
from tests.unit.phones import KEYS, NOON, Phone, blob, new_codes, new_id, proof

# -- results


def test_a_batch_is_answered_in_the_order_sent() -> None:
    books, phone = journal(), Phone()
    phone.seal("pack", [A, B], blobs=[blob()])
    phone.seal("collect", [A, B], 5, **proof())
    phone.seal("report", [A], 6, reason="damage", blobs=[blob()])
    accepted = accept(phone.batch(*reversed(phone.sealed)), books, NOON)
    assert statuses(accepted) == ["recorded", "applied", "applied"]
    assert [r.sha256 for r in accepted.results] == [envelope.digest(jws) for jws in reversed(phone.sealed)]
    assert accepted.results[0].as_dict() == {
        "id": accepted.results[0].id,
        "sha256": envelope.digest(phone.sealed[2]),
        "status": "recorded",
        "effects": [{"parcel": A, "status": "handed_over", "anomalies": []}],
        "problem": None,
    }
    assert accepted.results[1].effects[1] == {
        "parcel": B,
        "status": "handed_over",
        "anomalies": ["skipped_label"],
    }
    assert (accepted.high_seq, accepted.missing_seqs) == (3, ())
    assert accepted.received_at == NOON


def test_a_heartbeat_changes_nothing_and_says_what_is_missing() -> None:
    books, phone = journal(), Phone()
    for _ in range(5):
        phone.seal("pack", [A])
    accept(phone.batch(phone.sealed[1], phone.sealed[4]), books, NOON)
    books.calls.clear()
    accepted = accept(Batch(phone.sender, []), books, NOON)
    assert (accepted.results, accepted.change) == ((), None)
    assert (accepted.high_seq, accepted.missing_seqs) == (5, ((1, 1), (3, 4)))
    assert dict(books.calls) == {"seqs": 1}


def test_a_batch_costs_six_reads_and_one_append_whatever_its_size() -> None:
    books, phone = journal(), Phone()
    for number in range(200):
        place = {"lat": -6.2, "lon": 106.8}
        phone.seal("collect", [A, B, TRACKING, f"T{number}"], number, run="run-1", place=place, **proof())
    accept(phone.batch(), books, NOON)
    calls = dict.fromkeys(("events", "chain", "seqs", "parcels", "facts", "places", "append"), 1)
    assert books.calls == calls | {"parcels": 2}  # by code; then by number, for those found by none
    phone.seal("drop_off", [A, B], 300, **proof())
    books.calls.clear()
    accept(phone.batch(phone.sealed[-1]), books, NOON)
    assert books.calls["parcels"] == 1


def test_the_same_event_again_has_the_first_answer() -> None:
    books, phone = journal(), Phone()
    event = phone.seal("collect", [A], **proof())
    first = accept(phone.batch(), books, NOON).results[0]
    phone.seal("deliver", [A], 5, **proof("Pak Budi", "recipient"))
    again = accept(phone.batch(event, phone.sealed[1], event), books, NOON + timedelta(days=1))
    assert statuses(again) == ["duplicate", "applied", "duplicate"]
    assert again.results[0].effects == again.results[2].effects == first.effects
    assert len(books.entries) == 2
    assert books.entries[first.id or ""].received_at == NOON


def test_the_same_event_twice_in_one_batch_counts_once() -> None:
    books, phone = journal(), Phone()
    event = phone.seal("collect", [A], **proof())
    accepted = accept(phone.batch(event, event), books, NOON)
    assert statuses(accepted) == ["applied", "duplicate"]
    assert accepted.results[0].effects == accepted.results[1].effects
    assert accepted.held == [(accepted.results[0].id, accepted.results[0].sha256)] * 2


@pytest.mark.parametrize("is_same_batch", [True, False])
def test_the_same_id_with_other_bytes_is_kept_aside(is_same_batch: bool) -> None:
    books, phone = journal(), Phone()
    event = phone.seal("collect", [A], **proof())
    payload = phone.payload("collect", [B], **proof())
    payload["id"] = envelope.open_(event).payload["id"]
    other = phone.seal_payload(payload)
    if is_same_batch:
        accepted = accept(phone.batch(event, other), books, NOON)
    else:
        accept(phone.batch(event), books, NOON)
        accepted = accept(phone.batch(other), books, NOON)
    assert accepted.results[-1].code == "id_reused"
    assert len(books.entries) == 1
    assert B not in books.states


# -- parcels


def test_a_tracking_number_is_a_key_to_the_parcel() -> None:
    books, phone = journal(), Phone()
    phone.seal("collect", [" jx 0987654321", C, A.lower()], **proof())
    accepted = accept(phone.batch(), books, NOON)
    effects = accepted.results[0].effects
    assert [(e["parcel"], e.get("scanned")) for e in effects] == [(C, " jx 0987654321"), (A, A.lower())]
    assert books.states[C].status == "handed_over"


def test_a_scan_that_nobody_knows_makes_a_parcel() -> None:
    books, phone = journal(), Phone()
    code = new_codes(1, seed=99)[0]
    phone.seal("collect", [code, "TN 404"], run="run-1", **proof())
    phone.seal("collect", ["tn404"], 5, **proof())
    accepted = accept(phone.batch(), books, NOON)
    known = accepted.results[0].effects[0]
    assert (known["parcel"], known["anomalies"][:2]) == (code, ["unknown_parcel", "not_on_list"])
    made = accepted.results[0].effects[1]["parcel"]
    assert books.about[made] == About(made, known=False, tracking_number="TN404")
    assert accepted.results[1].effects[0]["parcel"] == made
    assert len(books.events_of[made]) == 2


def test_a_tracking_number_that_looks_like_a_code_is_found_by_either() -> None:
    books, phone = journal(), Phone()
    assert codes.is_code("JX0001112223")
    phone.seal("collect", ["JX0001112223"], **proof())
    phone.seal("collect", [codes.pretty(new_codes(1, seed=77)[0])], **proof())
    accept(phone.batch(), books, NOON)
    assert books.about["JX0001112223"].tracking_number == "JX0001112223"
    assert books.about[new_codes(1, seed=77)[0]].tracking_number is None

    books = journal()
    books.append(Append("x", NOON, parcels=(NewParcel(B[:-1] + "X", "JX0001112223", "e"),)))
    accept(phone.batch(phone.sealed[0]), books, NOON)
    assert list(books.states) == [B[:-1] + "X"]


def test_when_the_books_change_the_parcels_can_be_folded_anew() -> None:
    books, phone = journal(), Phone()
    phone.seal("collect", ["TN404"], run="run-1", **proof())
    code = accept(phone.batch(), books, NOON).results[0].effects[0]["parcel"]
    books.about[code] = About(code, tracking_number="TN404", run_ids=frozenset({"run-1"}))
    (state,) = refold([code], books)
    assert state.status == "handed_over"
    assert {a.code for a in state.anomalies} == {"skipped_confirm", "skipped_pack", "skipped_label"}


# -- made by the server


def test_the_server_speaks_in_a_chain_of_its_own() -> None:
    books = journal()
    chain = Chain("server", KEYS[2])
    sender = replace(Phone("server", key=KEYS[2]).sender, actor_ids=None)
    for kind in ("confirm", "label"):
        chain.make(kind, id=new_id(), actor_id="office", at=NOON, parcels=[A, B])
    assert statuses(accept(Batch(sender, chain.made), books, NOON)) == ["applied", "applied"]
    following = Chain("server", KEYS[2], books.head("server"))
    following.make("cancel", id=new_id(), actor_id="import", at=NOON, parcels=[A], data={"source": "import"})
    accept(Batch(sender, following.made), books, NOON)
    assert books.states[A].status == "cancelled"
    assert all(
        mark.code not in ("chain_fork", "sequence_gap") for e in books.entries.values() for mark in e.marks
    )
    assert following.head == Head(3, envelope.digest(following.made[0]))


def test_the_server_makes_no_malformed_event() -> None:
    chain = Chain("server", KEYS[2])
    with pytest.raises(Problem, match="event-refused"):
        chain.make("cancel", id="1", actor_id="office", at=NOON, parcels=[A])
    with pytest.raises(Problem, match="event-refused"):
        chain.make("cancel", id=new_id(), actor_id="office", at=NOON, parcel=A)
    assert chain.head is None


def test_a_receipt_names_what_is_held_and_nothing_kept_aside() -> None:
    books, phone = journal(), Phone()
    phone.seal("collect", [A], **proof())
    accepted = accept(phone.batch(*phone.sealed, "broken"), books, NOON)
    receipt = make_receipt("dev-1", "epoch-1", accepted.received_at, accepted.held, KEYS[2])
    opened = envelope.open_(receipt, envelope.RECEIPT_TYP)
    envelope.verify(opened, keys.public_jwk(KEYS[2]))
    result = accepted.results[0]
    assert opened.payload == {
        "device": "dev-1",
        "epoch": "epoch-1",
        "received_at": "2026-11-22T12:00:00.000Z",
        "events": [{"id": result.id, "sha256": result.sha256}],
    }


def test_problems_survive_the_way_between_processes() -> None:
    import pickle

    problem = Problem("busy", "later", retry_after=3, parcels=[A])
    again = pickle.loads(pickle.dumps(problem))
    assert again.as_document() == problem.as_document()
    assert (again.retry_after, again.as_brief()["code"]) == (3, "busy")
