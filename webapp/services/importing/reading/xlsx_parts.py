"""The parts of a workbook beside its sheets: which sheets there are, shared texts, which styles are dates."""

from __future__ import annotations

import posixpath
import re
import zipfile

from sync.protocol.problems import Problem
from webapp.services.importing.reading.limits import MAX_BESIDE, MAX_SHARED_CHARS, MAX_SHARED_TEXTS
from webapp.services.importing.reading.xlsx_xml import End, Start, Text, feed, unescaped

_DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_MOST_FORMAT = 255  # characters: no spreadsheet writes a longer one
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


class Parts:
    """Finds the parts of a workbook: its sheets in their order, its shared texts, which styles are dates."""

    def __init__(self, book: zipfile.ZipFile) -> None:
        self._book = book
        self._names = set(book.namelist())
        self.sheets: list[str] = []
        self.starts_1904 = False
        targets = self._targets()
        ids: list[str] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "sheet":
                ids.extend(value for key, value in attributes.items() if key.rpartition(":")[2] == "id")
            elif name == "workbookPr":
                self.starts_1904 = attributes.get("date1904") in {"1", "true"}

        self._parse("xl/workbook.xml", start)
        # Each once: the guard has counted once what a part unpacks to.
        self.sheets = list(dict.fromkeys(targets[id_] for id_ in ids if targets.get(id_) in self._names))

    def _targets(self) -> dict[str, str]:
        found: dict[str, str] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                path = target[1:] if target.startswith("/") else posixpath.join("xl", target)
                found[attributes.get("Id", "")] = posixpath.normpath(path)

        self._parse("xl/_rels/workbook.xml.rels", start)
        return found

    def shared_texts(self) -> list[str]:
        """Texts that cells share by number; furigana beside them is left out."""
        if "xl/sharedStrings.xml" not in self._names:
            return []
        texts: list[str] = []
        pieces: list[str] = []
        at = {"text": False, "beside": False}
        chars = 0

        def start(name: str, _: dict[str, str]) -> None:
            at["text"] = name == "t" and not at["beside"]
            at["beside"] = at["beside"] or name == "rPh"

        def end(name: str) -> None:
            at["text"] = False
            if name == "rPh":
                at["beside"] = False
            elif name == "si":
                texts.append(unescaped("".join(pieces)))
                pieces.clear()
                if len(texts) > MAX_SHARED_TEXTS:
                    raise _too_much_text()

        def text(data: str) -> None:
            nonlocal chars
            if at["text"]:
                pieces.append(data)
                chars += len(data)
                if chars > MAX_SHARED_CHARS:  # now: the end of one text may be far away
                    raise _too_much_text()

        self._parse("xl/sharedStrings.xml", start, end, text)
        return texts

    def date_styles(self) -> frozenset[str]:
        """The numbers of the cell styles that show a number as a date."""
        if "xl/styles.xml" not in self._names:
            return frozenset()
        formats: dict[str, str] = {}
        styles: list[str] = []
        inside = [False]

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "numFmt":
                formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif name == "cellXfs":
                inside[0] = True
            elif name == "xf" and inside[0]:
                styles.append(attributes.get("numFmtId", "0"))

        def end(name: str) -> None:
            if name == "cellXfs":
                inside[0] = False

        self._parse("xl/styles.xml", start, end)
        return frozenset(str(n) for n, style in enumerate(styles) if _is_date(style, formats.get(style)))

    def _parse(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        if name not in self._names:
            raise Problem("import-workbook", f"The workbook lacks its part {name}.")
        if name != "xl/sharedStrings.xml" and self._book.getinfo(name).file_size > MAX_BESIDE:
            raise Problem("import-too-large", f"The workbook's part {name} is too large. Export it as CSV.")
        with self._book.open(name) as stream:
            for _ in feed(stream, start, end, text):
                pass


def _is_date(style: str, code: str | None) -> bool:
    if style.isdigit() and int(style) in _DATE_IDS:
        return True
    return code is not None and any(char in "dmyhs" for char in _LITERAL.sub("", code[:_MOST_FORMAT]).lower())


def _too_much_text() -> Problem:
    return Problem("import-too-large", "The workbook holds too much text. Export it as CSV.")
