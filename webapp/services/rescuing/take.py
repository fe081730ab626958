"""Take a rescue file in: its events through the one door, its pictures beside them, and a record of who brought it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

import uuid_utils

from sync import ledger, vouching
from sync.ledger import Result, Sender
from sync.protocol.problems import CATALOGUE, Problem
from sync.protocol.times import format_time
from webapp.services.accept_batch import take_lines
from webapp.services.find_device import CallingDevice
from webapp.services.keep_blob import keep_blob
from webapp.services.rescuing.archive import Gap
from webapp.services.rescuing.contents import Contents, Found, Line, Manifest, Picture
from webapp.services.rescuing.limits import MAX_FILE
from webapp.store.journal import SqlJournal
from webapp.store.queries import blobs, deletions, rescues
from webapp.store.unit import lock_org, reading, transaction

BATCH = 200
MOST_MISSING = 1000
_MOST_NAMED = 100_000  # digests held in hand to tell what is missing
_NOBODY = Sender("", None, frozenset(), is_known=False)


@dataclass(frozen=True, slots=True)
class BlobResult:
    """What became of one picture: `status` is kept, held (it was here already) or refused."""

    name: str
    sha256: str
    status: str
    code: str | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As the command line tells it; the problem has the shape of a batch's."""
        problem = None
        if self.code is not None:
            problem = {"code": self.code, "title": CATALOGUE[self.code][0], "detail": self.detail}
        return {"name": self.name, "sha256": self.sha256, "status": self.status, "problem": problem}


@dataclass(slots=True)
class Rescued:
    """What came of a file. `missing` are pictures that its events name and nobody holds."""

    id: str
    name: str
    now: datetime
    told: dict[str, Any] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    blobs: list[BlobResult] = field(default_factory=list)
    troubles: list[Gap] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many items came to each end."""
        counts: dict[str, int] = {}
        for status in [result.status for result in self.results] + [blob.status for blob in self.blobs]:
            counts[status] = counts.get(status, 0) + 1
        return {**counts, "troubles": len(self.troubles), "missing": len(self.missing)}

    def as_dict(self) -> dict[str, Any]:
        """As a batch's results (PROTOCOL section 7), with what else was in the file."""
        return {
            "rescue": self.id,
            "file": self.name,
            "received_at": format_time(self.now),
            "manifest": self.told,
            "results": [result.as_dict() for result in self.results],
            "blobs": [blob.as_dict() for blob in self.blobs],
            "troubles": [{"where": gap.where, "detail": gap.detail} for gap in self.troubles],
            "missing_blobs": self.missing,
        }


def take_rescue(org_id: str, user_id: str | None, name: str, file: BinaryIO, now: datetime) -> Rescued:
    """Take in all of a file that can be read; each batch is durable on its own, so it may be broken off anywhere.

    Taking the same file in again changes nothing but the record that it was brought again. Problems
    `rescue-empty`, `rescue-too-large`, `rescue-unreadable` before anything is kept; `busy` and `storage-full` of the
    store may come in the middle.
    """
    digest, size = _measure(file)
    taking = _Taking(org_id, Rescued(str(uuid_utils.uuid7()), _file_name(name), now))
    row = {
        "org_id": org_id,
        "id": taking.done.id,
        "name": taking.done.name,
        "sha256": digest,
        "size": size,
        "made_by": user_id,
        "created_at": now,
    }
    for found in Contents(file).read():
        taking.take(found, row)
    return taking.end(row)


