"""What the ledger keeps aside: by the bytes, the sender, or the version; and that nothing else waits for it."""

from __future__ import annotations

from dataclasses import replace

from sync.ledger import Batch, accept
from sync.protocol import envelope
from sync.protocol.problems import CATALOGUE
from tests.unit.books import A, B, journal, statuses
from tests.unit.phones import KEYS, NOON, Phone, proof


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
