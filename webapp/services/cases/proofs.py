"""The proofs and letters of a case: records of its parcels, uploaded files, drafts and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sync.evidence.intake import sniff
from sync.protocol.problems import Problem
from sync.rules import letters
from webapp.services.cases.steps import LONGEST, held
from webapp.services.cases.writing import write_down
from webapp.services.drop_unreferenced_blobs import drop_bytes
from webapp.services.keep_file import add_file, put_bytes
from webapp.store import blobs
from webapp.store.models import OfficeFile
from webapp.store.queries import blobs as blob_rows
from webapp.store.queries import cases as ask
from webapp.store.unit import transaction

MAX_BYTES = 10 * 1024 * 1024
_TEXT = "text/plain"


def attach_events(
    org_id: str, actor_id: str, case_id: str, event_ids: Sequence[str], words: str, now: datetime
) -> int:
    """Name records of the case's parcels as its proofs; gives how many were new."""
    if not event_ids:
        raise Problem("field-invalid", "Tick the records that prove something.", field="event")
    with transaction() as session:
        case = held(session, org_id, case_id)
        there = {entry.data.get("event") for entry in ask.entries(session, org_id, case_id)}
        fresh = [event for event in dict.fromkeys(event_ids) if event not in there]
        for event in fresh:
            if not ask.is_of_case(session, org_id, case_id, event):
                raise Problem("not-found", "This record is of no parcel of the case.")
            write_down(session, case, actor_id, "proof", now, words.strip()[:LONGEST], {"event": event})
    return len(fresh)


def attach_file(
    org_id: str, actor_id: str, case_id: str, name: str, data: bytes, words: str, now: datetime
) -> None:
    """Keep a file with the case: a PDF, a picture or a text. Problems `field-invalid`, `label-too-large`."""
    if not data:
        raise Problem("field-invalid", "Choose a file that is not empty.", field="file")
    if len(data) > MAX_BYTES:
        raise Problem("label-too-large", "A file has at most 10 MB.", field="file")
    media_type = _type(data)
    put_bytes(org_id, data)
    with transaction() as session:
        case = held(session, org_id, case_id)
        file = add_file(
            session,
            org_id,
            actor_id,
            data,
            now,
            name=name or "File",
            media_type=media_type,
            purpose="case",
            subject=case_id,
        )
        told = {"file": file.id, "sha256": file.sha256, "name": file.name}
        write_down(session, case, actor_id, "proof", now, words.strip()[:LONGEST], told)


def remove_file(org_id: str, actor_id: str, case_id: str, position: int, words: str, now: datetime) -> None:
    """Delete a file for good, with a reason: what was attached by mistake, or names somebody who asked to be erased.

    That it was there, its digest, who brought it and who deleted it stay; its bytes too, while another record has the
    very same. Problems `not-found`, `field-invalid`.
    """
    if not words.strip():
        raise Problem("field-invalid", "Say why it is deleted: the reason stays.", field="remove_words")
    with transaction() as session:
        case = held(session, org_id, case_id)
        entry = ask.entry(session, org_id, case_id, position)
        file = ask.file_of(session, org_id, entry)
        if entry is None or file is None:
            raise Problem("not-found", "This case has no such file, or it was deleted already.")
        session.delete(file)
        session.flush()
        entry.data = {"sha256": file.sha256, "size": file.size, "removed": now.isoformat()}
        # No mark is left that it was let go: a phone may bring the very same bytes, and its record would need them.
        is_free = blob_rows.remove_unreferenced(session, org_id, file.sha256, now + timedelta(days=1))
        write_down(
            session, case, actor_id, "file_removed", now, words.strip()[:LONGEST], {"file_at": position}
        )
    if is_free:
        drop_bytes(org_id, file.sha256, now)


def keep_letter(
    org_id: str, actor_id: str, case_id: str, letter: str, language: str, text: str, now: datetime
) -> int:
    """Keep a letter as it is to be sent; gives its position. Problem `field-invalid` for an empty or unknown one."""
    if letter not in letters.LETTERS or language not in letters.languages_of(letter):
        raise Problem("field-invalid", "There is no such letter.", field="letter")
    if not text.strip() or len(text) > LONGEST:
        raise Problem("field-invalid", f"A letter has 1 to {LONGEST} characters.", field="text")
    with transaction() as session:
        case = held(session, org_id, case_id)
        told = {"letter": letter, "language": language}
        return write_down(session, case, actor_id, "letter", now, text.strip(), told)


def letter_was_sent(
    org_id: str, actor_id: str, case_id: str, position: int, words: str, now: datetime
) -> None:
    """Say that a letter went out, and how. Problems `not-found`, `field-invalid`."""
    if not words.strip():
        raise Problem("field-invalid", "Say how it was sent: by chat, as a ticket …", field="sent_words")
    with transaction() as session:
        case = held(session, org_id, case_id)
        kinds = {entry.position: entry.kind for entry in ask.entries(session, org_id, case_id)}
        if kinds.get(position) != "letter":
            raise Problem("not-found", "This case has no such letter.")
        write_down(session, case, actor_id, "sent", now, words.strip()[:LONGEST], {"letter_at": position})


def read_file(org_id: str, file: OfficeFile) -> bytes:
    """A file's bytes. Problem `not-found` when the store has lost them."""
    try:
        return blobs.current().read(org_id, file.sha256)
    except blobs.Missing as error:
        raise Problem("not-found", "The file's bytes are not in the store any more.") from error


def _type(data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    picture = sniff(data)
    if picture is not None:
        return picture
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Problem(
            "field-invalid", "A proof is a PDF, a JPEG, PNG or WebP picture, or a text.", field="file"
        )
    return _TEXT
