"""A case's letter on paper: who writes, when, the text as it was kept, and for a ticket or an appeal its parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sync.evidence.printing.sheet import MUTED, Sheet

_WIDTHS = (48, 36, 46, 26, 24)
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Letter:
    """`text` as it was kept, in `language`. `head` and `rows` are the table that goes with it; no rows, no table."""

    title: str
    shop: str
    text: str
    language: str
    made_at: datetime
    zone: tzinfo
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def print_letter(letter: Letter) -> bytes:
    """The PDF of a letter, the same for the same letter."""
    day = f"{letter.made_at.astimezone(letter.zone):%Y-%m-%d}"
    shown = letter.rows[:MOST_ROWS]
    sheet = Sheet(
        letter.title, f"{letter.shop} · {letter.title}", letter.made_at, repr((letter, shown)) + letter.text
    )
    sheet.set_lang(letter.language)
    sheet.add_page()
    sheet.write_line(letter.shop, size=13, bold=True, gap=1)
    sheet.write_line(day, colour=MUTED, gap=8)
    for line in letter.text.splitlines():
        sheet.write_line(line, size=10.5, gap=1.5) if line.strip() else sheet.ln(3)
    if shown:
        sheet.add_page()
        sheet.grid(letter.head, _WIDTHS, shown)
        if len(letter.rows) > len(shown):
            sheet.ln(2)
            sheet.write_line(f"+ {len(letter.rows) - len(shown)}", colour=MUTED)
    return bytes(sheet.output())
