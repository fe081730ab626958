"""Which of a seller's words say that a parcel is fragile (`R4`): nothing is guessed from what the goods are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sync.protocol.problems import Problem

SETTING = "fragile_words"
# In the markets' languages. An organisation's own list takes their place.
WORDS = (
    "fragile",
    "mudah pecah",
    "pecah belah",
    "babasagin",
    "dễ vỡ",
    "hàng dễ vỡ",
    "แตกง่าย",
    "ระวังแตก",
)
MOST = 60
LONGEST = 60
# Thai, Lao, Burmese, Khmer, Chinese and Japanese put no spaces between words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def fragile_words(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of an organisation with these settings: its own, or WORDS when it has none."""
    kept = settings.get(SETTING)
    return tuple(str(word) for word in kept if word) if isinstance(kept, list) else WORDS


def checked_words(text: str) -> tuple[str, ...]:
    """What was typed, a word or a few on each line or between commas, fit to be kept; raises `field-invalid`."""
    kept: dict[str, str] = {}
    for line in re.split(r"[\n,;]", unicodedata.normalize("NFC", text)):
        if word := " ".join(line.split()):
            kept.setdefault(word.casefold(), word)
    words = tuple(kept.values())
    if not words or len(words) > MOST:
        raise Problem("field-invalid", f"Give 1 to {MOST} words, one on each line.", field="words")
    for word in words:
        if len(word) > LONGEST:
            raise Problem(
                "field-invalid",
                f"“{word[:20]}…” is longer than {LONGEST} characters. Give the words that count.",
                field="words",
            )
        if not any(each.isalpha() for each in word):
            raise Problem("field-invalid", f"“{word}” is no word. Take that line off.", field="words")
        if len(word) < 2 and not _UNSPACED.match(word):
            raise Problem(
                "field-invalid",
                f"“{word}” alone would mark too many parcels. Write a whole word.",
                field="words",
            )
    return words


def is_fragile(note: str, words: Sequence[str]) -> bool:
    """Whether a seller's note says so."""
    told = unicodedata.normalize("NFC", note)
    return bool(told) and any(_pattern(word).search(told) for word in words)


@lru_cache(maxsize=1024)
def _pattern(word: str) -> re.Pattern[str]:
    parts = r"\s+".join(re.escape(part) for part in word.split())
    # A word stands alone ("unfragile" is none), but where nothing is put between words.
    return re.compile(parts if _UNSPACED.search(word) else rf"(?<!\w){parts}(?!\w)", re.IGNORECASE)
