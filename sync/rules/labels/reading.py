"""What was read off a label, as one text: words with their places, folded so that tricks of writing do not hide them.

Folding turns wide, styled and look-alike letters into plain ones, every script's digits into 0-9, and leaves out
what has no width; each folded character remembers which one of the text it came from.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Left, top, right, bottom as parts of the page's width and height, 0 to 1.
Box = tuple[float, float, float, float]

# Cyrillic and Greek letters that look like Latin ones: what a handle is disguised with.
_ALIKE = str.maketrans(
    "аеорсухіјѕԁһӏԛԝкмнтвгαοερτυνικχ",
    "aeopcyxijsdhlqwkmhtbraoeptuvikx",
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a page; `line` numbers its line, `box` is None for text that was pasted."""

    text: str
    page: int = 0
    line: int = 0
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A bar or matrix code that was decoded: `form` is `qr`, `matrix` or `linear`."""

    form: str
    text: str
    page: int = 0
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a reading something is: characters of its text, a page, and boxes on that page."""

    start: int
    end: int
    page: int
    boxes: tuple[Box, ...]


class Reading:
    """The words as one text. `text` is as written; `folded` is what is searched."""

    def __init__(self, words: Iterable[Word]) -> None:
        self.words = tuple(words)
        pieces: list[str] = []
        self._spans: list[tuple[int, int]] = []
        at, before = 0, None
        for word in self.words:
            if before is not None:
                gap = " " if (before.page, before.line) == (word.page, word.line) else "\n"
                pieces.append(gap)
                at += 1
            pieces.append(word.text)
            self._spans.append((at, at + len(word.text)))
            at, before = at + len(word.text), word
        self.text = "".join(pieces)
        self.folded, self._from = fold(self.text)

    def place(self, start: int, end: int) -> Place:
        """Where these characters of the folded text are."""
        first = self._from[start] if start < len(self._from) else len(self.text)
        last = self._from[end - 1] + 1 if end > start else first
        touched = [
            word
            for word, (begins, ends) in zip(self.words, self._spans, strict=True)
            if begins < last and ends > first
        ]
        boxes = tuple(word.box for word in touched if word.box is not None)
        return Place(first, last, touched[0].page if touched else 0, boxes)


def words_of(text: str) -> list[Word]:
    """Pasted text as words."""
    return [Word(word, line=number) for number, line in enumerate(text.splitlines()) for word in line.split()]


def fold(text: str) -> tuple[str, Sequence[int]]:
    """The text in plain small letters, and for each of its characters the index of the one it came from."""
    folded: list[str] = []
    origins: list[int] = []
    for index, char in enumerate(text):
        for plain in _plain(char):
            folded.append(plain)
            origins.append(index)
    return "".join(folded), origins


def fold_text(text: str) -> str:
    """The folded text alone."""
    return fold(text)[0]


def _plain(char: str) -> str:
    if char in "\n ":
        return char
    if char.isspace():
        return " "
    digit = unicodedata.digit(char, None)
    if digit is not None and unicodedata.category(char) in ("Nd", "No"):
        return str(digit)
    wide = unicodedata.normalize("NFKC", char).casefold().translate(_ALIKE)
    # No width, or a mark on the letter before it (Vietnamese written in pieces): not searched for.
    return "".join(c for c in wide if unicodedata.category(c) not in ("Cf", "Cc") and c != "\u0336")
