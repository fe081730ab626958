"""What the app of any release ever sent, byte by byte, is understood and answered as it was then."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from flask import Flask

from sync.protocol.times import parse_time
from tests.museum import requests as museum
from webapp import clock
from webapp.services import rebuild

ROOMS = sorted(museum.MUSEUM.glob("*-requests.json"))
# A room is frozen: whoever adds one adds its digest, and nobody changes another.
FROZEN = dict(line.split() for line in (museum.MUSEUM / "frozen.txt").read_text("utf-8").splitlines())


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.stem)
def test_a_released_apps_requests_are_answered_as_ever(
    path: Path, app_on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = json.loads(path.read_text("utf-8"))
    now = parse_time(room["received_at"])
    monkeypatch.setattr(clock, "now", lambda: now)
    museum.furnish(room)
    answers = museum.replay(room, app_on_both.test_client())
    assert len(answers) == len(room["requests"]) > 0
    for asked, told, expected in zip(room["requests"], answers, room["answers"], strict=True):
        assert told == expected, (asked["method"], asked["path"])
    assert museum.outcome() == room["outcome"]
    assert rebuild.check(now)[1] == []


def test_no_room_of_the_museum_was_ever_changed() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in museum.MUSEUM.glob("*.json")
    }
    assert found == FROZEN
