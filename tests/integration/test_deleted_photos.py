"""A picture that was let go stays gone, whoever sends it again and whatever was killed, and it is said since when."""

from __future__ import annotations

import hashlib
import io
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from sync.evidence.bundle.verify import verify_bundle
from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from tests.support.desk import keep, make_desk_user, picture, reference, scrawl
from tests.support.installation import make_settings, running_app
from tests.support.keeping import DAYS, LATER, deletion, go, is_held, pictures, set_days, settled
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import TusPhone
from webapp import clock
from webapp.extensions import db
from webapp.services.keep_blob import keep_blob
from webapp.services.keeping import delete_old
from webapp.services.keeping.delete_old import clear_marked, delete_old_photos
from webapp.services.open_blob import find_blob
from webapp.services.proving.export_proof import export_proof
from webapp.services.proving.gather import Wanted
from webapp.store import blobs
from webapp.store.models import OfficeAct, Parcel
from webapp.store.queries import blobs as ask
from webapp.store.queries import deletions, event_views, keeping, told
from webapp.store.unit import Session, reading, transaction

if TYPE_CHECKING:
    from tests.support.s3 import S3


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop("Toko Sari")


@pytest.fixture
def clerk(org_id: str) -> str:
    return make_desk_user(org_id, "admin")


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


