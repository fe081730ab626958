"""A plain mistake in the settings ends a start with one line that says which, and nothing personal goes to a log."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.support.installation import Databases, make_settings, running_app
from tests.support.ports import free_port
from tests.support.programs import ROOT
from webapp.extensions import db
from webapp.settings import from_env
from webapp.store.unit import transaction


def started(data: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`baton` with these settings; it is expected to end by itself."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [str(Path(sys.executable).with_name("baton")), *command],
        cwd=ROOT,
        env={**kept, "BATON_DATA": str(data), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr[-2000:]
    [line] = done.stderr.strip().splitlines()
    return line


def test_a_database_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/baton"
    assert "BATON_DATABASE_URL: cannot connect" in one_line(
        started(tmp_path, "users", BATON_DATABASE_URL=away)
    )


def test_a_database_of_a_newer_baton_is_said_in_one_line(tmp_path: Path, sqlite_databases: Databases) -> None:
    url = sqlite_databases.migrated()
    with running_app(make_settings(tmp_path, database_url=url)), transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    assert "of a newer Baton" in one_line(started(tmp_path, "users", BATON_DATABASE_URL=url))


def test_a_host_that_is_none_is_said_in_one_line(tmp_path: Path) -> None:
    done = started(tmp_path, "serve", BATON_HOST="no.such.host.invalid", BATON_PORT=str(free_port()))
    assert "cannot listen on no.such.host.invalid" in one_line(done)


def test_an_empty_setting_is_none_and_the_data_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATON_DATA", "")
    settings = from_env()
    assert settings.data == tmp_path / "var"
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700


def test_an_error_of_the_database_says_nothing_of_whom_it_is_about(app_on_both: Flask) -> None:
    with (
        app_on_both.app_context(),
        pytest.raises(SQLAlchemyError) as broke,
        db.engine.connect() as connection,
    ):
        connection.execute(text("INSERT INTO nothing VALUES (:name)"), {"name": "Siti Aminah"})
    assert "Siti" not in str(broke.value)
