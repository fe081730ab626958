"""A proof from the real ledger stands alone: of a parcel and of a handover, with what is missing told."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from sync.evidence.bundle.verify import Verdict, verify_bundle
from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from tests.support.desk import hand_over, keep, make_desk_user, picture, reference, scrawl
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import open_blob
from webapp.services.proving.appeal import export_appeal
from webapp.services.proving.export_proof import collect, copies_of, export_proof, paper_copies
from webapp.services.proving.gather import Wanted
from webapp.services.proving.redacting import redactor_of
from webapp.services.review_proof import review_proof
from webapp.store import blobs, database
from webapp.store.models import Device, Event, Installation, Receipt
from webapp.store.unit import transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop("Toko Sari")


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


def now(seconds: float = 0) -> dict[str, str]:
    """When an event of these tests was: the phones here are enrolled now."""
    return {"at": format_time(clock.now() + timedelta(seconds=seconds))}


def exported(org_id: str, **what: Any) -> bytes:
    out = io.BytesIO()
    export_proof(Wanted(org_id, **what), out, clock.now())
    return out.getvalue()


def verified(data: bytes) -> Verdict:
    return verify_bundle(io.BytesIO(data))


def part(data: bytes, name: str) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        raw = archive.read(name)
    return json.loads(raw) if name.endswith(".json") else raw


def codes(verdict: Verdict, *, faults: bool) -> set[str]:
    return {f.code for found in verdict.areas.values() for f in found if f.is_fault is faults}


def test_a_parcels_proof_holds_and_has_what_the_protocol_names(phone: ApiPhone, org_id: str) -> None:
    [code, other] = make_parcels(org_id, 2, status="ready")
    phone.send(phone.seal("report", [other], reason="damage", **now()))
    event = hand_over(phone, org_id, [code, other], **now(1))
    phone.send(phone.seal("report", [other], reason="damage", **now(2)))
    hand_over(phone, org_id, [code], "deliver", **now(3))
    review_proof(org_id, make_desk_user(org_id), event, "accept", clock.now())
    data = exported(org_id, parcel=code)
    verdict = verified(data)
    assert verdict.all_hold, verdict.codes
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
    fixed = ["events.jws", "keys.json", "receipts.jws", "proof.pdf", "timeline.json", "verify.html"]
    assert [name for name in names if not name.startswith("blobs/")] == fixed
    assert len(names) == len(fixed) + 4  # a photo and a signature of each
    kinds = [event["kind"] for event in verdict.facts["events"]]
    assert (kinds[:2], set(kinds)) == (["collect", "deliver"], {"collect", "deliver", "review"})
    assert [p["name"] for p in verdict.facts["people"] if p["name"]] == ["Budi Santoso"]
    assert verdict.facts["events"][0]["received_by"] is not None
    assert other not in str(part(data, "timeline.json")["parcels"])
    [between] = [c["between"] for c in part(data, "timeline.json")["chains"] if c["device"] == phone.device]
    assert [(s["first"], s["last"]) for s in between] == [(3, 3)]


def test_a_handovers_proof_has_all_its_parcels_and_what_speaks_of_it(phone: ApiPhone, org_id: str) -> None:
    parcels = make_parcels(org_id, 3, status="ready")
    event = hand_over(phone, org_id, parcels, **now())
    phone.send(phone.seal("void", [], ref=event, reason="mistake", **now(1)))
    data = exported(org_id, event=event)
    assert verified(data).all_hold
    told = part(data, "timeline.json")
    assert sorted(p["code"] for p in told["parcels"]) == sorted(parcels)
    assert [e["kind"] for e in told["events"]] == ["collect", "void"]
    assert told["events"][0]["withdrawn_by"] == [told["events"][1]["id"]]


def test_the_same_facts_give_the_same_bytes_but_for_signatures(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    at = clock.now()
    first, second = io.BytesIO(), io.BytesIO()
    for out in (first, second):
        export_proof(Wanted(org_id, parcel=code), out, at)
    for name in ("events.jws", "keys.json", "receipts.jws", "proof.pdf"):
        assert part(first.getvalue(), name) == part(second.getvalue(), name)
    told, again = (part(out.getvalue(), "timeline.json") for out in (first, second))
    assert {**told, "seal": ""} == {**again, "seal": ""}


def test_a_photo_of_another_parcel_stays_out_and_one_that_never_came_is_named(
    phone: ApiPhone, org_id: str
) -> None:
    [code, other] = make_parcels(org_id, 2, status="ready")
    mine, theirs, absent, signature = picture("mine"), picture("theirs"), picture("absent"), scrawl()
    refs = [
        reference(mine, parcel=code),
        reference(theirs, parcel=other),
        reference(absent),
        reference(signature, "signature"),
    ]
    phone.send(phone.seal("collect", [code, other], blobs=refs, **now()))
    keep(org_id, phone.device, mine, theirs, signature)
    data = exported(org_id, parcel=code)
    verdict = verified(data)
    assert codes(verdict, faults=True) == {"photo_never_arrived"}
    assert "photo_left_out" in codes(verdict, faults=False)
    assert not verdict.holds("completeness")
    assert all(verdict.holds(area) for area in ("integrity", "who", "time_bounds"))
    assert theirs not in [part(data, name) for name in zipfile.ZipFile(io.BytesIO(data)).namelist()]


def test_a_proof_holds_however_many_pictures_of_others_are_left_out(phone: ApiPhone, org_id: str) -> None:
    code, *others = make_parcels(org_id, 130, status="ready")
    mine, signature = picture("mine"), scrawl()
    for kind in ("drop_off", "collect"):
        theirs = [
            {**reference(mine, parcel=other), "sha256": hashlib.sha256(f"{kind}{other}".encode()).hexdigest()}
            for other in others
        ]
        refs = [reference(mine, parcel=code), reference(signature, "signature"), *theirs]
        phone.send(phone.seal(kind, [code, *others], blobs=refs, **now()))
    keep(org_id, phone.device, mine, signature)
    assert verified(exported(org_id, parcel=code)).all_hold


def test_a_photo_that_the_store_has_lost_or_damaged_is_left_out_and_told(
    phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    photo, signature = picture("gone"), scrawl()
    refs = [reference(photo), reference(signature, "signature")]
    phone.send(phone.seal("collect", [code], blobs=refs, **now()))
    keep(org_id, phone.device, photo, signature)
    blobs.current().delete(org_id, refs[0]["sha256"])
    blobs.current().delete(org_id, refs[1]["sha256"])
    blobs.current().put(org_id, refs[1]["sha256"], scrawl() + b"rot")
    verdict = verified(exported(org_id, parcel=code))
    assert codes(verdict, faults=True) == {"photo_damaged"}


def test_a_picture_that_came_cut_off_stops_no_proof(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    photo, torn = picture("whole"), scrawl()[:-900]
    refs = [reference(photo), reference(torn, "signature")]
    phone.send(phone.seal("collect", [code], blobs=refs, **now()))
    keep(org_id, phone.device, photo, torn)  # its header says all that is asked of it as it comes in
    assert verified(exported(org_id, parcel=code)).all_hold, "the bytes are those that were signed for"
    out = io.BytesIO()
    export_appeal(Wanted(org_id, parcel=code), out, clock.now())
    assert copies_of(org_id, [ref["sha256"] for ref in refs]).keys() == {refs[0]["sha256"]}


def test_a_picture_that_the_store_has_cut_off_is_told_and_stops_no_proof(
    phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    signature = scrawl()
    phone.send(phone.seal("collect", [code], blobs=[reference(signature, "signature")], **now()))
    keep(org_id, phone.device, signature)
    blobs.current().delete(org_id, reference(signature)["sha256"])
    blobs.current().put(org_id, reference(signature)["sha256"], signature[:-900])
    assert codes(verified(exported(org_id, parcel=code)), faults=True) == {"photo_damaged"}


def test_no_paper_decodes_a_picture_that_is_too_large_for_the_server(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], blobs=[reference(scrawl(), "signature")], **now())
    keep(org_id, phone.device, scrawl())
    monkeypatch.setitem(open_blob._MAX_PIXELS, "image/png", 1000)
    for is_redacted in (False, True):
        wanted = Wanted(org_id, parcel=code, is_redacted=is_redacted)
        gathered = collect(wanted, clock.now())[0]
        redactor = redactor_of(org_id, gathered) if is_redacted else None
        assert paper_copies(wanted, gathered, redactor) == {}


def test_a_manifest_that_would_be_too_large_keeps_the_signature(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())

    def manifest() -> bytes:
        out = io.BytesIO()
        export_appeal(Wanted(org_id, parcel=code), out, clock.now())
        return bytes(part(out.getvalue(), "manifest.pdf"))

    whole = manifest()
    drawn = whole.count(b"/Subtype /Image")
    monkeypatch.setattr("webapp.services.proving.appeal.MOST_PDF", len(whole) - 1000)
    assert manifest().count(b"/Subtype /Image") == drawn - 1
    monkeypatch.setattr("webapp.services.proving.appeal.MOST_PDF", 1)
    assert manifest().count(b"/Subtype /Image") == drawn - 2


def test_a_lost_number_between_two_events_is_told(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    phone.seal("report", [code], reason="damage", **now(1))  # sealed, never sent
    hand_over(phone, org_id, [code], "deliver", **now(2))
    verdict = verified(exported(org_id, parcel=code))
    assert codes(verdict, faults=True) == {"chain_gap"}


@pytest.mark.timeout(60)  # counting the numbers would take years
def test_a_phone_that_leaps_to_the_last_number_there_is_keeps_its_proof(phone: ApiPhone, org_id: str) -> None:
    [code, other] = make_parcels(org_id, 2, status="ready")
    hand_over(phone, org_id, [code], **now())
    phone.send(phone.seal("report", [other], reason="damage", **now(1)))
    before, leapt = phone.seq, 2**53 - 1
    phone.send(phone.seal("report", [other], reason="damage", **now(2), seq=leapt - 1))
    hand_over(phone, org_id, [code], "deliver", **now(3))
    data = exported(org_id, parcel=code)
    verdict = verified(data)
    assert codes(verdict, faults=True) == {"chain_gap"}
    [between] = [c["between"] for c in part(data, "timeline.json")["chains"] if c["device"] == phone.device]
    assert phone.seq == leapt
    assert [(s["first"], s["last"], s["sha256"] is None) for s in between] == [
        (before, before, False),
        (before + 1, leapt - 2, True),
        (leapt - 1, leapt - 1, False),
    ]


def test_a_fork_and_a_clock_set_back_are_told(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    seq, prev = phone.seq, phone.prev
    hand_over(phone, org_id, [code], "deliver", **now(1))
    phone.seq, phone.prev = seq, prev
    hand_over(phone, org_id, [code], "deliver", **now(-7200))
    verdict = verified(exported(org_id, parcel=code))
    assert codes(verdict, faults=True) >= {"chain_fork", "time_before_enrolment"}


def test_an_unsigned_phones_events_are_told_as_anybodys(app_on_both: Flask, org_id: str) -> None:
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, active=True), signed=False)
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    verdict = verified(exported(org_id, parcel=code))
    assert codes(verdict, faults=True) == {"unsigned"}
    assert not verdict.holds("who")
    assert verdict.holds("integrity")


def test_a_receipt_from_before_a_restore_still_counts(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    with transaction() as session:
        session.execute(update(Installation).where(Installation.name == "epoch").values(value="another life"))
    assert database.epoch() == "another life"
    verdict = verified(exported(org_id, parcel=code))
    assert verdict.all_hold
    assert "epoch_changed" in codes(verdict, faults=False)


def test_a_receipt_that_was_lost_makes_the_time_the_phones_alone(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    with transaction() as session:
        session.execute(delete(Receipt).where(Receipt.org_id == org_id))
    verdict = verified(exported(org_id, parcel=code))
    assert codes(verdict, faults=True) == {"receipt_missing"}


def test_a_phone_signed_out_before_its_event_came_is_told(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    hand_over(phone, org_id, [code], **now())
    with transaction() as session:
        early = clock.now() - timedelta(hours=1)
        session.execute(update(Device).where(Device.id == phone.device).values(revoked_at=early))
    assert codes(verified(exported(org_id, parcel=code)), faults=True) == {"key_revoked"}


def test_bytes_changed_in_the_books_are_caught_by_who_gets_the_proof(phone: ApiPhone, org_id: str) -> None:
    """Somebody at the database: the row is moved to another person and signed by nobody."""
    [code] = make_parcels(org_id, 1, status="ready")
    event = hand_over(phone, org_id, [code], **now())
    with transaction() as session:
        row = session.execute(select(Event).where(Event.org_id == org_id, Event.id == event)).scalar_one()
        head, body, signature = row.jws.split(".")
        row.jws = ".".join(
            (head, body, signature[:-6] + ("AAAAAA" if signature[-6:] != "AAAAAA" else "BBBBBA"))
        )
    verdict = verified(exported(org_id, parcel=code))
    assert "event_signature" in verdict.codes


def test_another_shops_parcel_and_event_are_not_there(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, status="ready")
    event = hand_over(phone, org_id, [code], **now())
    stranger = make_shop("Another shop")
    for what in ({"parcel": code}, {"event": event}):
        with pytest.raises(Problem) as refused:
            exported(stranger, **what)
        assert refused.value.status == 404
