"""The door into the server: what becomes of each item of a batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.journal import Append, Head, NewParcel
from sync.ledger import Accepted, Batch, Chain, accept, make_receipt, refold
from sync.protocol import codes, envelope, keys
from sync.protocol.problems import CATALOGUE, Problem
from sync.rules.parcel import About, Mark
from tests.unit.memory_journal import MemoryJournal
from tests.unit.phones import KEYS, NOON, Phone, blob, new_codes, new_id, proof

A, B, C = new_codes(3, seed=5)
TRACKING = "JX0987654321"


def journal() -> MemoryJournal:
    return MemoryJournal(
        About(A, carrier="jnt", run_ids=frozenset({"run-1"})),
        About(B, carrier="jnt", run_ids=frozenset({"run-1"})),
        About(C, tracking_number=TRACKING),
        places={"run-1": (-6.2, 106.8)},
    )


def statuses(accepted: Accepted) -> list[str]:
    return [result.status for result in accepted.results]


def marks(books: MemoryJournal, jws: str) -> list[Mark]:
    sha256 = envelope.digest(jws)
    return [mark for entry in books.entries.values() if entry.sha256 == sha256 for mark in entry.marks]


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
    assert books.calls == dict.fromkeys(
        ("events", "chain", "seqs", "parcels", "facts", "places", "append"), 1
    )


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


# -- quarantine


def broken(phone: Phone) -> dict[str, tuple[str, str]]:
    """What must be kept aside: name -> (item, code)."""
    event = phone.seal("collect", [A], **proof())
    header, payload, signature = event.split(".")
    stranger = Phone("dev-9", key=KEYS[1]).seal("collect", [A], **proof())
    other_person = Phone(actor="stranger").seal("collect", [A], **proof())
    wrong_key = Phone(key=KEYS[1]).seal("collect", [A], **proof())
    sealed = {
        name: envelope.sign({**phone.payload("collect", [A], **proof()), **change}, KEYS[0])
        for name, change in {
            "version": {"v": 2},
            "kind": {"kind": "teleport"},
            "office": {"kind": "cancel"},
            "deeming": {"kind": "deem_lost"},
            "schema": {"parcels": "all"},
        }.items()
    }
    return {
        "truncated": (event[:-5], "event_malformed"),
        "not a JWS": ("hello", "event_malformed"),
        "empty": ("", "event_malformed"),
        "a null": ("null", "event_malformed"),
        "a surrogate": ("\ud800", "event_malformed"),
        "too large": ("a." * 40_000, "event_too_large"),
        "altered": (f"{header}.{payload}.{signature[:-4]}AAAA", "bad_signature"),
        "unsigned": (Phone(key=None).seal("collect", [A], **proof()), "bad_signature"),
        "signed by another key": (wrong_key, "bad_signature"),
        "another phone's": (stranger, "not_this_device"),
        "another person's": (other_person, "not_this_device"),
        "an unknown version": (sealed["version"], "version_unknown"),
        "an unknown kind": (sealed["kind"], "kind_unknown"),
        "a kind of the office": (sealed["office"], "kind_unknown"),
        "a kind of the clock": (sealed["deeming"], "kind_unknown"),
        "malformed": (sealed["schema"], "event_malformed"),
    }


def test_one_bad_item_never_holds_back_another() -> None:
    books, phone = journal(), Phone()
    cases = broken(phone)
    good = [phone.sealed[0], phone.seal("deliver", [B], 5, **proof("Pak Budi", "recipient"))]
    items = [good[0], *(item for item, _ in cases.values()), good[1]]
    accepted = accept(phone.batch(*items), books, NOON)
    assert statuses(accepted) == ["applied", *["quarantined"] * len(cases), "applied"]
    assert {name: result.code for name, result in zip(cases, accepted.results[1:-1], strict=True)} == {
        name: code for name, (_, code) in cases.items()
    }
    assert len(books.quarantined) == len(cases)
    assert len(books.entries) == 2
    for result in accepted.results[1:-1]:
        problem = result.as_dict()["problem"]
        assert problem["code"] in CATALOGUE
        assert problem["title"]
        assert problem["detail"]


def test_the_quarantine_keeps_the_bytes_and_what_they_claim() -> None:
    books, phone = journal(), Phone()
    item = broken(phone)["another phone's"][0]
    accept(phone.batch(item, item), books, NOON)
    accept(phone.batch(item), books, NOON)
    (kept,) = books.quarantined.values()
    assert (kept.raw, kept.sha256, kept.code) == (item, envelope.digest(item), "not_this_device")
    assert (kept.device_id, kept.claimed_device, kept.claimed_seq) == ("dev-1", "dev-9", 1)
    assert kept.claimed_id == envelope.open_(item).payload["id"]
    assert not kept.signature_good


def test_what_no_database_stores_is_kept_escaped() -> None:
    books, phone = journal(), Phone()
    accept(phone.batch("a\ud800\u0000b"), books, NOON)
    (kept,) = books.quarantined.values()
    assert kept.raw == '"a\\ud800\\u0000b"'


def test_a_revoked_phones_good_events_are_kept_aside() -> None:
    books, phone = journal(), Phone()
    earlier = phone.seal("collect", [A], **proof())
    accept(phone.batch(), books, NOON)
    late = phone.seal("deliver", [A], 5, **proof())
    sender = replace(phone.sender, is_revoked=True)
    accepted = accept(Batch(sender, [earlier, late, late[:-8] + "AAAAAAAA"]), books, NOON)
    assert statuses(accepted) == ["duplicate", "quarantined", "quarantined"]
    assert [r.code for r in accepted.results] == [None, "device_revoked", "bad_signature"]
    assert [kept.signature_good for kept in books.quarantined.values()] == [True, False]
    assert books.states[A].status == "handed_over"


def test_an_event_kept_aside_for_its_kind_is_accepted_once_the_server_knows_it() -> None:
    books, phone = journal(), Phone()
    event = phone.seal("collect", [A], **proof())
    accept(Batch(Phone(key=KEYS[1]).sender, [event]), books, NOON)
    assert books.quarantined
    assert statuses(accept(phone.batch(), books, NOON)) == ["applied"]


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


# -- findings


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
