"""A case's letter on paper: every language as it is written, the whole text, and its parcels if a desk needs them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pypdfium2 import PdfDocument, PdfTextPage

from sync.evidence.printing.letter import MOST_ROWS, Letter, print_letter
from sync.rules import letters
from tests.unit.test_printed_proof import text_of

JAKARTA = timezone(timedelta(hours=7))
KEPT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
HEAD = ("Order", "Parcel", "Tracking number", "Carrier", "Status")


def letter(text: str, language: str = "en", **members: object) -> Letter:
    return Letter("Ticket 7", "Toko Batik", text, language, KEPT, JAKARTA, **members)  # type: ignore[arg-type]


def folded(text: str) -> str:
    """Without white space: a line that wraps says the same, and Thai and Chinese have no spaces to wrap at."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("language", letters.LANGUAGES)
def test_a_letter_is_printed_whole_in_the_language_it_is_written_in(language: str) -> None:
    values = {name: f"<{name}>" for name in letters.GAPS}
    text = letters.write("refund_notice", language, values)
    shown = text_of(print_letter(letter(text, language)))
    assert "2026-11-23" in shown, "the day in the shop's zone"
    told = folded(shown)
    # What a shaping engine joins or sets apart is Thai's only: there the words of Latin letters have to be there.
    lines = re.findall(r"<\w+>|TikTok Shop", text) if language == "th" else text.splitlines()
    for line in filter(None, map(folded, lines)):
        assert line in told, line


def test_a_table_goes_with_it_on_a_page_of_its_own_and_says_what_is_not_shown() -> None:
    rows = [(f"57646000000000{n:04}", f"CODE{n:04}", "MY1", "J&T", "Ready") for n in range(MOST_ROWS + 3)]
    shown = text_of(print_letter(letter("Dear desk", head=HEAD, rows=rows)))
    first, _, rest = shown.partition("\f")
    assert "Dear desk" in first
    assert "CODE0000" not in first
    assert f"CODE{MOST_ROWS - 1:04}" in rest
    assert f"CODE{MOST_ROWS:04}" not in rest
    assert "+3" in folded(rest)


def test_latin_words_after_a_line_in_another_script_are_as_large_as_before_it() -> None:
    with PdfDocument(print_letter(letter("主题\nWORDS\nWORDS", "zh"))) as document:
        page = document[0].get_textpage()
        day, *words = (height_of(page, text) for text in ("2026-11-23", "WORDS"))
        again = height_of(page, "WORDS", 1)
    assert words[0] == again > day


def height_of(page: PdfTextPage, text: str, nth: int = 0) -> float:
    """How high the nth of these words stands on the page, by its first letter, in points."""
    found = page.search(text)
    for _ in range(nth + 1):
        at, _count = found.get_next()
    _, low, _, high = page.get_charbox(at, loose=True)
    return round(high - low, 1)


def test_the_same_letter_is_the_same_file() -> None:
    assert print_letter(letter("Dear customer")) == print_letter(letter("Dear customer"))


def test_what_no_font_draws_and_empty_lines_break_nothing() -> None:
    shown = text_of(print_letter(letter("One\n\n\nTwo \u202e\x07 three 🙂")))
    assert "One" in shown
    assert "three" in shown