def test_a_phone_is_not_asked_for_what_was_let_go_and_may_send_it(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    photo, signature = picture("let go"), scrawl(7)
    refs = [reference(photo), reference(signature, "signature")]
    event = settled(phone, org_id, clerk, blobs=refs)
    keep(org_id, phone.device, photo, signature)
    set_days(org_id, clerk)
    assert go().deleted == 2
    tus = TusPhone(phone)
    sha256 = hashlib.sha256(photo).hexdigest()
    assert tus.missing(sha256) == []
    assert phone.send()["want"] == []
    begun = tus.create(photo)
    assert (begun.status_code, begun.headers["Upload-Offset"]) == (201, str(len(photo)))
    assert tus.head(begun.headers["Location"]).headers["Upload-Offset"] == str(len(photo))
    # A stock client does not look at the offset; another sends all of it in one request.
    assert tus.patch(begun.headers["Location"], 0, photo).status_code in {204, 409}
    tus.begin(photo, photo)
    assert not is_held(org_id, sha256)
    assert not blobs.current().has(org_id, sha256)
    # An event that comes late and speaks of it does not wait for it either.
    phone.send(phone.seal("report", [], ref=event, reason="damage", blobs=[reference(photo)]))
    assert phone.send()["want"] == []


def test_other_bytes_under_the_digest_of_a_deleted_picture_are_refused(
    phone: ApiPhone, org_id: str, clerk: str
) -> None:
    sha256 = pictures(org_id, settled(phone, org_id, clerk))["photo"]
    set_days(org_id, clerk)
    go()
    with pytest.raises(Problem, match="another SHA-256"):
        keep_blob(org_id, phone.device, sha256, picture("forged"), clock.now())
    with reading() as session:
        assert ask.held(session, org_id, sha256) is None


def test_a_round_that_was_killed_between_the_mark_and_the_bytes_is_finished_by_the_next(
    phone: ApiPhone, org_id: str, clerk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = pictures(org_id, settled(phone, org_id, clerk))
    set_days(org_id, clerk)

    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(delete_old, "clear_marked", killed)
    with pytest.raises(KeyboardInterrupt):
        go()
    monkeypatch.undo()
    for sha256 in event.values():
        row = deletion(org_id, sha256)
        assert row is not None
        assert row.cleared_at is None
        assert blobs.current().has(org_id, sha256)
    assert go().deleted == 0
    for sha256 in event.values():
        assert not is_held(org_id, sha256)


def test_bytes_that_went_before_the_note_of_it_are_no_trouble(
    phone: ApiPhone, org_id: str, clerk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = pictures(org_id, settled(phone, org_id, clerk))
    set_days(org_id, clerk)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deletions, "cleared", killed)
    with pytest.raises(KeyboardInterrupt):
        go()
    monkeypatch.undo()
    assert [blobs.current().has(org_id, sha256) for sha256 in event.values()] == [False, False]
    assert clear_marked(org_id, clock.now()) == 2
    assert clear_marked(org_id, clock.now()) == 0
    assert not any(is_held(org_id, sha256) for sha256 in event.values())


def test_what_is_due_is_looked_for_before_the_shop_is_held_and_asked_again_under_it(
    phone: ApiPhone, org_id: str, clerk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = make_parcels(org_id, 1, 5, status="ready")
    goes, stays = settled(phone, org_id, clerk), settled(phone, org_id, clerk, codes)
    set_days(org_id, clerk)
    asked: list[bool] = []
    real = keeping.due

    def due(session: Session, *about: Any, **more: Any) -> list[keeping.Due]:
        asked.append(is_held_now())
        found = real(session, *about, **more)
        if len(asked) == 1:
            with transaction() as other:
                parcel = other.get_one(Parcel, (org_id, codes[0]))
                parcel.flags = {**parcel.flags, "on_hold": True}
        return found

    held: list[str] = []

    def is_held_now() -> bool:
        return bool(held) and held[-1] == "held"

    @event.listens_for(db.engine, "before_cursor_execute")
    def _held(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("UPDATE organisations"):
            held.append("held")

    @event.listens_for(db.engine, "commit")
    def _free(_connection: object) -> None:
        held.append("free")

    monkeypatch.setattr(keeping, "due", due)
    done = go()
    assert asked == [False, True]
    assert (done.photos, done.signatures) == (1, 1)
    assert not any(is_held(org_id, sha256) for sha256 in pictures(org_id, goes).values())
    assert all(is_held(org_id, sha256) for sha256 in pictures(org_id, stays).values())


def test_from_a_store_over_the_network_one_goes_at_a_time_and_writers_get_their_turn_between(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    address = f"s3://{s3.bucket}/{uuid.uuid4().hex}"
    with running_app(make_settings(tmp_path, blobs=address, s3_endpoint=s3.endpoint)) as app:
        org_id = make_shop()
        clerk = make_desk_user(org_id, "admin")
        settled(ApiPhone(app.test_client(), org_id, make_user(org_id)), org_id, clerk)
        set_days(org_id, clerk)
        store, steps = blobs.current(), []
        real = store.delete

        def delete(*about: str) -> None:
            steps.append("delete")
            real(*about)

        monkeypatch.setattr(store, "delete", delete)
        event.listen(db.engine, "commit", lambda _connection: steps.append("commit"))
        assert go().deleted == 2
        assert "".join(step[0] for step in steps).count("dcd") == 1, steps


def test_many_are_let_go_in_batches_with_one_line_in_the_history(
    phone: ApiPhone, org_id: str, clerk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete_old, "AT_ONCE", 3)
    monkeypatch.setattr(delete_old, "CLEARED_AT_ONCE", 2)
    for _ in range(4):
        settled(phone, org_id, clerk)
    set_days(org_id, clerk)
    done = go()
    assert (done.photos, done.signatures) == (4, 4)
    with reading() as session:
        query = select(OfficeAct).where(OfficeAct.org_id == org_id, OfficeAct.kind == "photos_deleted")
        (act,) = session.execute(query).scalars()
    assert (act.data["deleted"], act.data["signed"], act.data["bytes"]) == (4, 4, done.bytes)


def test_another_shop_keeps_its_own_copy(
    app_on_both: Flask, phone: ApiPhone, org_id: str, clerk: str
) -> None:
    photo = picture("in both shops")
    other = make_shop("Another")
    elsewhere = ApiPhone(app_on_both.test_client(), other, make_user(other))
    for it, org, who in ((phone, org_id, clerk), (elsewhere, other, make_desk_user(other))):
        settled(it, org, who, blobs=[reference(photo)])
        keep(org, it.device, photo)
    set_days(org_id, clerk)
    delete_old_photos(clock.now() + LATER)
    sha256 = hashlib.sha256(photo).hexdigest()
    assert (is_held(org_id, sha256), is_held(other, sha256)) == (False, True)


def test_the_books_and_the_bundle_say_deleted_by_policy(phone: ApiPhone, org_id: str, clerk: str) -> None:
    (code,) = make_parcels(org_id, 1, status="ready")
    event = settled(phone, org_id, clerk, [code], at=format_time(clock.now()))
    set_days(org_id, clerk)
    go()
    with reading() as session:
        (view,) = event_views.views(session, org_id, [event])
        shown = told.parcel(session, code)[0]["blobs"]
    assert view.signature is not None
    assert view.missing_blobs == 0
    assert [photo.deleted is not None for photo in (*view.photos, view.signature)] == [True, True]
    assert [(blob["held"], blob["deleted"]["after_days"]) for blob in shown] == [(False, DAYS)] * 2
    out = io.BytesIO()
    export_proof(Wanted(org_id, parcel=code), out, clock.now())
    verdict = verify_bundle(out)
    faults = {f.code for found in verdict.areas.values() for f in found if f.is_fault}
    assert faults == {"photo_deleted_by_policy"}
    with pytest.raises(Problem, match="after 60 days") as refused:
        find_blob(org_id, None, pictures(org_id, event)["photo"])
    assert refused.value.status == 410
