"""What any release ever sealed is accepted for ever, with the same outcome."""

from __future__ import annotations

import json

import pytest

from tests.museum.ledger import MUSEUM, push

ROOMS = sorted(path for path in MUSEUM.glob("v*.json") if "-" not in path.stem)


def test_the_museum_has_a_room() -> None:
    assert ROOMS


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.stem)
def test_a_released_phones_events_have_the_same_outcome_as_ever(path) -> None:  # type: ignore[no-untyped-def]
    room = json.loads(path.read_text("utf-8"))
    for device in room["devices"]:
        assert push(room, device) == (device["results"], device["outcome"])
