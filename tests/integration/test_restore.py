"""A restore takes only what is whole, into what is empty, and nothing starts on half of one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.backups import Backups, refusal
from tests.support.desk import keep, reference
from tests.support.installation import Databases, make_settings, running_app
from tests.support.server import BATON, Server
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import digest, held, make_photo
from webapp import clock
from webapp.app import create_app
from webapp.services import backup_manifest as page
from webapp.services import rebuild
from webapp.services import restore as restoring
from webapp.settings import Settings, SettingsError

PHOTOS = (make_photo(), make_photo())


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


@pytest.fixture
def backups(tmp_path: Path, databases: Databases, phone: ApiPhone, org_id: str) -> Backups:
    """One backup of a shop with a handover and two photos."""
    (code,) = make_parcels(org_id, 1)
    about = {"intact": True, "counterpart": {"name": "Ibu Sari", "role": "seller"}}
    phone.send(phone.seal("collect", [code], blobs=[reference(photo) for photo in PHOTOS], **about))
    keep(org_id, phone.device, *PHOTOS)
    made = Backups(tmp_path, databases)
    made.make()
    return made


def newest(backups: Backups) -> Path:
    return max(backups.folder.glob("0*"))


def files(settings: Settings) -> set[str]:
    return {str(path.relative_to(settings.data)) for path in settings.data.rglob("*")}


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_every_file_of_a_backup_is_looked_at_and_named(backups: Backups) -> None:
    settings = backups.empty()
    before = files(settings)
    for path in sorted(newest(backups).iterdir()):
        whole = path.read_bytes()
        if not whole:
            continue
        change(path)
        problem = refusal(backups.restore, settings)
        assert (problem.code, path.name in problem.detail) == ("backup-damaged", True), problem.detail
        path.write_bytes(whole[:-9])
        assert refusal(backups.restore, settings).code == "backup-damaged"
        path.unlink()
        assert refusal(backups.restore, settings).code in {"backup-damaged", "backup-torn"}
        path.write_bytes(whole)
    assert files(settings) == before, "nothing is written for a backup that is refused"
    backups.restore(settings)


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_bad_photo_is_named_and_can_be_left_out(
    phone: ApiPhone, org_id: str, backups: Backups, harm: str
) -> None:
    bad, good = PHOTOS
    (file,) = backups.folder.rglob(digest(bad))
    if harm == "changed":
        change(file)
    else:
        file.unlink()
    settings = backups.empty()
    before = files(settings)
    problem = refusal(backups.restore, settings)
    assert (problem.code, digest(bad) in problem.detail, harm in problem.detail) == (
        "backup-damaged",
        True,
        True,
    )
    assert "--without-damaged" in problem.detail
    assert files(settings) == before
    _, done = backups.restore(settings, is_partial=True)
    assert [lost.sha256 for lost in done.lost] == [digest(bad)]
    with running_app(settings) as app:
        assert (held(org_id, bad), held(org_id, good)) == (False, True)
        phone.client = app.test_client()
        assert phone.send()["want"] == [digest(bad)]


def test_a_backup_that_was_cut_short_is_passed_over(backups: Backups) -> None:
    first = newest(backups)
    torn = backups.folder / "000002-20261125T000000Z"
    torn.mkdir()
    (torn / "baton.db").write_bytes(b"half of it")
    _, done = backups.restore()
    assert (done.snapshot, done.unfinished) == (first.name, [torn.name])
    assert refusal(backups.restore, snapshot=torn.name).code == "backup-torn"
    (first / "manifest.json").unlink()
    assert refusal(backups.restore).code == "backup-torn"


def test_an_older_one_is_chosen_by_name(backups: Backups, org_id: str) -> None:
    first = newest(backups)
    make_parcels(org_id, 3, seed=5)
    backups.make()
    with backups.restored(snapshot=first.name):
        assert rebuild.check(clock.now()) == (1, [])
    with backups.restored():
        assert rebuild.check(clock.now()) == (4, [])
    problem = refusal(backups.restore, snapshot="000009-20261125T000000Z")
    assert (problem.code, first.name in problem.detail) == ("backup-unknown", True)


@pytest.mark.parametrize("member", ["format", "revision"])
def test_a_backup_of_a_newer_baton_is_refused(backups: Backups, member: str) -> None:
    path = newest(backups) / "manifest.json"
    body: dict[str, Any] = json.loads(path.read_bytes())
    del body["sha256"]
    body["baton"] = "7.0.0"
    if member == "format":
        body["format"] = 2
        body.pop("copied")  # whatever it may look like then
    else:
        body["copied"]["revision"] = "0999"
    path.write_text(json.dumps({**body, "sha256": page._digest(body)}))
    problem = refusal(backups.restore)
    assert (problem.code, "7.0.0" in problem.detail) == ("backup-newer", True)


def test_what_is_there_is_never_written_over(backups: Backups, tmp_path: Path) -> None:
    """Files are moved aside, also those of a database that lies elsewhere; what a server holds cannot be."""
    settings, first = backups.restore()
    (settings.data / "notes.txt").write_text("the shop's own")
    before = files(settings)
    if not settings.is_sqlite:
        assert refusal(backups.restore, settings).code == "not-empty"
        assert files(settings) == before
        elsewhere = make_settings(tmp_path / "elsewhere", database_url=settings.database_url)
        assert refusal(backups.restore, elsewhere).code == "not-empty", "the database is another's"
        return
    _, again = backups.restore(settings)
    aside = again.before
    assert first.before is None
    assert aside is not None
    assert (aside / "notes.txt").read_text() == "the shop's own"
    assert {str(path.relative_to(aside)) for path in aside.rglob("*")} == before - {
        "secret.key",
        "secret.lock",
    }
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    (old,) = database.parent.glob(f"{database.name}.before-*")
    assert old.stat().st_size > 0
    with running_app(settings):
        assert rebuild.check(clock.now()) == (1, [])
    _, third = backups.restore(settings)
    assert third.before not in {None, aside}
    assert aside.is_dir(), "what was moved aside stays where it is"


def test_what_cannot_be_moved_aside_is_named_and_nothing_is_touched(backups: Backups, tmp_path: Path) -> None:
    settings = backups.empty()
    disk = tmp_path / "disk"
    (disk / "lost+found").mkdir(parents=True)
    (settings.data / "blobs").symlink_to(disk)
    (disk / "mine.txt").write_text("on a large disk")
    before = files(settings)
    problem = refusal(backups.restore, settings)
    assert (problem.code, str(settings.data / "blobs") in problem.detail) == ("not-empty", True)
    assert files(settings) == before
    (disk / "mine.txt").unlink()
    backups.restore(settings)
    assert (settings.data / "blobs").is_symlink(), "an empty one is used"
    assert any(path.name == digest(PHOTOS[0]) for path in disk.rglob("*"))


def test_a_move_that_the_disk_refuses_is_taken_back(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = backups.empty()
    for name in ("a", "b", "c"):
        (settings.data / name).write_text(name)
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name == "c" and path.parent == settings.data:
            raise OSError(16, "Device or resource busy", str(path))
        return rename(path, target)

    with monkeypatch.context() as cut:
        cut.setattr(Path, "rename", refused)
        assert refusal(backups.restore, settings).code == "busy"
    assert {"a", "b", "c"} <= files(settings)
    with running_app(settings):  # and a server starts
        assert rebuild.check(clock.now()) == (0, [])


def test_a_damaged_photo_of_a_store_that_lies_elsewhere_is_made_good(
    backups: Backups, tmp_path: Path
) -> None:
    elsewhere = {"blobs": (tmp_path / "photos").as_uri()}
    settings = replace(backups.empty(), **elsewhere)
    backups.restore(settings)
    (bad,) = [path for path in (tmp_path / "photos").rglob("*") if path.name == digest(PHOTOS[0])]
    change(bad)
    again = replace(backups.empty(), **elsewhere)
    backups.restore(again)
    assert bad.read_bytes() == PHOTOS[0]


def test_a_folder_without_backups_is_said_to_have_none(backups: Backups, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    for folder in ("bare", "nowhere"):
        assert (
            refusal(restoring.restore, backups.empty(), tmp_path / folder, clock.now()).code
            == "backup-unknown"
        )


def test_a_copy_of_one_database_does_not_go_into_the_other(
    sqlite_databases: Databases, postgresql_databases: Databases, settings: Settings, tmp_path: Path
) -> None:
    with running_app(settings):
        backups = Backups(tmp_path, sqlite_databases)
        backups.make()
    other = make_settings(tmp_path / "other", database_url=postgresql_databases.empty())
    problem = refusal(backups.restore, other)
    assert (problem.code, "sqlite" in problem.detail) == ("backup-other-database", True)


def test_no_server_starts_on_half_a_restore(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short before each of its writes in turn, and then made again in the same place."""
    for step in ("copy_durably", "_put_blobs", "databases.load", "make_durable"):
        name = step.rpartition(".")[2]
        owner = restoring.databases if "." in step else restoring
        settings = backups.empty()
        with monkeypatch.context() as cut:
            cut.setattr(owner, name, cut_short)
            with pytest.raises(KeyboardInterrupt):
                backups.restore(settings)
        if name == "make_durable":  # all was done
            with running_app(settings):
                assert rebuild.check(clock.now()) == (1, [])
            continue
        with pytest.raises(SettingsError, match="restore"):
            create_app(settings)
        backups.restore(settings)
        with running_app(settings):
            assert rebuild.check(clock.now()) == (1, [])


