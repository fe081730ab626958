"""The blob store keeps its promises on a folder and on a real S3 server."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sync.protocol.problems import Problem
from tests.support.installation import make_settings
from webapp.settings import SettingsError
from webapp.store.blobs import BlobStore, FolderObjects, Missing, open_store

if TYPE_CHECKING:
    from tests.support.s3 import S3

ORG = "0194f2a0-0000-7000-8000-000000000001"
OTHER = "0194f2a0-0000-7000-8000-000000000002"
DATA = b"proof of a handover" * 999
SHA = hashlib.sha256(DATA).hexdigest()
LATER = timedelta(minutes=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlobStore]:
    if request.param == "folder":
        yield BlobStore(FolderObjects(request.getfixturevalue("folder")))
        return
    yield BlobStore(s3_objects(request.getfixturevalue("s3"), monkeypatch))


def s3_objects(s3: S3, monkeypatch: pytest.MonkeyPatch, endpoint: str | None = None) -> Any:
    from webapp.store.blobs.s3 import S3Objects

    for name, value in s3.environ.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return S3Objects(s3.bucket, f"test/{uuid.uuid4().hex}", endpoint or s3.endpoint)


def file_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_what_was_put_is_read_back(store: BlobStore) -> None:
    assert not store.has(ORG, SHA)
    store.put(ORG, SHA, DATA)
    assert store.has(ORG, SHA)
    assert store.read(ORG, SHA) == DATA
    with store.open(ORG, SHA) as stream:
        assert stream.read(5) == DATA[:5]
    assert [(held.org_id, held.sha256, held.size) for held in store.walk()] == [(ORG, SHA, len(DATA))]


def test_a_folder_directly_under_the_root_is_one_like_others() -> None:
    try:
        folder = Path(tempfile.mkdtemp(prefix="baton-test-", dir="/"))
    except OSError:
        pytest.skip("only an administrator writes there")
    try:
        store = BlobStore(FolderObjects(folder))
        store.put(ORG, SHA, DATA)
        assert store.read(ORG, SHA) == DATA
    finally:
        shutil.rmtree(folder)


def test_a_blob_is_one_organisations_only(store: BlobStore) -> None:
    store.put(ORG, SHA, DATA)
    assert not store.has(OTHER, SHA)
    with pytest.raises(Missing):
        store.open(OTHER, SHA)


def test_putting_twice_is_putting_once_and_never_changes_what_is_there(store: BlobStore) -> None:
    store.put(ORG, SHA, DATA)
    store.put(ORG, SHA, DATA)
    store.put(ORG, SHA, bytes(len(DATA)))
    assert store.read(ORG, SHA) == DATA
    assert len(list(store.walk())) == 1


def test_many_writers_of_the_same_blob_are_one(store: BlobStore) -> None:
    def put(_number: int) -> str:
        try:
            store.put(ORG, SHA, DATA)
        except Problem as problem:
            return problem.code
        assert store.has(ORG, SHA)
        return "kept"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(put, range(8)))
    # A store may tell one of them that another writes just now; that one sends again.
    assert "kept" in outcomes
    assert set(outcomes) <= {"kept", "busy"}
    assert store.read(ORG, SHA) == DATA
    assert len(list(store.walk())) == 1


def test_forgetting_a_blob_forgets_what_was_derived_from_it(store: BlobStore) -> None:
    store.put(ORG, SHA, DATA)
    assert store.derived(ORG, SHA, "w320") is None
    store.put_derived(ORG, SHA, "w320", b"small")
    assert store.derived(ORG, SHA, "w320") == b"small"
    store.delete(ORG, SHA)
    store.delete(ORG, SHA)
    assert not store.has(ORG, SHA)
    assert store.derived(ORG, SHA, "w320") is None


def test_parts_of_an_upload_lie_apart_until_they_are_dropped(store: BlobStore) -> None:
    store.put_part(ORG, "upload-1", "first", b"abc")
    store.put_part(ORG, "upload-1", "second", b"def")
    store.put_part(ORG, "upload-2", "first", b"other")
    with store.open_part(ORG, "upload-1", "second") as stream:
        assert stream.read() == b"def"
    assert sorted((org, upload) for org, upload, _ in store.spooled()) == [
        (ORG, "upload-1"),
        (ORG, "upload-1"),
        (ORG, "upload-2"),
    ]
    store.drop_part(ORG, "upload-1", "first")
    with pytest.raises(Missing):
        store.open_part(ORG, "upload-1", "first")
    store.drop_parts(ORG, "upload-1")
    store.drop_parts(ORG, "upload-1")
    assert [upload for _, upload, _ in store.spooled()] == ["upload-2"]
    assert list(store.walk()) == []


def test_it_says_since_when_a_blob_is_there(store: BlobStore) -> None:
    store.put(ORG, SHA, DATA)
    [found] = store.walk()
    assert abs(datetime.now(UTC) - found.modified_at) < LATER


@pytest.mark.parametrize(
    ("org_id", "sha256"),
    [("..", SHA), ("a/b", SHA), ("", SHA), (ORG, "../../etc/passwd"), (ORG, SHA.upper()), (ORG, SHA[:-1])],
)
def test_no_name_leads_out_of_the_store(store: BlobStore, org_id: str, sha256: str) -> None:
    with pytest.raises(ValueError, match=r"key|SHA-256"):
        store.put(org_id, sha256, DATA)
    with pytest.raises(ValueError, match="key"):
        store.put_part(ORG, "../held", "x", DATA)


def test_a_working_store_passes_its_check(store: BlobStore) -> None:
    store.check()
    assert list(store.walk()) == []


# --- the folder -----------------------------------------------------------------------------------


def test_bytes_are_synced_before_they_get_their_name_and_the_folder_after(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(FolderObjects(folder))
    store.put(ORG, SHA, b"makes the folders")
    other = SHA[:2] + "0" * 62
    seen: list[str] = []
    real = {name: getattr(os, name) for name in ("write", "fsync", "rename")}

    def watch(name: str) -> Any:
        def call(*args: Any) -> Any:
            of = file_of(args[0]) if name != "rename" else str(args[1])
            seen.append(f"{name} {Path(of).relative_to(folder).parts[0]}")
            return real[name](*args)

        return call

    for name in real:
        monkeypatch.setattr(os, name, watch(name))
    store.put(ORG, other, DATA)
    assert seen == ["write new", "fsync new", "rename held", "fsync held"]


def test_every_new_folder_is_synced_into_the_one_above(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BlobStore(FolderObjects(folder))
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(file_of(descriptor))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put(ORG, SHA, DATA)
    assert {str(folder), f"{folder}/held", f"{folder}/held/{ORG}", f"{folder}/held/{ORG}/{SHA[:2]}"} <= set(
        synced
    )


def test_bytes_that_another_process_put_are_synced_before_we_say_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    BlobStore(FolderObjects(folder)).put(ORG, SHA, DATA)
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(file_of(descriptor))
        real(descriptor)

    store = BlobStore(FolderObjects(folder))
    monkeypatch.setattr(os, "fsync", fsync)
    store.put(ORG, SHA, DATA)
    assert synced[-1] == f"{folder}/held/{ORG}/{SHA[:2]}"


def test_a_full_disk_keeps_nothing_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BlobStore(FolderObjects(folder))

    def write(_descriptor: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(Problem) as refused:
        store.put(ORG, SHA, DATA)
    assert refused.value.code == "storage-full"
    with pytest.raises(Problem):
        store.check()
    monkeypatch.undo()
    assert not store.has(ORG, SHA)
    assert [file for file in folder.rglob("*") if file.is_file()] == []


def test_what_a_killed_writer_left_is_never_read_and_is_cleared_away_in_time(folder: Path) -> None:
    store = BlobStore(FolderObjects(folder))
    (folder / "new" / "half").write_bytes(DATA[:100])
    now = datetime.now(UTC)
    assert list(store.walk()) == []
    assert store.tidy(now - LATER) == 0
    assert store.tidy(now + LATER) == 1
    assert not (folder / "new" / "half").exists()


def test_an_upload_goes_on_after_a_sweep_took_its_empty_folder(folder: Path) -> None:
    store, sweeper = BlobStore(FolderObjects(folder)), BlobStore(FolderObjects(folder))
    store.put_part(ORG, "upload-1", "first", b"abc")
    sweeper.drop_parts(ORG, "upload-1")
    sweeper.tidy(datetime.now(UTC))
    assert not (folder / "spool" / ORG / "upload-1").exists()
    store.put_part(ORG, "upload-1", "second", b"def")
    with store.open_part(ORG, "upload-1", "second") as stream:
        assert stream.read() == b"def"


# --- S3 -------------------------------------------------------------------------------------------


def test_a_store_that_cannot_be_reached_is_busy(
    s3: S3, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(s3_objects(s3, monkeypatch, f"http://127.0.0.1:{free_port}"))
    for act in (store.check, lambda: store.put(ORG, SHA, DATA), lambda: store.has(ORG, SHA)):
        with pytest.raises(Problem) as refused:
            act()
        assert refused.value.code == "busy"


def test_a_store_that_does_not_know_us_is_busy_not_empty(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(s3.environ, "AWS_SECRET_ACCESS_KEY", "another")
    store = BlobStore(s3_objects(s3, monkeypatch))
    for act in (lambda: store.put(ORG, SHA, DATA), lambda: store.has(ORG, SHA), lambda: list(store.walk())):
        with pytest.raises(Problem) as refused:
            act()
        assert refused.value.code == "busy"


# --- opening it -----------------------------------------------------------------------------------


def test_the_setting_names_the_folder_whatever_is_in_its_name(tmp_path: Path) -> None:
    there = tmp_path / "proofs & photos #1 50%"
    store = open_store(make_settings(tmp_path / "data", blobs=there.as_uri()))
    store.put(ORG, SHA, DATA)
    assert (there / "held" / ORG / SHA[:2] / SHA).read_bytes() == DATA


def test_the_setting_names_bucket_and_prefix(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = s3_objects(s3, monkeypatch)
    address = f"s3://{s3.bucket}/{objects._prefix}"
    settings = make_settings(tmp_path / "data", blobs=address, s3_endpoint=s3.endpoint)
    open_store(settings).put(ORG, SHA, DATA)
    assert BlobStore(objects).read(ORG, SHA) == DATA


def test_a_store_that_cannot_be_opened_stops_the_start_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    for wrong, name in (
        ({"blobs": (tmp_path / "file" / "blobs").as_uri()}, "BATON_BLOBS"),
        ({"blobs": "s3://bucket", "s3_endpoint": "not an address"}, "BATON_S3_ENDPOINT"),
    ):
        with pytest.raises(SettingsError, match=name) as refused:
            open_store(make_settings(tmp_path / "data", **wrong))
        assert "\n" not in str(refused.value)
    monkeypatch.setitem(sys.modules, "webapp.store.blobs.s3", None)
    with pytest.raises(SettingsError, match=r"scripts/setup.sh scale"):
        open_store(make_settings(tmp_path / "data", blobs="s3://bucket"))
