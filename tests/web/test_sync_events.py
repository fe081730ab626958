"""POST /sync/v1/events: what a phone is told, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import RateLimitItemPerMinute
from sqlalchemy import select

from sync.making import RECEIPT_TYP
from sync.posting import Posting
from sync.protocol import envelope
from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user
from tests.unit.phones import blob, proof
from webapp import clock
from webapp.api import pace
from webapp.extensions import of_app
from webapp.services import accept_batch, rebuild
from webapp.services.enrol import revoke_device
from webapp.store.models import Anomaly, Device, Event, Parcel, Quarantined, Receipt
from webapp.store.unit import reading


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


def state(org_id: str, code: str) -> tuple[str, list[str]]:
    with reading() as session:
        status = session.get_one(Parcel, (org_id, code)).status
        found = session.execute(select(Anomaly.code).where(Anomaly.org_id == org_id, Anomaly.parcel == code))
        return status, sorted(found.scalars())


def receipts(org_id: str) -> set[tuple[str, ...]]:
    """The digests that each receipt of the shop names."""
    with reading() as session:
        kept = session.execute(select(Receipt.jws).where(Receipt.org_id == org_id)).scalars()
        return {
            tuple(event["sha256"] for event in envelope.open_(jws, RECEIPT_TYP).payload["events"])
            for jws in kept
        }


def test_a_handover_moves_its_parcels_and_is_answered_in_the_order_sent(phone: ApiPhone, org_id: str) -> None:
    first, second = make_parcels(org_id, 2)
    sealed = [phone.seal("collect", [code], **proof()) for code in (first, second)]
    answer = phone.send(*reversed(sealed))
    assert [result["status"] for result in answer["results"]] == ["applied", "applied"]
    assert [result["effects"][0]["parcel"] for result in answer["results"]] == [second, first]
    assert [result["sha256"] for result in answer["results"]] == [
        envelope.digest(j) for j in reversed(sealed)
    ]
    assert answer["high_seq"] == 2
    assert answer["missing_seqs"] == []
    assert len(answer["want"]) == 4
    assert state(org_id, first)[0] == "handed_over"


def test_the_receipt_is_signed_with_the_key_the_phone_was_given(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    answer = phone.send(phone.seal("collect", [code], **proof()))
    receipt = envelope.open_(answer["receipt"], envelope.RECEIPT_TYP)
    assert envelope.is_signed_by(receipt, phone.enrolled["jwk"])
    assert receipt.payload["device"] == phone.device
    assert receipt.payload["epoch"] == answer["epoch"] == phone.enrolled["epoch"]
    assert receipt.payload["events"] == [
        {"id": answer["results"][0]["id"], "sha256": answer["results"][0]["sha256"]}
    ]


def test_the_same_batch_again_has_no_second_effect_and_the_first_answer(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    sealed = phone.seal("collect", [code], **proof())
    first = phone.send(sealed)["results"][0]
    again = phone.send(sealed, sealed)["results"]
    assert [result["status"] for result in again] == ["duplicate", "duplicate"]
    assert [result["effects"] for result in again] == [first["effects"]] * 2
    with reading() as session:
        assert len(session.execute(select(Event.id)).all()) == 1


def test_one_bad_event_holds_nothing_back_and_is_kept_for_the_office(phone: ApiPhone, org_id: str) -> None:
    first, second = make_parcels(org_id, 2)
    good, forged = phone.seal("collect", [first], **proof()), phone.seal("collect", [second], **proof())
    forged = forged[:-6] + ("AAAAAA" if not forged.endswith("AAAAAA") else "BBBBBB")
    answer = phone.send(forged, "no jws at all \ud800", good)
    assert [result["status"] for result in answer["results"]] == ["quarantined", "quarantined", "applied"]
    assert answer["results"][0]["problem"]["code"] == "bad_signature"
    assert state(org_id, second)[0] == "expected"
    with reading() as session:
        kept = {q.code: q.raw for q in session.execute(select(Quarantined)).scalars()}
    assert kept["bad_signature"].decode() == forged
    assert set(kept) == {"bad_signature", "event_malformed"}


def test_a_gap_is_told_and_taken_back_when_it_fills(phone: ApiPhone, org_id: str) -> None:
    codes = make_parcels(org_id, 3)
    sealed = [phone.seal("collect", [code], **proof()) for code in codes]
    answer = phone.send(sealed[0], sealed[2])
    assert answer["missing_seqs"] == [[2, 2]]
    assert "sequence_gap" in state(org_id, codes[2])[1]
    answer = phone.send(sealed[1])
    assert answer["missing_seqs"] == []
    assert answer["high_seq"] == 3
    assert "sequence_gap" not in state(org_id, codes[2])[1]
    assert rebuild.check(clock.now()) == (3, [])


def test_another_code_on_the_same_number_is_a_fork_kept_on_both_sides(phone: ApiPhone, org_id: str) -> None:
    first, second = make_parcels(org_id, 2)
    sealed = phone.seal("collect", [first], **proof())
    phone.seq, phone.prev = 0, None
    other = phone.seal("collect", [second], **proof())
    phone.send(sealed)
    assert phone.send(other)["results"][0]["status"] == "applied"
    assert "chain_fork" in state(org_id, first)[1]
    assert "chain_fork" in state(org_id, second)[1]
    assert rebuild.check(clock.now()) == (2, [])


def test_a_code_nobody_imported_is_kept_and_flagged(phone: ApiPhone, org_id: str) -> None:
    answer = phone.send(phone.seal("drop_off", ["JT 0001 2345"], **proof()))
    effect = answer["results"][0]["effects"][0]
    assert "unknown_parcel" in effect["anomalies"]
    assert state(org_id, effect["parcel"])[0] == "handed_over"


def test_a_tracking_number_is_a_key_to_its_parcel(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1, tracking_number="JT00012345")
    answer = phone.send(phone.seal("collect", ["jt0001 2345"], **proof()))
    assert answer["results"][0]["effects"][0]["parcel"] == code


def test_a_scan_off_the_list_or_for_another_carrier_is_flagged(phone: ApiPhone, org_id: str) -> None:
    listed, other = make_parcels(org_id, 2, carrier="jt")
    run = make_run(org_id, phone.actor, [listed])
    phone.send(phone.seal("collect", [listed, other], run=run, carrier="ninja", expected=1, **proof()))
    assert {"wrong_carrier", "count_mismatch"} <= set(state(org_id, listed)[1])
    assert "not_on_list" not in state(org_id, listed)[1]
    assert {"not_on_list", "wrong_carrier"} <= set(state(org_id, other)[1])


def test_a_void_within_the_window_takes_the_handover_back(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    sealed = phone.seal("collect", [code], **proof())
    event_id = phone.send(sealed)["results"][0]["id"]
    phone.send(phone.seal("void", [code], minute=1, ref=event_id, reason="mistake"))
    assert state(org_id, code)[0] == "expected"
    assert rebuild.check(clock.now()) == (1, [])


def test_a_heartbeat_says_what_the_phone_still_holds(phone: ApiPhone) -> None:
    phone.send(
        unsent=3,
        unsent_blobs=7,
        oldest_at="2026-11-22T06:00:00.000Z",
        head_seq=2**40,
        storage={"usage": 5, "quota": 10, "persisted": True},
    )
    with reading() as session:
        device = session.get_one(Device, phone.device)
    assert (device.unsent, device.unsent_blobs, device.head_seq) == (3, 7, 2**40)
    assert device.oldest_unsent_at is not None
    assert device.storage == {"usage": 5, "quota": 10, "persisted": True, "lost": []}


def test_a_copy_that_comes_late_does_not_take_back_what_was_told_since(phone: ApiPhone) -> None:
    def tell(minute: int, unsent: int) -> int | None:
        sent_at = f"2026-11-22T07:{minute:02}:30.123Z"
        body = {"sent_at": sent_at, "events": [], "queue": {"unsent": unsent}}
        assert phone.client.post("/sync/v1/events", json=body, headers=phone.headers).status_code == 200
        with reading() as session:
            return session.get_one(Device, phone.device).unsent

    assert tell(50, unsent=3) == 3
    assert tell(52, unsent=0) == 0
    assert tell(50, unsent=3) == 0
    assert tell(52, unsent=1) == 1
    assert tell(39, unsent=7) == 7, "a clock that was set back is believed"


def test_a_gzipped_batch_is_read(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    assert (
        phone.send(phone.seal("collect", [code], **proof()), zipped=True)["results"][0]["status"] == "applied"
    )


def test_a_revoked_phones_events_are_kept_and_it_is_told_so(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    revoke_device(org_id, phone.device, clock.now())
    answer = phone.post(phone.seal("collect", [code], **proof()))
    assert answer.status_code == 403
    body: dict[str, Any] = answer.get_json()
    assert body["code"] == "device-revoked"
    assert body["results"][0]["status"] == "quarantined"
    assert state(org_id, code)[0] == "expected"
    with reading() as session:
        kept = session.execute(select(Quarantined)).scalar_one()
    assert kept.signature_good
    assert kept.code == "device_revoked"


def test_an_event_of_another_phone_is_not_this_phones_to_send(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    other = ApiPhone(phone.client, org_id, make_user(org_id))
    answer = phone.send(other.seal("collect", [code], **proof()))
    assert answer["results"][0]["status"] == "quarantined"
    assert other.send(*other.sealed)["results"][0]["status"] == "applied"


def test_another_shops_parcel_is_not_reached_by_its_code(phone: ApiPhone, org_id: str) -> None:
    stranger = make_shop("Another shop")
    (code,) = make_parcels(stranger, 1)
    phone.send(phone.seal("collect", [code], **proof()))
    assert state(stranger, code) == ("expected", [])
    assert state(org_id, code)[0] == "handed_over"


def test_an_unsigned_phone_is_taken_and_flagged_and_a_signed_one_may_not_fall_back(
    app_on_both: Flask, phone: ApiPhone, org_id: str
) -> None:
    first, second = make_parcels(org_id, 2)
    keyless = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id), signed=False)
    assert keyless.send(keyless.seal("collect", [first], **proof()))["results"][0]["status"] == "applied"
    assert "unsigned" in state(org_id, first)[1]
    phone.key = None
    assert phone.send(phone.seal("collect", [second], **proof()))["results"][0]["status"] == "quarantined"


def test_a_batch_of_two_hundred_events_of_many_parcels_is_taken(phone: ApiPhone, org_id: str) -> None:
    codes = make_parcels(org_id, 600)
    sealed = [
        phone.seal("collect", codes[3 * i : 3 * i + 3], minute=i / 60, blobs=[blob()], intact=True)
        for i in range(200)
    ]
    answer = phone.send(*sealed)
    assert {result["status"] for result in answer["results"]} == {"applied"}
    assert rebuild.check(clock.now()) == (600, [])


def test_of_a_chain_full_of_holes_only_the_first_are_told(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept_batch, "MOST_GAPS", 2)
    (code,) = make_parcels(org_id, 1)
    sealed = [phone.seal("report", [code], minute=i / 60, reason="damage") for i in range(6)]
    assert phone.send(*sealed[1::2])["missing_seqs"] == [[1, 1], [3, 3]]
    assert phone.send(*sealed[0:4:2])["missing_seqs"] == [[5, 5]]


def test_a_phone_that_asks_without_end_is_slowed_down_and_a_signed_out_one_sooner(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ApiPhone(phone.client, org_id, phone.actor)
    settings = replace(of_app("baton-settings"), rate_limits=True)
    monkeypatch.setitem(phone.client.application.extensions, "baton-settings", settings)
    monkeypatch.setattr(pace, "LET_IN", RateLimitItemPerMinute(3))
    monkeypatch.setattr(pace, "SIGNED_OUT", RateLimitItemPerMinute(2))
    assert [phone.post().status_code for _ in range(4)] == [200, 200, 200, 429]
    slowed = phone.client.post("/sync/v1/blobs", headers={**phone.headers, "Tus-Resumable": "1.0.0"})
    assert (slowed.status_code, slowed.get_json()["code"]) == (429, "slow-down")
    assert 0 < int(slowed.headers["Retry-After"]) <= 60
    revoke_device(org_id, other.device, clock.now())
    assert [other.post().status_code for _ in range(3)] == [403, 403, 429], "each phone for itself"


@pytest.mark.parametrize("path", ["/sync/v1/hello", "/sync/v1/nowhere", "/sync/v1/worklist"])
def test_every_answer_says_which_protocol_it_speaks(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Sync-Protocol"] == "1"


def test_a_mistake_of_ours_on_one_event_asks_for_that_one_again_and_keeps_the_others(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = make_parcels(org_id, 3)
    sealed = [phone.seal("collect", [code], **proof()) for code in codes]
    honest = Posting.entry

    def stumble(self: Posting, event: Any, *rest: Any) -> Any:
        if codes[1] in event.parcels:
            raise ZeroDivisionError("a mistake of ours")
        return honest(self, event, *rest)

    monkeypatch.setattr(Posting, "entry", stumble)
    answer = phone.send(*sealed)
    assert [result["status"] for result in answer["results"]] == ["applied", "retry", "applied"]
    assert answer["results"][1]["problem"]["code"] == "server_fault"
    assert answer["missing_seqs"] == [[2, 2]]
    assert receipts(org_id) >= {(envelope.digest(sealed[0]),), (envelope.digest(sealed[2]),)}
    monkeypatch.undo()
    again = phone.send(*sealed)
    assert [result["status"] for result in again["results"]] == ["duplicate", "applied", "duplicate"]
    assert answer["results"][1]["id"] == again["results"][1]["id"]
    assert rebuild.check(clock.now()) == (3, [])
