"""A case's letter on paper: every language as it is written, the whole text, and its parcels if a desk needs them."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

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
def test_a_letter_is_printed_whole_in_the_language_it_is_written_in(language: str, tmp_path: Path) -> None:
    values = {name: f"<{name}>" for name in letters.GAPS}
    text = letters.write("refund_notice", language, values)
    shown = text_of(print_letter(letter(text, language)), tmp_path)
    assert "2026-11-23" in shown, "the day in the shop's zone"
    told = folded(shown)
    # What a shaping engine joins or sets apart is Thai's only: there the words of Latin letters have to be there.
    lines = re.findall(r"<\w+>|TikTok Shop", text) if language == "th" else text.splitlines()
    for line in filter(None, map(folded, lines)):
        assert line in told, line


def test_a_table_goes_with_it_on_a_page_of_its_own_and_says_what_is_not_shown(tmp_path: Path) -> None:
    rows = [(f"57646000000000{n:04}", f"CODE{n:04}", "MY1", "J&T", "Ready") for n in range(MOST_ROWS + 3)]
    shown = text_of(print_letter(letter("Dear desk", head=HEAD, rows=rows)), tmp_path)
    first, _, rest = shown.partition("\f")
    assert "Dear desk" in first
    assert "CODE0000" not in first
    assert f"CODE{MOST_ROWS - 1:04}" in rest
    assert f"CODE{MOST_ROWS:04}" not in rest
    assert "+3" in folded(rest)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not here")
def test_latin_words_after_a_line_in_another_script_are_as_large_as_before_it(tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_bytes(print_letter(letter("主题\nWORDS\nWORDS", "zh")))
    told = subprocess.run(["pdftotext", "-bbox", str(file), "-"], capture_output=True, text=True, check=True)
    sizes = re.findall(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">(WORDS|2026)', told.stdout)
    heights = [round(float(high) - float(low), 1) for low, high, _ in sizes]
    day, *words = heights
    assert words[0] == words[1] > day


def test_the_same_letter_is_the_same_file() -> None:
    assert print_letter(letter("Dear customer")) == print_letter(letter("Dear customer"))


def test_what_no_font_draws_and_empty_lines_break_nothing(tmp_path: Path) -> None:
    shown = text_of(print_letter(letter("One\n\n\nTwo \u202e\x07 three 🙂")), tmp_path)
    assert "One" in shown
    assert "three" in shown
