"""Check one label: what is there of R7, what is there against R8, and what could not be looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sync.protocol import codes
from sync.rules.labels import forbidden, required
from sync.rules.labels.reading import Box, Place, Reading, Symbol, Word
from sync.rules.labels.required import Expected

OK, MISSING, FORBIDDEN, UNREAD = "ok", "missing", "forbidden", "unread"
# A picture without a text layer may be a photo of a label: nobody reads letters off it here.
MOST_FINDINGS = 200

SENTENCES = {
    **forbidden.SENTENCES,
    "name": "The recipient’s name",
    "address": "The recipient’s address",
    "item": "What is inside",
    "tracking": "The tracking number",
    "qr": "A QR code.",
    "matrix": "A two-dimensional code.",
    "barcode": "A barcode that is not this parcel’s.",
    "own_code": "Our own internal code: it belongs on the tag, never on the label.",
    "text": "Links, e-mail, telephone numbers, other platforms",
}
_OWN = re.compile(r"\b[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a label. `kind` is ok, missing, forbidden or unread; `place` None where it has none."""

    code: str
    kind: str
    detail: str = ""
    place: Place | None = None

    def as_dict(self) -> dict[str, Any]:
        """As a database keeps it."""
        place = self.place
        told = {"code": self.code, "kind": self.kind, "detail": self.detail}
        if place is None:
            return told
        boxes = [list(box) for box in place.boxes]
        return {**told, "page": place.page, "boxes": boxes, "start": place.start, "end": place.end}


def check(
    words: Iterable[Word], symbols: Sequence[Symbol], expected: Expected, *, is_picture: bool
) -> list[Finding]:
    """All findings, what is required first. `is_picture`: the bars were looked for; letters only if there are words."""
    reading = Reading(words)
    is_read = bool(reading.folded.strip())
    found = list(_required(reading, symbols, expected, is_read=is_read))
    found += _codes(symbols, expected)
    if is_read:
        found += _forbidden(reading, expected)
    else:
        found.append(Finding("text", UNREAD, "There is no text in this picture, only pixels."))
    if not is_picture:
        found.append(Finding("qr", UNREAD, "Text alone shows no QR codes and no barcodes."))
    return found[:MOST_FINDINGS]


def is_good(findings: Iterable[Finding]) -> bool:
    """Whether nothing is missing and nothing forbidden was found; what could not be read is another matter."""
    return not any(finding.kind in (MISSING, FORBIDDEN) for finding in findings)


def _required(
    reading: Reading, symbols: Sequence[Symbol], expected: Expected, *, is_read: bool
) -> Iterable[Finding]:
    folded = reading.folded
    yield _one(reading, "name", expected.name, required.has_name(folded, expected.name), is_read=is_read)
    share = required.address_share(folded, expected.address)
    if not expected.address or not is_read:
        yield Finding("address", UNREAD, _why(bool(expected.address)))
    else:
        kind = OK if required.is_enough(share) else MISSING
        yield Finding("address", kind, f"{share[0]} of {share[1]} words of it")
    item = required.has_item(folded, expected.items, expected.skus)
    yield _one(reading, "item", "".join(expected.items), item, is_read=is_read)
    bars = [s for s in symbols if expected.tracking and codes.tracking_key(s.text) == expected.tracking]
    if bars:
        yield Finding("tracking", OK, "as a barcode", _at(bars[0]))
    else:
        span = required.has_number(folded, expected.tracking)
        yield _one(reading, "tracking", expected.tracking, span, is_read=is_read)


def _one(reading: Reading, code: str, wanted: str, span: tuple[int, int] | None, *, is_read: bool) -> Finding:
    if span is not None and wanted:
        return Finding(code, OK, "", reading.place(*span))
    if not wanted or not is_read:
        return Finding(code, UNREAD, _why(bool(wanted)))
    return Finding(code, MISSING)


def _why(is_known: bool) -> str:
    return "There is no text in this picture, only pixels." if is_known else "The order does not say it."


def _codes(symbols: Sequence[Symbol], expected: Expected) -> Iterable[Finding]:
    own = {codes.tracking_key(number) for number in (expected.tracking, *expected.numbers) if number}
    for symbol in symbols:
        detail = symbol.text[:120]
        if codes.is_code(symbol.text) and codes.normalise(symbol.text) == expected.code:
            yield Finding("own_code", FORBIDDEN, detail, _at(symbol))
        elif symbol.form != "linear":
            yield Finding(symbol.form, FORBIDDEN, detail, _at(symbol))
        elif codes.tracking_key(symbol.text) not in own:
            yield Finding("barcode", FORBIDDEN, detail, _at(symbol))


def _forbidden(reading: Reading, expected: Expected) -> Iterable[Finding]:
    own = [_digits(expected.phone), _digits(expected.address)]
    own += [_digits(number) for number in (expected.tracking, *expected.numbers)]
    carriers = [carrier.casefold() for carrier in expected.carriers]
    for code, detail, start, end in forbidden.find(reading.folded, [d for d in own if d], carriers):
        yield Finding(code, FORBIDDEN, detail[:120], reading.place(start, end))
    for match in _OWN.finditer(reading.folded):
        if codes.is_code(match.group()):
            yield Finding("own_code", FORBIDDEN, match.group().upper(), reading.place(*match.span()))


def _digits(text: str) -> str:
    return re.sub(r"[^\d*]", "", text)


def _at(symbol: Symbol) -> Place:
    boxes: tuple[Box, ...] = (symbol.box,) if symbol.box is not None else ()
    return Place(0, 0, symbol.page, boxes)
