"""What several trials of the services share: the command as a program reads it, an authority that stamps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.tsa import TimeAuthority


@pytest.fixture
def baton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`baton … --json` on an installation of its own: gives the exit code and the document."""
    from webapp.cli.group import group

    monkeypatch.setenv("BATON_DATA", str(tmp_path / "var"))

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(group, [*arguments, "--json"])
        return result.exit_code, json.loads(result.stdout)

    return run


@pytest.fixture(scope="session")
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeAuthority]:
    made = TimeAuthority(tmp_path_factory.mktemp("tsa")).start()
    yield made
    made.stop()


@pytest.fixture
def tsa(_one_authority: TimeAuthority) -> TimeAuthority:
    """A real time-stamping authority, in no mood yet and asked nothing."""
    _one_authority.answers.clear()
    _one_authority.asked.clear()
    return _one_authority
