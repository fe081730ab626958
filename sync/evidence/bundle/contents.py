"""A bundle's parts, read and taken apart: what there is, before anything in it is compared or believed."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sync.evidence.bundle import limits, shapes
from sync.evidence.bundle.archive import Archive, Member, Unreadable
from sync.evidence.bundle.findings import Findings, NoBundle
from sync.protocol import envelope, strictjson
from sync.protocol.envelope import EVENT_TYP, RECEIPT_TYP, Envelope, Refused

FORMAT = 1
_NOTHING = 2  # bytes of nothing, deflated
SEAL_TYP = "baton-seal+jws"
EVENTS, KEYS, RECEIPTS, TIMELINE = "events.jws", "keys.json", "receipts.jws", "timeline.json"
PDF, PAGE = "proof.pdf", "verify.html"
STAMPS = "stamps.json"  # only where an authority has stamped days
MOST = {
    **dict.fromkeys((EVENTS, KEYS, RECEIPTS, TIMELINE, STAMPS), limits.MAX_TEXT),
    PDF: limits.MAX_PDF,
    PAGE: limits.MAX_PAGE,
}
PICTURE = re.compile(r"blobs/([0-9a-f]{64})\.(jpg|png|webp)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file of JWS; `envelope` is None where it is none, and then `refused` says why."""

    number: int
    jws: str
    sha256: str
    envelope: Envelope | None
    refused: Refused | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """What it says; empty when it cannot be read."""
        return self.envelope.payload if self.envelope else {}


@dataclass(slots=True)
class Bundle:
    """Everything that could be read. `told` is the timeline as it lies there, `sealed` as the server signed it.

    `digests` are those of all parts that were read, `faulty` the parts that were not.
    """

    archive: Archive
    members: dict[str, Member]
    findings: Findings
    keys: dict[str, Any] | None = None
    told: dict[str, Any] | None = None
    stamps: dict[str, Any] | None = None
    seal: Envelope | None = None
    events: list[Line] = field(default_factory=list)
    receipts: list[Line] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    page: bytes | None = None

    @property
    def sealed(self) -> dict[str, Any]:
        """What the checks go by: the server's signed words, or, when they cannot be had, what lies there."""
        if self.seal is not None:
            return self.seal.payload
        return self.told or {}

    def picture_names(self) -> Iterator[tuple[str, str]]:
        """(name of the part, digest in that name) of every picture."""
        for name in self.members:
            found = PICTURE.fullmatch(name)
            if found is not None:
                yield name, found[1]

    def read(self, name: str, most: int) -> bytes | None:
        """A part's bytes, its digest noted; None, with a finding, when they cannot be had."""
        member = self.members.get(name)
        if member is None:
            return None
        try:
            data = self.archive.read(member, most)
        except Unreadable as error:
            self.findings.add(error.code, name, str(error))
            self.faulty.add(name)
            return None
        if zlib.crc32(data) != member.crc:
            self.findings.add("archive_checksum", name)
        self.digests[name] = hashlib.sha256(data).hexdigest()
        return data


def read_contents(archive: Archive, findings: Findings) -> Bundle:
    """Take a bundle apart; raises `NoBundle` when it has neither a timeline nor events, or is of a newer kind."""
    bundle = Bundle(archive, _by_name(archive, findings), findings)
    if not {TIMELINE, EVENTS} & bundle.members.keys():
        raise NoBundle("no_bundle", "It has neither events.jws nor timeline.json.")
    for name in MOST:
        if name not in bundle.members and name != STAMPS:
            findings.add("member_missing", name)
    bundle.keys = _document(bundle, KEYS, "keys")
    bundle.told, bundle.seal = _timeline(bundle)
    bundle.events = _lines(bundle, EVENTS, EVENT_TYP)
    bundle.receipts = _lines(bundle, RECEIPTS, RECEIPT_TYP)
    bundle.stamps = _document(bundle, STAMPS, "stamps")
    bundle.read(PDF, limits.MAX_PDF)
    bundle.page = bundle.read(PAGE, limits.MAX_PAGE)
    return bundle


def _by_name(archive: Archive, findings: Findings) -> dict[str, Member]:
    held: dict[str, Member] = {}
    for code, where in archive.oddities:
        findings.add(code, where)
    for member in archive.members:
        is_empty = not member.size and member.packed <= _NOTHING and not member.has_two_stories
        if member.name == "blobs/" and is_empty:
            continue
        if member.name not in MOST and PICTURE.fullmatch(member.name) is None:
            findings.add("member_unknown", member.name)
            continue
        if member.name in held:
            findings.add("member_twice", member.name)
            continue
        if member.has_two_stories:
            findings.add("archive_two_stories", member.name)
        held[member.name] = member
    return held


def _document(bundle: Bundle, name: str, shape: str) -> dict[str, Any] | None:
    raw = bundle.read(name, MOST[name])
    if raw is None:
        return None
    try:
        value = strictjson.loads(raw)
    except strictjson.NotStrict as error:
        bundle.findings.add("member_malformed", name, f"{error}.".capitalize())
        return None
    format_ = value.get("format") if isinstance(value, dict) else None
    if type(format_) is int and format_ > FORMAT:
        raise NoBundle("format_unknown", f"It is of format {format_}; get a newer Baton to check it.")
    wrong = shapes.complaint(shape, value)
    if wrong is not None or format_ != FORMAT:
        bundle.findings.add("member_malformed", name, f"Not as in a bundle: {wrong or 'format'}.")
        return None
    document: dict[str, Any] = value
    return document


def _timeline(bundle: Bundle) -> tuple[dict[str, Any] | None, Envelope | None]:
    told = _document(bundle, TIMELINE, "timeline")
    if told is None:
        return None, None
    jws = told.pop("seal", None)
    if not isinstance(jws, str):
        bundle.findings.add("seal_missing", TIMELINE)
        return told, None
    try:
        seal = envelope.open_(jws, SEAL_TYP, limits.MAX_SEAL)
    except Refused as error:
        bundle.findings.add("seal_signature", TIMELINE, f"{error}.".capitalize())
        return told, None
    wrong = shapes.complaint("timeline", seal.payload)
    if wrong is not None:
        bundle.findings.add("member_malformed", TIMELINE, f"Not as in a bundle: {wrong}, in the seal.")
        return told, None
    return told, seal


def _lines(bundle: Bundle, name: str, typ: str) -> list[Line]:
    raw = bundle.read(name, MOST[name])
    if raw is None:
        return []
    texts = [text for text in raw.decode("latin-1").split("\n") if text.strip("\r ")]
    if len(texts) > limits.MAX_LINES:
        bundle.findings.add("member_too_large", name, f"It has more than {limits.MAX_LINES} lines.")
    return [_line(number, text, typ) for number, text in enumerate(texts[: limits.MAX_LINES], start=1)]


def _line(number: int, text: str, typ: str) -> Line:
    jws = text.rstrip("\r")
    digest = hashlib.sha256(jws.encode("latin-1")).hexdigest()
    shape = "event" if typ == EVENT_TYP else "receipt"
    try:
        opened = envelope.open_(jws, typ, limits.MAX_LINE)
    except Refused as error:
        return Line(number, jws, digest, None, error)
    except UnicodeEncodeError:
        return Line(number, jws, digest, None, Refused("event_malformed", "it is not ASCII"))
    wrong = shapes.complaint(shape, opened.payload)
    if wrong is not None:
        return Line(number, jws, digest, None, Refused("event_malformed", f"{wrong} is not as it must be"))
    return Line(number, jws, digest, opened)
