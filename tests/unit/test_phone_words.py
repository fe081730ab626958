"""What the server says to a phone in words is said in every language of the phone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync.protocol.problems import CATALOGUE
from sync.rules.packing import GUIDE
from sync.rules.reasons import REASONS
from tests.support.programs import ROOT
from webapp.services.review_proof import REASONS as ASKED

WORDS = sorted((ROOT / "webapp" / "static" / "words").glob("*.json"))
# Refusals that a phone shows as they come: of sending, of one event, of one picture.
SHOWN = (
    "token-unknown",
    "device-revoked",
    "client-too-old",
    "slow-down",
    "busy",
    "server-fault",
    "storage-full",
    "event_malformed",
    "event_too_large",
    "bad_signature",
    "kind_unknown",
    "version_unknown",
    "id_reused",
    "not_this_device",
    "device_revoked",
    "device_unknown",
    "server_fault",
    "picture-broken",
    "picture-too-large",
    "media-unsupported",
    "blob-too-large",
)
CHOSEN = ("attempt", "report", "void", "override")


@pytest.mark.parametrize("table", WORDS, ids=lambda path: path.stem)
def test_every_reason_point_and_refusal_is_said(table: Path) -> None:
    words = json.loads(table.read_text("utf-8"))
    said = {label for kind in CHOSEN for _, label in REASONS[kind]}
    said |= {point.label for point in GUIDE}
    said |= {CATALOGUE[code][0] for code in SHOWN}
    said |= {for_phone for _, for_phone in ASKED.values() if for_phone}
    assert sorted(said - words.keys()) == []


def test_there_are_the_languages_of_the_markets() -> None:
    assert [path.stem for path in WORDS] == ["fil", "id", "ms", "th", "vi", "zh"]


def test_the_phones_list_of_the_servers_words_has_nothing_the_server_does_not_say() -> None:
    sources = "".join(
        path.read_text("utf-8") for top in ("sync", "webapp") for path in (ROOT / top).rglob("*.py")
    )
    listed = json.loads((ROOT / "tests" / "js" / "server-words.json").read_text("utf-8"))
    assert [words for words in listed if words not in sources] == []
