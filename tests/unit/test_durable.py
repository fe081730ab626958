"""What is said to be on the disk is asked of the file system by the strongest call that it knows."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from pathlib import Path

import pytest

from webapp.store.durable import sync_file


@pytest.mark.parametrize("knows_it", [True, False])
def test_a_file_system_without_apples_own_call_is_synced_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, knows_it: bool
) -> None:
    asked: list[str] = []

    def full_sync(_descriptor: int, _command: int) -> None:
        asked.append("full")
        if not knows_it:
            raise OSError(errno.ENOTSUP, "not here")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: asked.append("plain"))
    with (tmp_path / "photo").open("wb") as file:
        sync_file(file.fileno())
    assert asked == (["full"] if knows_it else ["full", "plain"])
