"""A backup is of one moment, whole or none; photos are copied once; the earlier ones outlive every failure."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from flask import Flask

from sync.protocol.problems import Problem
from tests.support.backups import Backups, refusal, rows
from tests.support.desk import hand_over, keep, reference
from tests.support.installation import Databases, make_settings, running_app
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import TusPhone, digest, held, make_photo
from webapp import clock
from webapp.extensions import db
from webapp.services import backup as backing_up
from webapp.services import rebuild
from webapp.services.record import Draft, record
from webapp.services.server_identity import signing_key
from webapp.settings import Settings
from webapp.store import blobs, database
from webapp.store.models import Blob, DayStamp, Device
from webapp.store.unit import reading, transaction

if TYPE_CHECKING:
    from tests.support.s3 import S3


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


@pytest.fixture
def backups(tmp_path: Path, databases: Databases) -> Backups:
    return Backups(tmp_path, databases)


def collect(phone: ApiPhone, org_id: str, *photos: bytes, seed: int = 1) -> None:
    """A handover of one parcel with these photos, which are home."""
    (code,) = make_parcels(org_id, 1, seed)
    event = phone.seal(
        "collect",
        [code],
        intact=True,
        counterpart={"name": "Ibu Sari", "role": "seller"},
        blobs=[reference(photo) for photo in photos],
    )
    assert phone.send(event)["results"][0]["status"] == "applied"
    keep(org_id, phone.device, *photos)


def stamp(org_id: str) -> DayStamp:
    """A day's time stamp, with every byte there is in it."""
    every, now = bytes(range(256)), clock.now()
    about = {"size": 8, "root": "0" * 64, "made_at": now, "next_try_at": now, "stamped_at": now}
    return DayStamp(org_id=org_id, day=now.date(), leaves=every, response=every[::-1], **about)


def test_a_restored_server_is_what_it_was_under_another_epoch(
    phone: ApiPhone, org_id: str, backups: Backups
) -> None:
    for seed in range(3):
        codes = make_parcels(org_id, 2, seed)
        hand_over(phone, org_id, codes, place={"id": None, "lat": 3.1, "lon": 101.7, "accuracy_m": 9.5})
    phone.send(
        phone.seal("collect", ["A\tcode \\ of 'theirs'\n"], note="two\nlines\tand a \\N é 包裹"), "no event"
    )
    office = make_user(org_id, "office")
    with transaction() as session:
        record(session, org_id, office, [Draft("confirm", codes)], clock.now())
        session.add(stamp(org_id))
    made = backups.make()
    before, epoch, key = rows("installation", "devices"), database.epoch(), signing_key().private_numbers()
    photos = {b.sha256: blobs.current().read(b.org_id, b.sha256) for b in blobs.current().walk()}
    assert (
        len(photos) == made.copied == made.manifest.blobs == 6
    )  # three handovers, a photo and a signature each
    assert sum(map(len, before.values())) > 30
    with backups.restored():
        assert rows("installation", "devices") == before
        assert rebuild.check(clock.now())[1] == []
        assert database.epoch() != epoch
        assert signing_key().private_numbers() == key
        for sha256, data in photos.items():
            assert blobs.current().read(org_id, sha256) == data


def test_a_second_backup_copies_only_new_photos(phone: ApiPhone, org_id: str, backups: Backups) -> None:
    collect(phone, org_id, make_photo(), make_photo())
    first = backups.make()
    files = {
        file: file.stat().st_mtime_ns for file in (backups.folder / "blobs").rglob("*") if file.is_file()
    }
    collect(phone, org_id, make_photo(), seed=2)
    second = backups.make()
    assert (first.copied, second.copied, second.manifest.blobs) == (2, 1, 3)
    assert {file: file.stat().st_mtime_ns for file in files} == files
    assert (backups.folder / first.snapshot / "manifest.json").exists()


def test_old_backups_go_with_the_photos_that_only_they_speak_of(
    phone: ApiPhone, org_id: str, backups: Backups
) -> None:
    proof, alone = make_photo(), make_photo()
    collect(phone, org_id, proof)
    keep(org_id, phone.device, alone)
    first = backups.make(keep=2)
    with transaction() as session:
        session.delete(session.get_one(Blob, (org_id, digest(alone))))
    second = backups.make(keep=2)
    assert backups.blobs() == {digest(proof), digest(alone)}
    third = backups.make(keep=2)
    assert third.removed == [first.snapshot]
    assert backups.blobs() == {digest(proof)}
    assert sorted(path.name for path in backups.folder.glob("0*")) == [second.snapshot, third.snapshot]


