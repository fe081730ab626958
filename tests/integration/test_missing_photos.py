"""A photo that does not come home: told of after three days, and no more once it is here; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from sync.evidence.judge import UNCHECKED, WEIGHTS
from tests.support.books import Books
from tests.support.desk import keep, reference, scrawl
from tests.support.exports import ready
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tagged import tagged
from webapp import clock
from webapp.services import rebuild, timer
from webapp.services.checking import look
from webapp.services.checking.overdue import tell_of_missing
from webapp.services.close_anomaly import close_anomaly
from webapp.store.models import Anomaly, Blob, BlobRef, Event
from webapp.store.queries import deletions
from webapp.store.unit import reading, transaction

PATIENCE, SECOND = timedelta(days=3), timedelta(seconds=1)


@pytest.fixture
def org_id(app_on_both: Flask) -> Iterator[str]:
    yield make_shop()
    look.eyes().close()


@pytest.fixture
def codes(org_id: str) -> list[str]:
    return make_parcels(org_id, 2)


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


@pytest.fixture
def photo(codes: list[str]) -> bytes:
    return tagged(*codes)


@pytest.fixture
def event_id(phone: ApiPhone, codes: list[str], photo: bytes) -> str:
    """A collection of which nothing but the record has come."""
    refs = [reference(photo), reference(scrawl(1), "signature")]
    whole: dict[str, Any] = {
        "intact": True,
        "counterpart": {"name": "Ibu Sari", "role": "seller"},
        "blobs": refs,
    }
    told: str = phone.send(phone.seal("collect", codes, **whole))["results"][0]["id"]
    return told


def came(org_id: str, event_id: str, at: datetime) -> None:
    """Let the record have been received then."""
    with transaction() as session:
        session.execute(
            update(Event).where(Event.org_id == org_id, Event.id == event_id).values(received_at=at)
        )


def missing(org_id: str) -> dict[str, str]:
    """By parcel what is open of it."""
    with reading() as session:
        rows = session.execute(
            select(Anomaly.parcel, Anomaly.detail).where(
                Anomaly.org_id == org_id, Anomaly.is_open, Anomaly.code == "blob_missing"
            )
        )
        return {row.parcel: row.detail for row in rows}


def doubt(org_id: str, event_id: str) -> int:
    with reading() as session:
        return session.get_one(Event, (org_id, event_id)).doubt


def checks(org_id: str) -> int:
    with reading() as session:
        return len(
            session.execute(select(Event.id).where(Event.org_id == org_id, Event.kind == "check")).all()
        )


def bring(org_id: str, phone: ApiPhone, *data: bytes) -> None:
    keep(org_id, phone.device, *data)
    while look.look_at_waiting(60):
        pass


def test_a_photo_is_missed_three_days_after_its_record_and_no_second_earlier(
    org_id: str, codes: list[str], event_id: str
) -> None:
    due = clock.now()
    came(org_id, event_id, due - PATIENCE)
    assert tell_of_missing(due - SECOND) == 0
    assert missing(org_id) == {}
    assert tell_of_missing(due) == 1
    assert missing(org_id) == dict.fromkeys(codes, "photo, not here 3 days after its record")
    assert doubt(org_id, event_id) >= 2 * WEIGHTS["blob_missing"]
    assert rebuild.check(clock.now()) == (2, [])
    assert tell_of_missing(due + SECOND) == 0, "and it is told of once"
    assert checks(org_id) == 1


def test_a_photo_that_comes_at_last_is_missed_no_more(
    org_id: str, phone: ApiPhone, event_id: str, photo: bytes
) -> None:
    came(org_id, event_id, clock.now() - PATIENCE)
    tell_of_missing(clock.now())
    bring(org_id, phone, photo, scrawl(1))
    assert missing(org_id) == {}
    assert doubt(org_id, event_id) < UNCHECKED
    assert rebuild.check(clock.now()) == (2, [])


def test_a_photo_that_was_here_once_and_is_lost_with_a_disk_is_missed_until_it_is_brought_again(
    org_id: str, phone: ApiPhone, event_id: str, photo: bytes
) -> None:
    bring(org_id, phone, photo, scrawl(1))
    with transaction() as session:
        digest = reference(photo)["sha256"]
        session.execute(delete(Blob).where(Blob.org_id == org_id, Blob.sha256 == digest))
        session.execute(
            update(BlobRef).where(BlobRef.org_id == org_id, BlobRef.sha256 == digest).values(is_awaited=True)
        )
    came(org_id, event_id, clock.now() - PATIENCE)
    tell_of_missing(clock.now())
    assert missing(org_id)
    bring(org_id, phone, photo)
    assert missing(org_id) == {}


def test_a_signature_that_is_missing_is_told_of_when_the_photo_comes_too_late(
    org_id: str, codes: list[str], phone: ApiPhone, event_id: str, photo: bytes
) -> None:
    came(org_id, event_id, clock.now() - PATIENCE)
    bring(org_id, phone, photo)
    assert missing(org_id) == dict.fromkeys(codes, "signature, not here 3 days after its record")


def test_the_hourly_round_tells_of_it(org_id: str, codes: list[str], event_id: str) -> None:
    timer.every_hour()
    assert missing(org_id) == {}
    came(org_id, event_id, clock.now() - PATIENCE)
    timer.every_hour()
    assert sorted(missing(org_id)) == sorted(codes)


def test_a_picture_that_the_shop_let_go_is_not_missed(org_id: str, event_id: str) -> None:
    with transaction() as session:
        refs = session.execute(select(BlobRef).where(BlobRef.org_id == org_id)).scalars().all()
        deletions.mark(session, org_id, refs, deletions.ERASED, clock.now())
    came(org_id, event_id, clock.now() - PATIENCE)
    assert tell_of_missing(clock.now()) == 0
    assert missing(org_id) == {}


def test_what_a_person_closed_is_not_told_of_again(org_id: str, codes: list[str], event_id: str) -> None:
    came(org_id, event_id, clock.now() - PATIENCE)
    tell_of_missing(clock.now())
    olga = make_user(org_id, "office", "Olga Office")
    for code in codes:
        close_anomaly(org_id, olga, code, "blob_missing", event_id, "The phone is broken", clock.now())
    assert tell_of_missing(clock.now()) == 0
    assert missing(org_id) == {}


def test_what_the_phone_says_it_lost_weighs_as_much(
    org_id: str, phone: ApiPhone, event_id: str, photo: bytes
) -> None:
    phone.send(phone.seal("blob_lost", [], ref=event_id, blobs=[reference(photo)]))
    assert set(missing(org_id).values()) == {"lost on the phone"}
    bring(org_id, phone, scrawl(1))
    assert doubt(org_id, event_id) >= WEIGHTS["blob_missing"]
    assert set(missing(org_id).values()) == {"lost on the phone"}


def test_that_the_phone_lost_one_picture_does_not_hide_that_another_is_missing(
    org_id: str, codes: list[str], phone: ApiPhone, event_id: str, photo: bytes
) -> None:
    phone.send(phone.seal("blob_lost", [], ref=event_id, blobs=[reference(photo)]))
    olga = make_user(org_id, "office", "Olga Office")
    for code in codes:
        close_anomaly(org_id, olga, code, "blob_missing", event_id, "It fell", clock.now())
    came(org_id, event_id, clock.now() - PATIENCE)
    tell_of_missing(clock.now())
    assert missing(org_id) == dict.fromkeys(
        codes, "lost on the phone; signature, not here 3 days after its record"
    )
    assert rebuild.check(clock.now()) == (2, [])


def test_what_is_missing_of_a_parcel_that_was_only_scanned_is_told_of_the_one_it_turns_out_to_be(
    app_on_both: Flask, tmp_path: Path
) -> None:
    books = Books(tmp_path)
    phone = ApiPhone(
        app_on_both.test_client(), books.org, make_user(books.org, name="Budi Santoso", active=True)
    )
    refs = [reference(tagged("X")), reference(scrawl(1), "signature")]
    sealed = phone.seal("collect", ["MY600000000001"], intact=True, blobs=refs)
    event_id = phone.send(sealed)["results"][0]["id"]
    came(books.org, event_id, clock.now() - PATIENCE)
    tell_of_missing(clock.now())
    assert len(missing(books.org)) == 1
    books.put(ready(1))
    assert list(missing(books.org)) == [books.parcel().code]
    assert rebuild.check(clock.now()) == (1, [])
    look.eyes().close()
