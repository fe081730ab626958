"""A photo folder bears the installation's mark: what is mounted in its place, or nothing, is never taken for it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete

from sync.protocol.problems import Problem
from tests.support.installation import make_settings, running_app
from tests.support.shop import make_shop
from tests.support.tus import make_photo
from webapp.services.keep_blob import keep_blob
from webapp.store.blobs import BlobStore
from webapp.store.models import Installation
from webapp.store.unit import transaction

ORG = "0194f2a0-0000-7000-8000-000000000001"
DATA = b"proof of a handover"
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def opened(folder: Path, data: Path, database_url: str) -> BlobStore:
    with running_app(make_settings(data, blobs=folder.as_uri(), database_url=database_url)) as app:
        store: BlobStore = app.extensions["baton-blobs"]
        return store


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Problem) as refusal:
        act()
    assert refusal.value.code == "busy"
    return refusal.value.detail


def test_a_folder_that_is_not_the_one_of_the_first_start_is_busy_until_it_is(
    folder: Path, tmp_path: Path, database: str
) -> None:
    store = opened(folder, tmp_path / "data", database)
    store.put(ORG, SHA, DATA)
    folder.rename(tmp_path / "disk")
    folder.mkdir()
    store = opened(folder, tmp_path / "data", database)
    for act in (store.check, lambda: store.put(ORG, SHA, DATA), lambda: store.read(ORG, SHA)):
        assert "is its disk mounted?" in refused(act)
    assert "is its disk mounted?" in refused(lambda: list(store.walk()))
    assert list(folder.iterdir()) == []
    (folder / "installation").write_text("of somebody else\n")
    assert "another installation" in refused(store.check)
    shutil.rmtree(folder)
    (tmp_path / "disk").rename(folder)
    assert store.read(ORG, SHA) == DATA
    store.check()


def test_an_installation_from_before_there_were_marks_takes_no_empty_folder_for_its_own(
    folder: Path, tmp_path: Path, database: str
) -> None:
    settings, photo = (
        make_settings(tmp_path / "data", blobs=folder.as_uri(), database_url=database),
        make_photo(),
    )
    with running_app(settings):
        org = make_shop()
        keep_blob(org, "phone", hashlib.sha256(photo).hexdigest(), photo, datetime.now(UTC))
        with transaction() as session:
            session.execute(delete(Installation).where(Installation.name == "photo_folder"))
    (folder / "installation").unlink()
    folder.rename(tmp_path / "disk")
    refused(opened(folder, tmp_path / "data", database).check)
    assert not folder.exists()
    (tmp_path / "disk").rename(folder)
    opened(folder, tmp_path / "data", database).check()
    assert (folder / "installation").exists()
