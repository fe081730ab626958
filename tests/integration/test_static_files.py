"""The copy of the static files that is served: made once, and whole or not at all."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from webapp.static_files import prepared


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "page.css").write_text("p { margin: 0 }\n" * 100)
    return folder


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def left_in(data: Path) -> list[str]:
    return [each.name for each in (data / "static").iterdir()]


def test_a_state_is_made_once_with_a_compressed_companion(source: Path, tmp_path: Path) -> None:
    made = prepared(source, tmp_path)
    assert sorted(file.name for file in made.iterdir()) == ["page.css", "page.css.br", "page.css.gz"]
    assert prepared(source, tmp_path) == made
    assert left_in(tmp_path) == [made.name]


@pytest.mark.parametrize("on", ["copytree", "rename"])
def test_a_full_disk_is_told_and_leaves_nothing_half_built(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    monkeypatch.setattr(shutil if on == "copytree" else Path, on, full)
    with pytest.raises(OSError, match="No space left"):
        prepared(source, tmp_path)
    assert left_in(tmp_path) == []


def test_of_two_processes_at_once_the_second_takes_what_the_first_made(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = prepared(source, tmp_path / "other")

    def late(_: Path, made: Path) -> None:
        shutil.copytree(other, made)
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr(Path, "rename", late)
    made = prepared(source, tmp_path)
    assert (made / "page.css.br").is_file()
    assert left_in(tmp_path) == [made.name]
