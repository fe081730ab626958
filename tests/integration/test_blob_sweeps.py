"""What nobody came back for is cleared away in time; what an event speaks of, or a phone was told of, is not."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.desk import keep, reference
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import TusPhone, digest, make_photo
from webapp import clock
from webapp.services.drop_expired_uploads import LEFTOVER_AFTER, DroppedUploads, drop_expired_uploads
from webapp.services.drop_unreferenced_blobs import (
    STRAY_AFTER,
    UNREFERENCED_AFTER,
    DroppedBlobs,
    drop_unreferenced_blobs,
)
from webapp.services.keep_blob import keep_blob
from webapp.services.receive_upload import EXPIRES_AFTER
from webapp.settings import Settings
from webapp.store import blobs
from webapp.store.models import Blob
from webapp.store.queries import blobs as ask
from webapp.store.unit import reading, transaction

MOMENT = timedelta(seconds=1)


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> TusPhone:
    return TusPhone(ApiPhone(app_on_both.test_client(), org_id, make_user(org_id)))


def is_said(org_id: str, data: bytes) -> bool:
    with reading() as session:
        return session.get(Blob, (org_id, digest(data))) is not None


def age(settings: Settings, days: float) -> None:
    """Make every file in the store this old."""
    then = time.time() - days * 86400
    for file in Path(settings.blobs.removeprefix("file://")).rglob("*"):
        if file.is_file():
            os.utime(file, (then, then))


def wait_since(org_id: str, data: bytes, since: datetime) -> None:
    with transaction() as session:
        session.execute(
            update(Blob).where(Blob.org_id == org_id, Blob.sha256 == digest(data)).values(held_at=since)
        )


def test_an_upload_goes_with_its_parts_when_its_time_is_over(phone: TusPhone) -> None:
    photo, other = make_photo(), make_photo()
    now = clock.now()
    gone, done = phone.begin(photo, photo[:10]), phone.begin(other, other[:10])
    phone.patch(done, 10, other[10:])
    assert drop_expired_uploads(now + EXPIRES_AFTER - MOMENT) == DroppedUploads(0, 0)
    assert phone.offset(gone) == 10
    assert drop_expired_uploads(now + EXPIRES_AFTER + timedelta(minutes=1)) == DroppedUploads(2, 0)
    assert phone.head(gone).status_code == phone.head(done).status_code == 404
    assert list(blobs.current().spooled()) == []
    assert phone.missing(digest(photo), digest(other)) == [digest(photo)]


def test_parts_that_a_dead_process_left_go_and_those_of_an_open_upload_stay(
    phone: TusPhone, org_id: str
) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    blobs.current().put_part(org_id, "never-begun", "part", b"x")
    soon = clock.now() + LEFTOVER_AFTER
    assert drop_expired_uploads(soon - timedelta(minutes=5)) == DroppedUploads(0, 0)
    assert drop_expired_uploads(soon + timedelta(minutes=5)) == DroppedUploads(0, 1)
    assert [upload for _, upload, _ in blobs.current().spooled()] == [url.rpartition("/")[2]]
    assert phone.patch(url, 10, photo[10:]).status_code == 204


def test_a_photo_no_event_speaks_of_waits_a_week(
    phone: TusPhone, org_id: str, settings_on_both: Settings
) -> None:
    lonely, proof = make_photo(), make_photo()
    for photo in (lonely, proof):
        phone.begin(photo, photo)
    (code,) = make_parcels(org_id, 1)
    sealed = phone.phone.seal(
        "collect", [code], intact=True, counterpart={"name": "S", "role": "seller"}, blobs=[reference(proof)]
    )
    phone.phone.send(sealed)
    age(settings_on_both, 30)
    now = clock.now()
    assert drop_unreferenced_blobs(now + UNREFERENCED_AFTER - timedelta(minutes=1)) == DroppedBlobs(0, 0)
    assert drop_unreferenced_blobs(now + UNREFERENCED_AFTER + timedelta(minutes=1)) == DroppedBlobs(1, 1)
    assert not is_said(org_id, lonely)
    assert not blobs.current().has(org_id, digest(lonely))
    assert blobs.current().read(org_id, digest(proof)) == proof
    assert phone.missing(digest(lonely), digest(proof)) == [digest(lonely)]


def test_who_is_told_that_a_photo_is_held_has_a_week_from_then(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    phone.begin(photo, photo)
    now = clock.now()
    wait_since(org_id, photo, now - UNREFERENCED_AFTER + timedelta(minutes=1))
    assert phone.create(photo).headers["Upload-Offset"] == str(len(photo))
    assert drop_unreferenced_blobs(now + timedelta(days=1)).unreferenced == 0
    assert drop_unreferenced_blobs(now + UNREFERENCED_AFTER + timedelta(days=1)).unreferenced == 1


def test_a_photo_that_a_sweep_forgets_while_it_is_looked_up_is_asked_for(
    phone: TusPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo()
    phone.begin(photo, photo)
    wait_since(org_id, photo, clock.now() - timedelta(days=2))
    monkeypatch.setattr(ask, "keep_unreferenced", lambda session, *args: ask.remove_blob(session, *args[:2]))
    assert phone.create(photo).headers["Upload-Offset"] == "0"


def test_bytes_without_a_row_go_after_a_day(org_id: str, settings_on_both: Settings) -> None:
    photo = make_photo()
    blobs.current().put(org_id, digest(photo), photo)
    age(settings_on_both, STRAY_AFTER.days - 0.1)
    assert drop_unreferenced_blobs(clock.now()) == DroppedBlobs(0, 0)
    age(settings_on_both, STRAY_AFTER.days + 0.1)
    assert drop_unreferenced_blobs(clock.now()) == DroppedBlobs(0, 1)
    assert not blobs.current().has(org_id, digest(photo))


def test_a_sweep_twice_changes_nothing_the_second_time(phone: TusPhone) -> None:
    photo = make_photo()
    phone.begin(photo, photo[:10])
    later = clock.now() + timedelta(days=30)
    assert drop_expired_uploads(later) == DroppedUploads(1, 0)
    assert drop_expired_uploads(later) == DroppedUploads(0, 0)
    assert drop_unreferenced_blobs(later) == DroppedBlobs(0, 0)


def test_a_photo_sent_while_a_sweep_removes_its_old_bytes_is_kept(
    app_on_both: Flask, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep takes the row's key, the photo is put, the sweep removes the bytes, the row comes: put again."""
    photo = make_photo()
    store, now = blobs.current(), clock.now()
    store.put(org_id, digest(photo), photo)
    put = threading.Event()
    real: Any = store.put

    def noticed(*args: Any) -> None:
        real(*args)
        put.set()

    def send() -> None:
        with app_on_both.app_context():
            keep_blob(org_id, "a phone", digest(photo), photo, now)

    monkeypatch.setattr(store, "put", noticed)
    kept = threading.Thread(target=send)
    with transaction() as session:
        assert ask.claim_blob(session, org_id, digest(photo), now)
        kept.start()
        assert put.wait(20)
        store.delete(org_id, digest(photo))
        ask.remove_blob(session, org_id, digest(photo))
    kept.join(20)
    assert not kept.is_alive()
    assert is_said(org_id, photo)
    assert store.read(org_id, digest(photo)) == photo


def test_a_sweep_leaves_a_photo_whose_row_came_first(org_id: str, settings_on_both: Settings) -> None:
    photo = make_photo()
    keep(org_id, "a phone", photo)
    age(settings_on_both, 30)
    with transaction() as session:
        assert not ask.claim_blob(session, org_id, digest(photo), clock.now())
    assert drop_unreferenced_blobs(clock.now()) == DroppedBlobs(0, 0)
    assert blobs.current().has(org_id, digest(photo))


def test_many_photos_at_once_share_their_commits_and_are_all_kept(app_on_both: Flask, org_id: str) -> None:
    photos = [make_photo((32, 24)) for _ in range(24)]

    def send(some: list[bytes]) -> None:
        with app_on_both.app_context():
            keep(org_id, "a phone", *some)

    # Every photo by two threads, in different orders.
    threads = [threading.Thread(target=send, args=(photos[i::6],)) for i in range(6)]
    threads += [threading.Thread(target=send, args=(photos[::-1][i::3],)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(is_said(org_id, photo) for photo in photos)
    assert all(blobs.current().read(org_id, digest(photo)) == photo for photo in photos)
