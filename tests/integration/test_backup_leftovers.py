"""What no finished backup speaks of does not stay in the folder, and what one speaks of does."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.backups import Backups, refusal
from tests.support.desk import keep
from tests.support.installation import Databases
from tests.support.shop import ApiPhone, make_shop, make_user
from tests.support.tus import digest, make_photo
from webapp.services import backup as backing_up
from webapp.store.models import Blob
from webapp.store.unit import transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


@pytest.fixture
def backups(tmp_path: Path, databases: Databases) -> Backups:
    return Backups(tmp_path, databases)


def test_a_photo_that_no_backup_speaks_of_goes_with_the_next_one(
    phone: ApiPhone, org_id: str, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup broke off after it had copied it, and the shop deleted it before the next one."""
    proof, alone = make_photo(), make_photo()
    keep(org_id, phone.device, proof)
    backups.make()
    keep(org_id, phone.device, alone)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(backing_up, "_let_go", full)
        assert refusal(backups.make).code == "storage-full"
    with transaction() as session:
        session.delete(session.get_one(Blob, (org_id, digest(alone))))
    assert backups.blobs() == {digest(proof), digest(alone)}
    backups.make()
    assert backups.blobs() == {digest(proof)}
    backups.restore()


def test_photos_that_an_old_backup_left_when_it_was_half_removed_go_with_the_next_one(
    phone: ApiPhone, org_id: str, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof, alone = make_photo(), make_photo()
    keep(org_id, phone.device, proof)
    keep(org_id, phone.device, alone)
    first = backups.make()
    with transaction() as session:
        session.delete(session.get_one(Blob, (org_id, digest(alone))))

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            backups.make(keep=1)
    assert not (backups.folder / first.snapshot / "manifest.json").exists()
    backups.make(keep=2)
    assert backups.blobs() == {digest(proof)}


@pytest.mark.parametrize("file", ["blobs.txt", "manifest.json"])
def test_beside_a_backup_whose_list_is_damaged_no_photo_is_removed(
    phone: ApiPhone, org_id: str, backups: Backups, file: str
) -> None:
    photo = make_photo()
    keep(org_id, phone.device, photo)
    first = backups.make()
    with transaction() as session:
        session.delete(session.get_one(Blob, (org_id, digest(photo))))
    backups.make()
    (backups.folder / first.snapshot / file).write_bytes(b"")
    backups.make()
    assert backups.blobs() == {digest(photo)}
    (backups.folder / first.snapshot / "blobs.txt").unlink()
    backups.make()
    assert backups.blobs() == {digest(photo)}
