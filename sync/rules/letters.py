"""The letters of a case in the languages of the markets: the refund notice (`R23`), the ticket (`R31`), an appeal.

The texts lie in `letters.toml`. A letter is a draft: whoever sends it reads it first and may change every word.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

LANGUAGES: dict[str, str] = {
    "en": "English",
    "ms": "Bahasa Melayu",
    "id": "Bahasa Indonesia",
    "fil": "Filipino",
    "th": "ไทย",
    "vi": "Tiếng Việt",
    "zh": "中文",
}
LETTERS: dict[str, str] = {
    "refund_notice": "Refund notice to the buyer",
    "ticket": "Ticket to the marketplace",
    "appeal": "Appeal to the carrier",
}
BY_MARKET = {"MY": "ms", "ID": "id", "PH": "fil", "TH": "th", "VN": "vi", "SG": "en"}
GAPS = ("orders", "what", "shop", "number", "starts", "ends", "places", "count")


def languages_of(letter: str) -> list[str]:
    """The languages this letter is written in, English first."""
    return [language for language in LANGUAGES if language in _texts().get(letter, {})]


def write(letter: str, language: str, values: Mapping[str, str]) -> str:
    """The letter with its values filled in; one that nobody gave stays as a gap. KeyError: no such letter."""
    text = _texts()[letter][language]
    for name in GAPS:
        text = text.replace("{" + name + "}", values.get(name) or "…")
    return text


@cache
def _texts() -> dict[str, dict[str, str]]:
    told = tomllib.loads((resources.files("sync.rules") / "letters.toml").read_text("utf-8"))
    return {
        letter: {language: str(its["text"]).strip() for language, its in languages.items()}
        for letter, languages in told.items()
    }