def cut_short(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_is_said_in_words(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "the disk")

    monkeypatch.setattr(restoring, "copy_durably", full)
    assert refusal(backups.restore).code == "storage-full"


# --- by the command line ---------------------------------------------------------------------------


def run(server: Server, *arguments: str, **environ: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [str(BATON), *arguments, "--json"],
        env={**server.environ, **environ},
        cwd=server.data.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_tools_back_up_beside_a_running_server_and_restore(
    live_server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    folder = str(tmp_path / "backups")
    code, made, _ = run(live_server, "backup", folder)
    assert (code, made["database"], made["lacking"], made["blobs"]["copied"]) == (0, "sqlite", [], 0)
    new = make_server(is_new=True)
    new.data.parent.mkdir(exist_ok=True)
    code, done, said = run(new, "restore", folder)
    assert (code, done["snapshot"], done["epoch_before"]) == (0, made["snapshot"], made["epoch"]), said
    assert done["epoch"] != made["epoch"]
    new.start()
    code, problem, _ = run(new, "restore", folder)
    assert (code, problem["code"], set(problem)) == (1, "busy", {"code", "title", "detail"})
    assert run(new, "devices")[0] == 0, "and nothing was touched"
    new.stop()
    code, again, _ = run(new, "restore", folder)
    assert (code, Path(again["before"]).parent) == (0, new.data)
    assert again["epoch"] != done["epoch"]
    new.start()
    assert run(new, "rebuild", "--check")[:2] == (0, {"parcels": 0, "differing": []})
    assert run(new, "restore", str(tmp_path / "nowhere"))[0] == 2
    assert run(new, "backup", folder, "--keep", "0")[0] == 2
    assert "snapshot" in new.baton("backup", folder, "--json")


def test_a_restore_whose_photo_store_cannot_be_opened_says_so_and_is_run_again(
    live_server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    folder = str(tmp_path / "backups")
    assert run(live_server, "backup", folder)[0] == 0
    new = make_server(is_new=True)
    new.data.parent.mkdir(exist_ok=True)
    (tmp_path / "photos").write_text("this is no folder")
    code, _, said = run(new, "restore", folder, BATON_BLOBS=(tmp_path / "photos").as_uri())
    assert (code, said.splitlines()) == (
        2,
        ["baton: BATON_BLOBS: The server cannot use its photo folder (File exists)."],
    )
    code, _, said = run(new, "restore", folder)
    assert code == 0, said


def test_a_lacking_photo_makes_the_command_fail_and_the_backup_count(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    with running_app(make_settings(server.data)):
        org_id = make_shop()
        keep(org_id, "a phone", *PHOTOS)
    (lost,) = server.data.rglob(digest(PHOTOS[0]))
    lost.unlink()
    code, told, _ = run(server, "backup", str(tmp_path / "backups"))
    assert (code, told["code"], told["lacking"]) == (1, "backup-incomplete", [digest(PHOTOS[0])])
    assert (tmp_path / "backups" / told["snapshot"] / "manifest.json").exists()
