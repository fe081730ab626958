"""The quarantine's words: why something is held, what taking it in would mean, and what can be read of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sync.protocol.problems import CATALOGUE
from sync.protocol.times import parse_time
from webapp.office.words import Words, kind_words, reason_word
from webapp.services.settle_quarantine import KNOWN, Prospect

HELD: dict[str, tuple[Words, str]] = {
    "device_revoked": (
        Words("Phone signed out", "attention", "log-out"),
        "The phone, or its person, had been signed out when this came. Its signature is good.",
    ),
    "device_unknown": (
        Words("Unknown phone", "stop", "circle-help"),
        "A rescue file brought it, and no phone of this shop has the id it names.",
    ),
    "not_this_device": (
        Words("Another phone or person", "attention", "smartphone"),
        "It names another phone than the one that brought it, or a person who does not belong to that phone.",
    ),
    "bad_signature": (
        Words("Signature does not fit", "stop", "octagon-alert"),
        "Nothing proves that the phone made it, or that nobody changed it since.",
    ),
    "id_reused": (
        Words("Id used before", "attention", "copy"),
        "Another record has the same id, with other words in it.",
    ),
    "kind_unknown": (
        Words("Kind not known here", "sealed", "history"),
        "It is of a kind that this version of Baton does not take from a phone.",
    ),
    "version_unknown": (
        Words("Newer than this server", "sealed", "history"),
        "A newer app made it. This version of Baton cannot read it yet.",
    ),
    "event_malformed": (
        Words("Cannot be read", "stop", "ban"),
        "Its words do not have the form of a record: damaged on the way, or made by something else.",
    ),
    "event_too_large": (
        Words("Too large", "stop", "ban"),
        "It is larger than any record may be.",
    ),
}
OUTCOMES = {
    "accepted": Words("Taken in", "safe", "check"),
    "stated": Words("Taken in on the office's word", "attention", "pen-line"),
    "aside": Words("Set aside", "sealed", "archive"),
}
MEANS = {
    "own": (
        "Its phone's key proves it. It goes in as what it is, in its place in the phone's own numbers, and the "
        "parcels move as if it had come in time. A warning on them says that the office took it in."
    ),
    "unsigned": (
        "Its phone cannot sign. It goes in as what it is, marked unsigned like all that this phone records, and the "
        "parcels move as if it had come in time. A warning on them says that the office took it in."
    ),
    "statement": (
        "It goes in on the office's word: a new record in your name says the same. The parcels move, and a warning "
        "stays on them that says so. What came is kept here as it is."
    ),
    "unproved": (
        "Nothing proves it, so it can never go in as the phone's own. It can go in on the office's word: a new record "
        "in your name says the same. The parcels move, and an urgent warning about the signature stays on them for "
        "good. Ask the courier and look at the photos first."
    ),
    "known": "The same record came in by itself meanwhile. Nothing is left to do but to close it here.",
    "never": (
        "This version of Baton cannot take it in. Leave it until Baton is updated, or set it aside: it is kept "
        "either way."
    ),
}
_LONGEST = 300
_MOST = 40


def held_words(code: str) -> Words:
    """Why something is held, as a chip."""
    return HELD[code][0] if code in HELD else Words(reason_word(code), "attention", "circle-help")


def held_sentence(code: str) -> str:
    """Why something is held, as a sentence."""
    return HELD[code][1] if code in HELD else CATALOGUE.get(code, (reason_word(code), 0))[0] + "."


def held_detail(code: str, detail: str) -> str:
    """What the server said of just this one, in the words of the office."""
    return {"device_revoked": "the phone had been signed out"}.get(code, detail)


def outcome_words(outcome: str) -> Words:
    """What became of it."""
    return OUTCOMES.get(outcome) or Words(reason_word(outcome), "sealed", "circle")


def means(prospect: Prospect) -> str:
    """What taking it in would mean, in plain words."""
    if prospect.way == "statement" and prospect.ruling.finding == "bad_signature":
        return MEANS["unproved"]
    if prospect.way == "own" and prospect.ruling.sender.key is None:
        return MEANS["unsigned"]
    return MEANS[prospect.way]


def objection(prospect: Prospect) -> str:
    """What speaks against it today; "" when nothing does."""
    fault = None if prospect.way == KNOWN else prospect.ruling.fault
    return f"{CATALOGUE[fault[0]][0]}: {fault[1]}." if fault else ""


def kind_of(payload: Mapping[str, Any] | None) -> Words | None:
    """What it says it is; None when it says nothing readable."""
    kind = (payload or {}).get("kind")
    return kind_words(kind[:60]) if isinstance(kind, str) and kind else None


def texts(payload: Mapping[str, Any] | None) -> list[str]:
    """The parcels it names, as far as they are words."""
    named = (payload or {}).get("parcels")
    return [text[:80] for text in named if isinstance(text, str)] if isinstance(named, list) else []


def lines(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, words) of what else can be read, whatever it is; nothing in it is believed."""
    told: list[tuple[str, str]] = []
    if isinstance(who := payload.get("counterpart"), dict):
        named = [_text(who[key]) for key in ("name", "role") if who.get(key)]
        told.append(("With", f"{named[0]} ({named[1]})" if len(named) == 2 else "".join(named)))
    for key, name in (("reason", "Reason"), ("note", "Note"), ("run", "Run"), ("carrier", "For carrier")):
        if payload.get(key):
            told.append((name, _text(payload[key])))
    if payload.get("expected") is not None:
        told.append(("Count expected", _text(payload["expected"])))
    if isinstance(payload.get("intact"), bool):
        told.append(("Intact", "Yes" if payload["intact"] else "No"))
    if isinstance(payload.get("ref"), str):
        told.append(("About", _text(payload["ref"])))
    return [(name, text[:_LONGEST]) for name, text in told if text][:_MOST]


def moment_of(payload: Mapping[str, Any] | None) -> Any:
    """The time it names, None when that is none."""
    at = (payload or {}).get("at")
    try:
        return parse_time(at) if isinstance(at, str) else None
    except ValueError:
        return None


def pretty(payload: Mapping[str, Any] | None, raw: str) -> str:
    """All of it as text: the payload laid out where it can be read, else the bytes as they came, shortened."""
    text = json.dumps(payload, ensure_ascii=False, indent=2) if payload is not None else raw
    shown = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text[:20_000])
    return shown + (f"\n… {len(text) - 20_000} more characters" if len(text) > 20_000 else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
