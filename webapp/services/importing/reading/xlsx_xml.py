"""Push a workbook's XML through expat, piece by piece: nothing is held, nothing is expanded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO
from xml.parsers import expat

from sync.protocol.problems import Problem

_CHUNK = 1 << 16
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


def feed(stream: IO[bytes], start: Start, end: End | None = None, text: Text | None = None) -> Iterator[None]:
    """Push XML through expat, stopping after every piece. Names come without prefix; entities are refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    local: dict[str, str] = {}

    def name_of(name: str) -> str:
        if name not in local:
            local[name] = name.rpartition(":")[2]
        return local[name]

    parser.StartElementHandler = lambda name, attributes: start(name_of(name), attributes)
    if end:
        parser.EndElementHandler = lambda name: end(name_of(name))
    if text:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        while piece := stream.read(_CHUNK):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, ValueError, IndexError, OverflowError) as error:
        raise Problem("import-workbook", f"The workbook's sheet is damaged: {error}") from error


def _refuse_doctype(*_: object) -> None:
    raise Problem("import-workbook", "The workbook declares entities of its own, as no spreadsheet does.")


def unescaped(text: str) -> str:
    """A text of a cell as a person sees it."""
    # A spreadsheet writes a tab or a control character inside a text as _x0009_.
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    # Two halves of a pair are one letter; a half alone is none, and no database or page keeps it.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