def test_a_photo_swept_away_meanwhile_is_asked_for_after_a_restore(
    phone: ApiPhone, org_id: str, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent ahead of its event, cleared away after the database was copied and before its turn came."""
    early, proof = make_photo(), make_photo()
    keep(org_id, phone.device, early)
    collect(phone, org_id, proof)
    real: Any = backing_up._copy_blobs

    def sweep_first(*about: Any, **how: Any) -> Any:
        blobs.current().delete(org_id, digest(early))
        return real(*about, **how)

    monkeypatch.setattr(backing_up, "_copy_blobs", sweep_first)
    made = backups.make()
    assert [lacking.sha256 for lacking in made.manifest.lacking] == [digest(early)]
    with backups.restored() as app:
        assert not held(org_id, early)
        assert held(org_id, proof)
        phone.client = app.test_client()
        assert TusPhone(phone).missing(digest(early), digest(proof)) == [digest(early)]


def test_a_photo_changed_in_the_store_is_named_and_wanted_after_a_restore(
    phone: ApiPhone, org_id: str, backups: Backups, settings_on_both: Settings
) -> None:
    photo = make_photo()
    collect(phone, org_id, photo)
    (file,) = Path(settings_on_both.blobs.removeprefix("file://")).rglob(digest(photo))
    file.write_bytes(photo[:-1] + bytes([photo[-1] ^ 1]))
    made = backups.make()
    assert [lacking.sha256 for lacking in made.manifest.lacking] == [digest(photo)]
    with backups.restored() as app:
        phone.client = app.test_client()
        assert phone.send()["want"] == [digest(photo)]


def test_uploads_under_way_begin_anew_after_a_restore(phone: ApiPhone, org_id: str, backups: Backups) -> None:
    photo = make_photo()
    tus = TusPhone(phone)
    url = tus.begin(photo, photo[:100])
    backups.make()
    assert backups.blobs() == set()
    with backups.restored() as app:
        phone.client = app.test_client()
        assert tus.head(url).status_code == 404
        tus.begin(photo, photo)
        assert held(org_id, photo)


def test_thoroughly_done_it_mends_a_photo_that_went_bad_in_the_backup(
    phone: ApiPhone, org_id: str, backups: Backups
) -> None:
    photo = make_photo()
    collect(phone, org_id, photo)
    backups.make()
    (file,) = (backups.folder / "blobs").rglob(digest(photo))
    file.write_bytes(b"x" * len(photo))
    assert backups.make().copied == 0
    assert refusal(backups.restore).code == "backup-damaged"
    assert backups.make(is_thorough=True).copied == 1
    assert file.read_bytes() == photo
    backups.restore()


def test_only_its_owner_reads_a_backup(phone: ApiPhone, org_id: str, backups: Backups) -> None:
    collect(phone, org_id, make_photo())
    backups.make()
    for path in [backups.folder, *backups.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_with_other_things_in_it_is_refused(org_id: str, backups: Backups) -> None:
    backups.folder.mkdir()
    (backups.folder / "holiday.jpg").write_bytes(b"x")
    problem = refusal(backups.make)
    assert problem.code == "backup-folder"
    assert "holiday.jpg" in problem.detail
    assert [path.name for path in backups.folder.iterdir()] == ["holiday.jpg"]


def test_a_fresh_server_never_thins_out_the_backups_of_the_one_before(
    org_id: str, backups: Backups, tmp_path: Path
) -> None:
    """The data folder was lost, the server started by itself on an empty one, and cron went on."""
    made = backups.make()
    with running_app(make_settings(tmp_path / "fresh")):
        assert refusal(backups.make, keep=1).code == "backup-another"
    assert [path.name for path in backups.folder.glob("0*")] == [made.snapshot]
    with backups.restored():
        assert backups.make(keep=1).removed == [made.snapshot], "the restored one goes on where it was"


def test_of_two_backups_into_one_folder_only_one_is_made(org_id: str, backups: Backups) -> None:
    backups.make()
    with FileLock(backups.folder / ".lock"):
        assert refusal(backups.make).code == "busy"


@pytest.mark.parametrize("how", ["full", "killed"])
def test_whatever_breaks_it_off_the_backup_before_stays(
    phone: ApiPhone, org_id: str, backups: Backups, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Broken off at every sync of the disk in turn, by a full disk or by a kill that leaves all as it lies."""
    photo = make_photo()
    collect(phone, org_id, photo)
    first = backups.make()
    collect(phone, org_id, make_photo(), seed=2)
    real = os.fsync
    left: list[int] = [0]

    def fail_in_time(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device") if how == "full" else KeyboardInterrupt
        real(descriptor)

    if how == "killed":
        monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr(os, "fsync", fail_in_time)
    for step in range(100):
        left[0] = step
        try:
            backups.make(keep=1)
        except (KeyboardInterrupt, Problem) as error:
            said = str(error)
        else:
            break
        assert how == "killed" or said.startswith("storage-full")
        if (backups.folder / first.snapshot / "manifest.json").exists():
            monkeypatch.setattr(os, "fsync", real)
            _, done = backups.restore(snapshot=first.snapshot)
            assert done.manifest.rows("events") == 1
            monkeypatch.setattr(os, "fsync", fail_in_time)
            assert how == "killed" or "the earlier ones are untouched" in said
        else:
            assert how == "killed" or "was made, but older backups could not be removed" in said
            monkeypatch.setattr(os, "fsync", real)
            assert backups.restore()[1].manifest.rows("events") == 2
            monkeypatch.setattr(os, "fsync", fail_in_time)
    assert step > 5
    monkeypatch.undo()
    last = backups.make(keep=1)
    assert last.manifest.rows("events") == 2
    assert sorted(path.name for path in backups.folder.glob("0*")) == [last.snapshot]
    backups.restore()


def test_a_photo_store_that_is_gone_gives_no_backup(
    phone: ApiPhone, org_id: str, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect(phone, org_id, make_photo())

    def gone(*_: object) -> bytes:
        raise Problem("busy", "The photo store cannot be reached.")

    monkeypatch.setattr(blobs.current(), "read", gone)
    problem = refusal(backups.make)
    assert (problem.code, problem.detail.startswith("The photo store cannot be reached.")) == ("busy", True)
    assert list(backups.folder.glob("0*")) == []


def test_a_damaged_database_is_said_to_be_so(
    settings: Settings, tmp_path: Path, sqlite_databases: Databases
) -> None:
    backups = Backups(tmp_path, sqlite_databases)
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    with running_app(settings):
        make_parcels(make_shop(), 300)
        first = backups.make()
    data = bytearray(file.read_bytes())
    data[-4096 * 12 :: 4096] = b"\xff" * 12  # the kind of each of the last pages
    file.write_bytes(data)
    with running_app(settings):
        problem = refusal(backups.make)
    assert problem.code == "backup-source"
    assert [path.name for path in backups.folder.glob("0*")] == [first.snapshot]


def test_a_copy_is_looked_through_before_it_counts(
    settings: Settings, tmp_path: Path, sqlite_databases: Databases
) -> None:
    """A row that breaks its table's own rule: SQLite copies it without a word."""
    backups = Backups(tmp_path, sqlite_databases)
    with running_app(settings):
        with db.engine.connect() as connection:
            for statement in (
                "CREATE TABLE spoiled (said TEXT)",
                "INSERT INTO spoiled VALUES (NULL)",
                "PRAGMA writable_schema=ON",
                "UPDATE sqlite_master SET sql = 'CREATE TABLE spoiled (said TEXT NOT NULL)' WHERE name = 'spoiled'",
            ):
                connection.exec_driver_sql(statement)
            connection.commit()
        db.engine.dispose()
        assert refusal(backups.make).code == "backup-source"
    assert list(backups.folder.glob("0*")) == []


def test_photos_in_s3_are_backed_up_and_put_back(
    tmp_path: Path, sqlite_databases: Databases, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    backups = Backups(tmp_path, sqlite_databases)

    def prefixed(prefix: str) -> dict[str, str]:
        return {"blobs": f"s3://{s3.bucket}/{prefix}", "s3_endpoint": s3.endpoint}

    photo = make_photo()
    with running_app(make_settings(tmp_path / "data", **prefixed("backed-up"))) as app:
        org_id = make_shop()
        phone = ApiPhone(app.test_client(), org_id, make_user(org_id))
        collect(phone, org_id, photo)
        assert backups.make().copied == 1
    new = make_settings(tmp_path / "new", **prefixed("put-back"))
    backups.restore(new)
    with running_app(new):
        assert held(org_id, photo)


def test_the_restored_server_signs_as_another_device_with_the_same_key(
    app_on_both: Flask, org_id: str, backups: Backups
) -> None:
    """What it signed after the backup is gone here and may be in proofs elsewhere: no number is used twice."""
    office, codes = make_user(org_id, "office"), make_parcels(org_id, 2)
    with transaction() as session:
        record(session, org_id, office, [Draft("confirm", codes[:1])], clock.now())
    backups.make()
    with backups.restored():
        with transaction() as session:
            record(session, org_id, office, [Draft("confirm", codes[1:])], clock.now())
        with reading() as session:
            servers = [d for d in session.query(Device) if d.kind == "server"]
        assert [d.revoked_at is None for d in sorted(servers, key=lambda d: d.id)] == [False, True]
        assert servers[0].jwk == servers[1].jwk
        assert rebuild.check(clock.now()) == (2, [])