class _Taking:
    """One file while it is taken in."""

    def __init__(self, org_id: str, done: Rescued) -> None:
        self.org_id, self.done = org_id, done
        self._is_begun = False
        self._lines: list[Line] = []
        self._named: dict[str, str] = {}  # digest -> the phone whose event names it first
        self._position = 0
        self._items: list[dict[str, Any]] = []

    def take(self, found: Found, row: Mapping[str, Any]) -> None:
        """Take one thing in; the file's row is there before the first that may stay."""
        if isinstance(found, Manifest):
            self.done.told = found.told
            return
        if isinstance(found, Line):
            self._begin(row)
            self._lines.append(found)
            if len(self._lines) == BATCH:
                self._flush()
            return
        self._flush()
        if isinstance(found, Picture):
            self._begin(row)
            blob = self._keep(found)
            self.done.blobs.append(blob)
            self._note("blob", blob.name, blob.sha256, None, blob.status, blob.code, blob.detail)
        else:
            self.done.troubles.append(found)
            self._note("trouble", found.where, None, None, "unread", None, found.detail)
        if self._is_begun and len(self._items) >= BATCH:
            self._write()

    def end(self, row: Mapping[str, Any]) -> Rescued:
        """The last of it, and what is still missing."""
        self._flush()
        if not self._is_begun:
            raise self._nothing()
        with reading() as session:
            held = blobs.held_among(session, self.org_id, list(self._named))
            held |= deletions.gone(session, self.org_id, list(self._named))
        self.done.missing = [sha256 for sha256 in self._named if sha256 not in held][:MOST_MISSING]
        with transaction() as session:
            rescues.add_items(session, self._items)
            rescues.end(
                session, self.org_id, self.done.id, _shown(self.done.told), self.done.counts, self.done.now
            )
        return self.done

    def _begin(self, row: Mapping[str, Any]) -> None:
        if not self._is_begun:
            with transaction() as session:
                rescues.begin(session, {**row, "told": {}, "counts": {}})
            self._is_begun = True

    def _nothing(self) -> Problem:
        if self.done.told and not self.done.troubles:
            return Problem("rescue-empty", "The file holds neither an event nor a photo.")
        why = self.done.troubles[0].detail if self.done.troubles else "It is empty."
        return Problem("rescue-unreadable", f"Nothing in the file can be read as a phone's work. {why}")

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if not lines:
            return
        claims = [vouching.claims(line.raw) for line in lines]
        own = self.done.told.get("device")
        named = [claim.device or (own if isinstance(own, str) else None) for claim in claims]
        with reading() as session:
            rows = rescues.callers(session, self.org_id, {device for device in named if device})
        callers = {row["id"]: CallingDevice(**row) for row in rows}
        results: dict[int, Result] = {}
        for device in dict.fromkeys(named):
            places = [index for index, at in enumerate(named) if at == device]
            raws = [lines[index].raw for index in places]
            results.update(zip(places, self._accept(callers.get(device or ""), raws), strict=True))
        for index, claim in enumerate(claims):
            if len(self._named) < _MOST_NAMED:
                for sha256 in claim.blobs:
                    self._named.setdefault(sha256, claim.device or "")
            result = results[index]
            self.done.results.append(result)
            label = result.id or f"line {lines[index].number}"
            self._note("event", label, result.sha256, claim.device, result.status, result.code, result.detail)
        self._write()

    def _accept(self, caller: CallingDevice | None, raws: Sequence[str]) -> Sequence[Result]:
        if caller is not None:
            return take_lines(caller, raws, self.done.now)
        with transaction() as session:
            journal = SqlJournal(session, self.org_id, lock_org(session, self.org_id), self.done.now)
            return ledger.accept(ledger.Batch(_NOBODY, raws), journal, self.done.now).results

    def _keep(self, picture: Picture) -> BlobResult:
        if picture.data is None:
            fault = picture.fault or "It cannot be read."
            return BlobResult(picture.name, picture.sha256, "refused", "rescue-damaged", fault)
        with reading() as session:
            is_gone = deletions.gone(session, self.org_id, [picture.sha256])  # and is not to come back
            if is_gone or blobs.held(session, self.org_id, picture.sha256) is not None:
                return BlobResult(picture.name, picture.sha256, "held")
        brought_by = self._named.get(picture.sha256, "")
        try:
            keep_blob(self.org_id, brought_by[:36], picture.sha256, picture.data, self.done.now)
        except Problem as problem:
            if problem.status >= 500:
                raise
            detail = picture.fault or problem.detail
            return BlobResult(picture.name, picture.sha256, "refused", problem.code, detail)
        return BlobResult(picture.name, picture.sha256, "kept")

    def _note(
        self,
        kind: str,
        name: str,
        sha256: str | None,
        device_id: str | None,
        status: str,
        code: str | None,
        detail: str,
    ) -> None:
        self._items.append(
            {
                "org_id": self.org_id,
                "rescue_id": self.done.id,
                "position": self._position,
                "kind": kind,
                "name": name,
                "sha256": sha256,
                "device_id": device_id,
                "status": status,
                "code": code,
                "detail": detail,
            }
        )
        self._position += 1

    def _write(self) -> None:
        items, self._items = self._items, []
        with transaction() as session:
            rescues.add_items(session, items)


def _measure(file: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(1 << 20):
        digest.update(piece)
        size += len(piece)
        if size > MAX_FILE:
            raise Problem(
                "rescue-too-large", f"A rescue file has at most {MAX_FILE >> 20} MB; a phone writes several."
            )
    if not size:
        raise Problem("rescue-empty", "The file is empty, or none was chosen.")
    return digest.hexdigest(), size


def _file_name(name: str) -> str:
    shown = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable())
    return shown.encode("utf-8", "replace").decode()[:200] or "rescue.baton"


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's own words, as far as they are short."""
    return {
        name: value[:200] if isinstance(value, str) else value
        for name, value in told.items()
        if name in {"format", "made_at", "device", "client", "label", "actor", "events", "blobs"}
        and isinstance(value, str | int)
    }
