"""Which of a seller's words say that a parcel is fragile (`R4`): nothing is guessed from what the goods are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sync.protocol.problems import Problem

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


def fragile_words(kept: object) -> tuple[str, ...]:
    """The organisation's own words as its settings keep them, or WORDS when it has none."""
    return tuple(str(word) for word in kept) if isinstance(kept, list) else WORDS


def checked_words(lines: Iterable[str]) -> tuple[str, ...]:
    """A word or a few on each line, each once, fit to be kept; raises `field-invalid` with what is wrong."""
    kept: dict[str, str] = {}
    for line in lines:
        if word := " ".join(line.split()):
            kept.setdefault(word.casefold(), word)
    words = tuple(kept.values())
    if not words or len(words) > MOST:
        raise Problem("field-invalid", f"Give 1 to {MOST} words, one on each line.", field="words")
    for word in words:
        if len(word) > LONGEST:
            raise Problem(
                "field-invalid", f"“{word[:20]}…” is longer than {LONGEST} characters.", field="words"
            )
        if len(word) < 2 and word.isascii():
            raise Problem("field-invalid", f"“{word}” alone would mark nearly every parcel.", field="words")
    return words


def is_fragile(note: str, words: Sequence[str]) -> bool:
    """Whether a seller's note says so."""
    return bool(note) and any(_says(note, word) for word in words)


def _says(note: str, word: str) -> bool:
    # Thai writes no spaces, so only words in Latin letters have to stand alone ("unfragile" is none).
    edge = r"\b" if word.isascii() else ""
    return re.search(edge + re.escape(word) + edge, note, re.IGNORECASE) is not None
