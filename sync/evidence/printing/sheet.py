"""A sheet of A4 in our own fonts: headings, facts, tables, pictures with captions; no page knows what it is about.

Noto throughout, so that Vietnamese, Thai, Chinese, Malay, Indonesian and Filipino come out as they are written;
HarfBuzz puts Thai vowels and tones where they belong. A font is only loaded when the text needs it: the Chinese one is
large.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, WrapMode, XPos, YPos
from PIL import Image

_FONTS = Path(__file__).parent / "fonts"
_THAI = (0x0E00, 0x0E7F)
_CHINESE = ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))
INK, MUTED, LINE, ALARM = (24, 30, 36), (96, 104, 112), (208, 213, 218), (160, 24, 24)
FAINT = (240, 242, 244)
MARGIN, WIDTH = 15, 180
_LABEL = 38
_LOWEST = 277


class Sheet(FPDF):
    """Pages with one foot. `text` is all that will be printed, to choose the fonts by."""

    def __init__(self, title: str, foot: str, made_at: datetime, text: str) -> None:
        super().__init__(unit="mm", format="A4")
        self._foot = foot
        self.set_title(title)
        self.set_creator("Baton")
        self.set_producer("Baton")
        self.set_lang("en")
        self.set_creation_date(made_at)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=20)
        self.alias_nb_pages()
        self._is_mixed = False
        self._load_fonts(text)

    def _load_fonts(self, text: str) -> None:
        self.add_font("Noto", "", _FONTS / "NotoSans-Regular.ttf")
        self.add_font("Noto", "B", _FONTS / "NotoSans-Bold.ttf")
        others = []
        if any(_THAI[0] <= ord(char) <= _THAI[1] for char in text):
            self.add_font("NotoThai", "", _FONTS / "NotoSansThai-Regular.ttf")
            self.add_font("NotoThai", "B", _FONTS / "NotoSansThai-Bold.ttf")
            others.append("NotoThai")
        if any(low <= ord(char) <= high for char in text for low, high in _CHINESE):
            self.add_font("NotoSC", "", _FONTS / "NotoSansSC-Regular.ttf")
            others.append("NotoSC")
        if others:
            self._is_mixed = True
            self.set_fallback_fonts(others, exact_match=False)
            self.set_text_shaping(use_shaping_engine=True)
        self.set_font("Noto", "", 9)

    def _use(self, style: str, size: float) -> None:
        """Write on in this style and size.

        Where the first words need another font, fpdf2 2.8 sets the size in a state that ends with them: what follows
        in Latin would be drawn in the size before. A space in our own font sets it for the page.
        """
        self.set_font("Noto", style, size)
        if self._is_mixed:
            self.text(self.get_x(), self.get_y(), " ")

    def footer(self) -> None:
        """Whose page it is, and which."""
        self.set_y(-14)
        self.write_line(f"{self._foot} · page {self.page_no()} of {{nb}}", size=7, colour=MUTED)

    def write_line(
        self,
        text: str,
        *,
        size: float = 9,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
        gap: float = 0,
    ) -> None:
        """A paragraph over the whole width."""
        self._use("B" if bold else "", size)
        self.set_text_color(*colour)
        self.set_x(MARGIN)
        self.multi_cell(
            WIDTH,
            size * 0.52,
            clean(text),
            align="L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            wrapmode=WrapMode.WORD,
        )
        self.ln(gap)

    def heading(self, text: str, level: int = 1) -> None:
        """A title (1) or a part's heading (2), never alone at a page's end."""
        if level == 2 and self.get_y() > _LOWEST - 30:
            self.add_page()
        self.ln(0 if level == 1 else 3)
        self.write_line(text, size=18 if level == 1 else 11.5, bold=True, gap=1)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Labels and what they stand for; an empty one is left out."""
        for label, value in pairs:
            if not value:
                continue
            self._keep(7)
            top = self.get_y()
            self._use("", 8.5)
            self.set_text_color(*MUTED)
            self.cell(_LABEL, 4.6, label)
            self.set_text_color(*INK)
            self.set_xy(MARGIN + _LABEL, top)
            self.multi_cell(WIDTH - _LABEL, 4.6, clean(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def grid(self, head: Sequence[str], widths: Sequence[float], rows: Iterable[Sequence[str]]) -> None:
        """A table whose cells wrap; its head comes again on each page."""
        self._row(head, widths, bold=True)
        for row in rows:
            height = self._height(row, widths)
            if self.get_y() + height > _LOWEST:
                self.add_page()
                self._row(head, widths, bold=True)
            self._row(row, widths)

    def _height(self, row: Sequence[str], widths: Sequence[float]) -> float:
        self._use("", 7.5)
        heights = [
            cast(
                float,
                self.multi_cell(width - 2, 3.9, clean(text), dry_run=True, output=MethodReturnValue.HEIGHT),
            )
            for text, width in zip(row, widths, strict=True)
        ]
        return max(heights) + 2

    def _row(self, row: Sequence[str], widths: Sequence[float], *, bold: bool = False) -> None:
        height, top, x = self._height(row, widths), self.get_y(), float(MARGIN)
        self._use("B" if bold else "", 7.5)
        self.set_text_color(*(MUTED if bold else INK))
        for text, width in zip(row, widths, strict=True):
            self.set_xy(x, top + 1)
            self.multi_cell(width - 2, 3.9, clean(text), align="L", new_x=XPos.RIGHT, new_y=YPos.TOP)
            x += width
        self.set_draw_color(*LINE)
        self.line(MARGIN, top + height, MARGIN + WIDTH, top + height)
        self.set_xy(MARGIN, top + height)

    def pictures(self, shown: Sequence[tuple[bytes | None, str]], across: int, most: float) -> None:
        """Pictures (JPEG or PNG; None is an empty frame) in rows of `across`, each with its caption under it."""
        width = (WIDTH - (across - 1) * 5) / across
        for start in range(0, len(shown), across):
            row = shown[start : start + across]
            sized = [(data, caption, *_fit(data, width, most)) for data, caption in row]
            tallest = max(height for *_, height in sized)
            self._keep(tallest + 16)
            top = self.get_y() + 1
            lowest = top + tallest
            for index, (data, caption, w, h) in enumerate(sized):
                x = MARGIN + index * (width + 5)
                if data is None:
                    self.set_fill_color(*FAINT)
                    self.rect(x, top, w, h, style="F")
                else:
                    self.image(io.BytesIO(data), x=x, y=top, w=w, h=h, alt_text=caption.split("\n")[0])
                self.set_xy(x, top + h + 1)
                self._use("", 6.8)
                self.set_text_color(*INK)
                self.multi_cell(width, 3.3, clean(caption), align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
                lowest = max(lowest, self.get_y())
            self.set_xy(MARGIN, lowest + 2)

    def _keep(self, height: float) -> None:
        if self.get_y() + height > _LOWEST:
            self.add_page()


def _fit(data: bytes | None, width: float, most: float) -> tuple[float, float]:
    """Width and height in millimetres within these."""
    if data is None:
        return width, 12
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
        w, h = picture.size
    scale = min(width / w, most / h)
    return w * scale, h * scale


def clean(text: str) -> str:
    """Without what no font draws: control characters, and those that turn the direction of writing."""
    kept = (char if char == "\n" or char.isprintable() else " " for char in text)
    return "".join(
        char for char in kept if not 0x202A <= ord(char) <= 0x202E and not 0x2066 <= ord(char) <= 0x2069
    )
