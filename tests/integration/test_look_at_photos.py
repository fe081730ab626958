"""A photo comes home, is looked at, and what it shows stands on the parcel: on both databases, by the real process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.desk import keep, picture, reference, scrawl
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tagged import barred, tagged
from webapp import clock
from webapp.services import rebuild
from webapp.services.checking import look
from webapp.services.checking.reused import first_same
from webapp.services.sweep import sweep
from webapp.store import blobs
from webapp.store.blobs import BlobStore, Missing
from webapp.store.models import Anomaly, BlobRef, Event, PhotoCheck
from webapp.store.queries import evidence as ask
from webapp.store.unit import reading, transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> Iterator[str]:
    yield make_shop()
    look.eyes().close()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


def hand_over(phone: ApiPhone, org_id: str, codes: list[str], *photos: bytes, **members: Any) -> str:
    """A collect with these photos of all its parcels, and a signature of its own; looked at."""
    signature = scrawl(phone.seq)
    blobs = [reference(photo) for photo in photos] + [reference(signature, "signature")]
    whole = {"intact": True, "counterpart": {"name": "Ibu Sari", "role": "seller"}, "blobs": blobs, **members}
    event_id: str = phone.send(phone.seal("collect", codes, **whole))["results"][0]["id"]
    keep(org_id, phone.device, *photos, signature)
    look_at_all()
    return event_id


def look_at_all() -> None:
    while look.look_at_waiting(60):
        pass


def anomalies(org_id: str) -> set[tuple[str, str, str]]:
    """(parcel, code, event) of what the photo checks raised and is open."""
    with reading() as session:
        rows = session.execute(
            select(Anomaly.parcel, Anomaly.code, Anomaly.event_id).where(
                Anomaly.org_id == org_id, Anomaly.is_open
            )
        )
        return {tuple(row) for row in rows if row.code.startswith(("photo", "signature"))}


def doubt(org_id: str, event_id: str) -> int:
    with reading() as session:
        return session.get_one(Event, (org_id, event_id)).doubt


def test_a_photo_of_the_claimed_tag_holds_and_leaves_no_word_in_the_ledger(
    phone: ApiPhone, org_id: str
) -> None:
    codes = make_parcels(org_id, 2)
    event_id = hand_over(phone, org_id, codes, tagged(*codes))
    assert anomalies(org_id) == set()
    with reading() as session:
        judged = ask.judged(session, org_id, event_id)
        assert judged is not None
        assert (sorted(judged.seen), judged.unseen, judged.others) == (sorted(codes), [], [])
        assert session.execute(select(Event.id).where(Event.kind == "check")).all() == []


def test_a_photo_that_nothing_opens_is_kept_and_told_of(phone: ApiPhone, org_id: str) -> None:
    codes = make_parcels(org_id, 1)
    event_id = hand_over(phone, org_id, codes, b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9)
    assert anomalies(org_id) == {(codes[0], "photo_poor", event_id)}
    assert doubt(org_id, event_id) > 0


def test_another_parcels_tag_is_a_mismatch_on_the_parcel_claimed_and_survives_a_rebuild(
    phone: ApiPhone, org_id: str
) -> None:
    claimed, other = make_parcels(org_id, 2)
    event_id = hand_over(phone, org_id, [claimed], tagged(other))
    assert anomalies(org_id) == {(claimed, "photo_mismatch", event_id)}
    assert doubt(org_id, event_id) >= 400
    assert rebuild.check(clock.now()) == (2, [])
    rebuild.rebuild(clock.now())
    assert anomalies(org_id) == {(claimed, "photo_mismatch", event_id)}


def test_the_clock_leaves_what_the_checks_found_alone(phone: ApiPhone, org_id: str) -> None:
    claimed, other = make_parcels(org_id, 2)
    event_id = hand_over(phone, org_id, [claimed], tagged(other))
    sweep(clock.now())
    assert anomalies(org_id) == {(claimed, "photo_mismatch", event_id)}
    with reading() as session:
        assert session.execute(select(Event.id).where(Event.kind == "void")).all() == []


def test_a_neighbours_tag_beside_the_claimed_one_is_no_mismatch(phone: ApiPhone, org_id: str) -> None:
    claimed, other = make_parcels(org_id, 2)
    hand_over(phone, org_id, [claimed], tagged(claimed, other))
    assert anomalies(org_id) == set()


def test_a_code_nobody_here_knows_is_no_mismatch(phone: ApiPhone, org_id: str) -> None:
    [claimed] = make_parcels(org_id, 1)
    [stranger] = make_parcels(make_shop("Another shop"), 1, seed=9)
    hand_over(phone, org_id, [claimed], tagged(stranger))
    assert anomalies(org_id) == set()


def test_the_parcels_own_tracking_number_counts_as_its_tag(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1, tracking_number="JP1234567890")
    event_id = hand_over(phone, org_id, [code], barred("JP1234567890"))
    with reading() as session:
        judged = ask.judged(session, org_id, event_id)
        assert judged is not None
        assert judged.seen == [code]


def test_a_photo_used_again_is_told_of_the_second_time_whatever_was_done_to_the_file(
    phone: ApiPhone, org_id: str
) -> None:
    first, second = make_parcels(org_id, 2)
    hand_over(phone, org_id, [first], tagged(first, second))
    event_id = hand_over(phone, org_id, [second], tagged(first, second, quality=40))
    assert anomalies(org_id) == {(second, "photo_reused", event_id)}
    with reading() as session:
        seen = ask.looks(session, org_id, event_id)
    [twin] = [result["twin"] for result in seen.values() if result.get("twin")]
    assert 0.6 < twin["likeness"] < 1, "another file of the same picture"


def test_the_same_counter_with_another_parcel_is_no_reuse(phone: ApiPhone, org_id: str) -> None:
    first, second = make_parcels(org_id, 2)
    hand_over(phone, org_id, [first], tagged(first))
    hand_over(phone, org_id, [second], tagged(second, words="GLASS"))
    assert anomalies(org_id) == set()


@pytest.mark.parametrize("is_used_again", [True, False])
@pytest.mark.parametrize("why", ["let go", "not given", "broken"])
def test_where_a_kept_picture_cannot_be_opened_the_sketch_tells(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch, why: str, is_used_again: bool
) -> None:
    first, second = make_parcels(org_id, 2)
    old = tagged(first)
    hand_over(phone, org_id, [first], old)
    with_ = {"let go": Missing("gone"), "not given": PermissionError("not yours"), "broken": None}[why]
    read = type(blobs.current()).read

    def read_but(store: BlobStore, org: str, sha256: str) -> bytes:
        if sha256 != reference(old)["sha256"]:
            return read(store, org, sha256)
        if with_:
            raise with_
        return b"no picture"

    monkeypatch.setattr(type(blobs.current()), "read", read_but)
    new = tagged(first, quality=40) if is_used_again else tagged(second, words="GLASS, THIS WAY UP")
    hand_over(phone, org_id, [second], new)
    assert ("photo_reused" in {code for _, code, _ in anomalies(org_id)}) == is_used_again


def test_pictures_of_the_same_record_do_not_stand_in_the_way_of_the_one_that_was_used_before() -> None:
    asked: list[str] = []

    def lay_over(sha256: str) -> float | None:
        asked.append(sha256)
        return 0.9 if sha256 == "old" else 0.1

    own = [(0.99 - n / 100, f"own {n}") for n in range(9)]
    others = [(0.7 - n / 100, f"other {n}") for n in range(3)]
    ranked = [*own, *others, (0.5, "old")]
    found = first_same(ranked, lambda sha256: not sha256.startswith("own"), lay_over)
    assert found is not None
    assert (found.sha256, found.by, asked[-1]) == ("old", "picture", "old")
    assert first_same([(0.19, "old")], lambda _: True, lay_over) is None, "not worth a look"
    unsure = first_same([(0.9, "kept")], lambda _: True, lambda _: None)
    assert unsure is not None
    assert unsure.by == "sketch"
    assert first_same([(0.7, "kept")], lambda _: True, lambda _: None) is None


def test_a_handover_of_many_parcels_with_no_good_photo_is_judged(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.evidence.telling.MOST", 4000)
    monkeypatch.setattr("sync.evidence.telling._FOR_PARCELS", 2500)
    codes = make_parcels(org_id, 120)
    photos = [picture(str(number), (90, 120)) for number in range(3)]
    event_id = hand_over(phone, org_id, codes, *photos)
    assert {(code, "photo_poor", event_id) for code in codes} <= anomalies(org_id)
    assert rebuild.check(clock.now()) == (120, [])
    with reading() as session:
        said = list(session.execute(select(Event).where(Event.kind == "check")).scalars())
    assert all("parcels" not in finding for check in said for finding in check.data["findings"])


def test_a_word_that_the_ledger_refuses_leaves_no_picture_unsettled(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Problem("event-refused", "It is too large.")

    monkeypatch.setattr(look, "conclude", refuse)
    event_id = hand_over(phone, org_id, make_parcels(org_id, 1), picture("dull"))
    with reading() as session:
        rows = session.execute(select(BlobRef.is_checked).where(BlobRef.event_id == event_id)).scalars()
        assert set(rows) == {True}
    assert doubt(org_id, event_id) > 0, "a person looks at it"


def test_a_database_that_is_busy_is_asked_again_and_settles_nothing_unjudged(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> None:
        raise Problem("busy", "Too many write at once.")

    with monkeypatch.context() as patch:
        patch.setattr(look, "conclude", wait)
        with pytest.raises(Problem, match="busy"):
            hand_over(phone, org_id, make_parcels(org_id, 1), picture("dull"))
    with reading() as session:
        held = session.execute(select(BlobRef.is_checked).where(BlobRef.org_id == org_id)).scalars()
        assert set(held) == {False}, "it is taken up again when its time is out"


def test_the_very_signature_of_another_handover_is_told_of(phone: ApiPhone, org_id: str) -> None:
    first, second = make_parcels(org_id, 2)
    hand_over(phone, org_id, [first], tagged(first, seed=3))
    photo, copied = tagged(second, seed=4), scrawl(0)
    assert phone.seq == 1, "the first handover was signed as number 0"
    blobs = [reference(photo), reference(copied, "signature")]
    members = {"intact": True, "counterpart": {"name": "Ibu Sari", "role": "seller"}, "blobs": blobs}
    event_id = phone.send(phone.seal("collect", [second], **members))["results"][0]["id"]
    keep(org_id, phone.device, photo, copied)
    look_at_all()
    assert anomalies(org_id) == {(second, "photo_reused", event_id)}


def test_the_new_photo_of_a_retake_may_be_like_the_one_it_replaces(phone: ApiPhone, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    event_id = hand_over(phone, org_id, [code], tagged(code))
    again = tagged(code, quality=60)
    phone.send(phone.seal("report", [code], reason="retake", ref=event_id, blobs=[reference(again)]))
    keep(org_id, phone.device, again)
    look_at_all()
    assert anomalies(org_id) == set()


def test_a_photo_that_came_before_its_event_is_looked_at_too(phone: ApiPhone, org_id: str) -> None:
    claimed, other = make_parcels(org_id, 2)
    photo = tagged(other)
    keep(org_id, phone.device, photo)
    look_at_all()
    phone.send(phone.seal("collect", [claimed], blobs=[reference(photo)]))
    look_at_all()
    assert {row[1] for row in anomalies(org_id)} == {"photo_mismatch"}


def test_a_picture_in_one_servers_hand_is_left_alone_by_another_until_its_time_is_up(
    phone: ApiPhone, org_id: str
) -> None:
    [code] = make_parcels(org_id, 1)
    photo = tagged(code)
    phone.send(phone.seal("pack", [code], blobs=[reference(photo)]))
    keep(org_id, phone.device, photo)
    now = clock.now()
    with reading() as session:
        [it] = ask.waiting(session, now - look.LEASE, 10)
    with transaction() as session:
        assert ask.take(session, it, "one", now, now - look.LEASE) == 1
    with transaction() as session:
        assert ask.take(session, it, "two", now, now - look.LEASE) is None
    with reading() as session:
        assert ask.waiting(session, now - look.LEASE, 10) == []
        assert ask.waiting(session, now + look.LEASE, 10) == [it]
    with transaction() as session:
        assert ask.take(session, it, "two", now + 2 * look.LEASE, now + look.LEASE) == 2
        assert not ask.finish(session, it, "one", {"verdict": "seen"}, now)
        assert ask.finish(session, it, "two", {"verdict": "seen"}, now)
    with reading() as session:
        assert session.execute(select(BlobRef.is_checked)).scalar_one()
        assert session.execute(select(PhotoCheck.taken_by)).scalar_one() == "two"
