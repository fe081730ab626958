"""Check the label of a parcel (`R7`, `R8`) and keep what was found, with the pages it was found on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import uuid_utils

from sync.protocol.problems import Problem
from sync.rules.labels.check import check, is_good
from sync.rules.labels.reading import Reading, Symbol, Word, words_of
from webapp.services.keep_file import add_file, put_bytes
from webapp.services.labels.reader import read_file
from webapp.store import blobs
from webapp.store.models import LabelCheck, OfficeFile
from webapp.store.queries import labels as ask
from webapp.store.unit import Session, lock_org, reading, transaction

MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class _Looked:
    """What there is to check: pasted text, or what the reader made of a file."""

    kind: str
    name: str
    words: tuple[Word, ...]
    symbols: tuple[Symbol, ...] = ()
    pages: tuple[tuple[bytes, int, int], ...] = ()
    notes: tuple[str, ...] = ()


def check_text(org_id: str, actor_id: str, code: str, text: str, now: datetime) -> str:
    """Check what somebody pasted; gives the check's id. Problems `label-empty`, `label-too-large`."""
    if not text.strip():
        raise Problem("label-empty", "Paste the label's text, or choose its picture or PDF.")
    if len(text) > MOST_TEXT:
        raise Problem("label-too-large", f"A label has at most {MOST_TEXT} characters.")
    return _keep(org_id, actor_id, code, _Looked("text", "Text", tuple(words_of(text))), now)


def check_file(org_id: str, actor_id: str, code: str, name: str, data: bytes, now: datetime) -> str:
    """Check an uploaded PDF or picture; gives the check's id. Problems of `read_file`, `label-empty`."""
    if not data:
        raise Problem("label-empty", "The file is empty.")
    read = read_file(data)
    notes = []
    if read.more:
        notes.append(f"{read.more} more page{'s' if read.more > 1 else ''} of this file were not looked at.")
    if read.is_cut:
        notes.append("There is more text in this file than was looked at.")
    looked = _Looked(read.kind, name or "Label", read.words, read.symbols, read.pages, tuple(notes))
    return _keep(org_id, actor_id, code, looked, now)


def read_page(org_id: str, held: LabelCheck, number: int) -> bytes:
    """The picture of a page. Problem `not-found`."""
    if not 0 <= number < len(held.pages):
        raise Problem("not-found", "This label has no such page.")
    try:
        return blobs.current().read(org_id, held.pages[number]["sha256"])
    except blobs.Missing as error:
        raise Problem("not-found", "The page's picture is not in the store any more.") from error


def _keep(org_id: str, actor_id: str, code: str, looked: _Looked, now: datetime) -> str:
    with reading() as session:
        expected = ask.expected(session, org_id, code)
    findings = check(looked.words, looked.symbols, expected, is_picture=looked.kind != "text")
    for jpeg, _, _ in looked.pages:
        put_bytes(org_id, jpeg)
    with transaction() as session:
        lock_org(session, org_id, 0)
        check_id = str(uuid_utils.uuid7())
        pages = [_page(session, org_id, actor_id, check_id, looked, n, now) for n in range(len(looked.pages))]
        session.add(
            LabelCheck(
                org_id=org_id,
                id=check_id,
                code=code,
                kind=looked.kind,
                name=looked.name[:200],
                text=Reading(looked.words).text,
                findings=[finding.as_dict() for finding in findings],
                pages=pages,
                notes=list(looked.notes),
                is_good=is_good(findings),
                made_by=actor_id,
                made_at=now,
            )
        )
    return check_id


def _page(
    session: Session,
    org_id: str,
    actor_id: str,
    check_id: str,
    looked: _Looked,
    number: int,
    now: datetime,
) -> dict[str, object]:
    jpeg, width, height = looked.pages[number]
    file: OfficeFile = add_file(
        session,
        org_id,
        actor_id,
        jpeg,
        now,
        name=f"{looked.name} {number + 1}",
        media_type="image/jpeg",
        purpose="label",
        subject=check_id,
    )
    return {"sha256": file.sha256, "width": width, "height": height}
