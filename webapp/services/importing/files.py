"""The files under way: received in parts, waiting, being read, shown, applied, done; each one row to look at.

States: `reading` (the preview is being made) → `asking` (which comes first, day or month?) or `ready` (the
preview is there) → `queued` → `running` → `done`; `refused` when the file cannot be imported, `discarded` when
somebody thought better of it. The bytes lie in the blob store's spool, which forgets them after a day: they
are full of names and addresses.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import uuid_utils

from sync.protocol.problems import Problem
from sync.protocol.times import format_time, parse_time
from webapp import clock
from webapp.services.importing.meaning.dates import CHOICES, Order
from webapp.services.importing.reading.limits import MAX_BYTES
from webapp.store import blobs
from webapp.store.models import ImportFile
from webapp.store.queries import importing as ask
from webapp.store.unit import transaction

if TYPE_CHECKING:
    from webapp.services.importing.apply import Outcome
    from webapp.services.importing.tables import TableOutcome

WAITING = ("reading", "queued", "running")
SAID_EVERY = timedelta(seconds=20)
MOST_TRIES = 3  # without a word heard: each may have taken the server with it
_PART = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Task:
    """What a file's row waits for: `reading` a preview, or `running`, for whom, with which order of dates."""

    state: str
    actor_id: str
    dates: Order | None
    kind: str = "orders"
    about: Mapping[str, Any] = field(default_factory=dict)


def receive(
    org_id: str,
    user_id: str,
    name: str,
    stream: IO[bytes],
    now: datetime,
    kind: str = "orders",
    about: Mapping[str, Any] | None = None,
) -> str:
    """Keep an uploaded file and make its row; gives its id. Problems import-too-large, import-empty.

    `kind` says what sort of file it is (`tables.KINDS`), `about` what its reader has to know beside it.
    """
    file_id = str(uuid_utils.uuid7())
    digest, size, part = hashlib.sha256(), 0, 0
    while piece := stream.read(_PART):
        size += len(piece)
        if size > MAX_BYTES:
            blobs.current().drop_parts(org_id, file_id)
            raise Problem(
                "import-too-large",
                f"The file has more than {MAX_BYTES // 1048576} MB. Export a shorter period.",
            )
        digest.update(piece)
        blobs.current().put_part(org_id, file_id, f"{part:06d}", piece)
        part += 1
    if not size:
        raise Problem("import-empty", "The file is empty, or none was chosen.")
    with transaction() as session:
        counts = {"parts": part, "size": size, "kind": kind, "about": dict(about or {})}
        session.add(new_row(org_id, file_id, user_id, name, digest.hexdigest(), "reading", counts, now))
    return file_id


def begin_here(org_id: str, user_id: str, path: Path, now: datetime, kind: str = "orders") -> str:
    """A row for a file that the command line reads where it lies; it runs at once, in this process."""
    file_id = str(uuid_utils.uuid7())
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with transaction() as session:
        counts = {"parts": 0, "size": path.stat().st_size, "kind": kind}
        session.add(new_row(org_id, file_id, user_id, path.name, digest, "running", counts, now))
    return file_id


def new_row(
    org_id: str,
    file_id: str,
    user_id: str,
    name: str,
    sha256: str,
    state: str,
    counts: dict[str, Any],
    now: datetime,
) -> ImportFile:
    """The row of a file that has just arrived."""
    shown = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable())
    return ImportFile(
        org_id=org_id,
        id=file_id,
        name=shown[:200] or "export",
        sha256=sha256,
        made_by=user_id,
        state=state,
        counts={**counts, "heard_at": format_time(now)},
        rejected=[],
        created_at=now,
    )


@contextmanager
def fetched(org_id: str, file_id: str) -> Iterator[Path]:
    """The file's bytes as a file on this machine, for as long as the block lasts. Problem not-found when gone."""
    with tempfile.TemporaryDirectory(prefix="baton-export-") as folder:
        path = Path(folder, "export")
        with transaction() as session:
            parts = int(_row(session, org_id, file_id).counts.get("parts", 0))
        try:
            with path.open("wb") as out:
                for part in range(parts):
                    with blobs.current().open_part(org_id, file_id, f"{part:06d}") as stream:
                        out.write(stream.read())
        except blobs.Missing as error:
            raise Problem(
                "not-found", "The file is no longer here: it is kept for a day. Upload it again."
            ) from error
        if not parts:
            raise Problem(
                "not-found", "The import was interrupted and its file is not here. Import it again."
            )
        yield path


def forget_bytes(org_id: str, file_id: str) -> None:
    """Drop the uploaded bytes; the row and its counts stay."""
    blobs.current().drop_parts(org_id, file_id)


def take(org_id: str, file_id: str, now: datetime, lease: timedelta) -> Task | None:
    """Claim a waiting file for this process; None when another one is at it, or nothing waits."""
    with transaction() as session:
        row = ask.find_file(session, org_id, file_id, is_light=True)
        if row is None or row.state not in WAITING:
            return None
        claimed = row.counts.get("claimed")
        if claimed and last_heard(row) > now - lease:
            return None
        tries = int(row.counts.get("tries", 0)) + 1
        if tries > MOST_TRIES:
            given_up = Problem(
                "server-fault",
                "Each try to read this file ended before it was done, and it was given up. "
                "Export a shorter period, or as CSV.",
            )
            _settle(row, "refused", {"problem": given_up.as_brief()}, now)
            row.ended_at = now
            return None
        if row.state == "queued":
            row.state = "running"
        row.counts = {**row.counts, "claimed": True, "tries": tries, "heard_at": format_time(now)}
        kind, about = row.counts.get("kind", "orders"), row.counts.get("about") or {}
        return Task(row.state, row.made_by or org_id, _dates(row), kind, about)


def last_heard(row: ImportFile) -> datetime:
    """When whoever works on it last said so."""
    return parse_time(row.counts["heard_at"]) if "heard_at" in row.counts else row.created_at


def beat(session: Any, org_id: str, file_id: str | None, done: int, total: int, now: datetime) -> None:
    """Say how far it is, in the caller's transaction."""
    row = ask.find_file(session, org_id, file_id, is_light=True) if file_id else None
    if row is not None:
        row.rows_done, row.rows_total = done, total
        row.counts = {**row.counts, "tries": 0, "heard_at": format_time(now)}


def still_reading(org_id: str, file_id: str | None) -> Callable[[int], None]:
    """For the one pass over a file before its first order: called with each few hundred rows, it says now and then that
    whoever reads is alive, so that a long file is neither taken by another nor given up.
    """
    said_at = clock.now()

    def say(_rows: int) -> None:
        nonlocal said_at
        now = clock.now()
        if file_id is None or now - said_at < SAID_EVERY:
            return
        said_at = now
        with transaction() as session:
            row = _row(session, org_id, file_id)
            row.counts = {**row.counts, "tries": 0, "heard_at": format_time(now)}

    return say


def not_now(org_id: str, file_id: str) -> None:
    """The database or the store was away: that says nothing of the file."""
    with suppress(Problem), transaction() as session:
        row = _row(session, org_id, file_id)
        row.counts = {**row.counts, "tries": 0}


def rows_taken(session: Any, org_id: str, file_id: str | None) -> int:
    """How many rows are taken already, by this run or another. Call with the shop's row locked, beside `beat`."""
    row = ask.find_file(session, org_id, file_id, is_light=True) if file_id else None
    return 0 if row is None else row.rows_done


def ask_dates(org_id: str, file_id: str, detail: str, asked: dict[str, Any], now: datetime) -> None:
    """Nobody can tell day from month: show the two readings and wait for an answer."""
    with transaction() as session:
        row = _row(session, org_id, file_id)
        _settle(row, "asking", {"ask": {**asked, "detail": detail}}, now)


def answer_dates(org_id: str, file_id: str, dates: str, now: datetime) -> None:
    """Take the answer and read the file again. Problems field-invalid, conflict, not-found."""
    if dates not in CHOICES:
        raise Problem("field-invalid", "Choose whether the day or the month comes first.", field="dates")
    with transaction() as session:
        row = _expect(_row(session, org_id, file_id), "asking", "ready")
        _settle(row, "reading", {"dates": dates, "ask": None}, now)


def show(org_id: str, file_id: str, outcome: Outcome | TableOutcome, now: datetime) -> None:
    """The preview is made. Nothing to show when another run has made it, and somebody may have gone on from it."""
    with transaction() as session:
        row = _row(session, org_id, file_id)
        if row.state != "reading":
            return
        _put_outcome(row, outcome, "preview")
        _settle(row, "ready", {"ask": None}, now)


def queue(org_id: str, file_id: str, user_id: str, now: datetime) -> None:
    """Somebody who saw the preview wants it. Problems conflict (already on its way), not-found."""
    with transaction() as session:
        row = _expect(_row(session, org_id, file_id), "ready")
        row.made_by, row.rows_done = user_id, 0
        _settle(row, "queued", {}, now)


def discard(org_id: str, file_id: str, now: datetime) -> None:
    """Somebody thought better of it. Problems conflict, not-found."""
    with transaction() as session:
        row = _expect(_row(session, org_id, file_id), "ready", "asking", "refused")
        _settle(row, "discarded", {}, now)
        row.ended_at = now
    forget_bytes(org_id, file_id)


def finish(org_id: str, file_id: str, outcome: Outcome | TableOutcome, now: datetime) -> None:
    """It is done: keep what it did. Nothing to keep when another run has said so already."""
    with transaction() as session:
        row = _row(session, org_id, file_id)
        # One that a run gave up may have been brought to its end by another.
        if row.state not in {"running", "refused"}:
            return
        _put_outcome(row, outcome, "result")
        _settle(row, "done", {}, now)
        row.rows_done, row.ended_at = row.rows_total or 0, now


def refuse(org_id: str, file_id: str, problem: Problem, now: datetime) -> None:
    """The file as a whole cannot be imported: keep why, unless it does not wait for that any more."""
    with transaction() as session:
        row = _row(session, org_id, file_id)
        if row.state not in WAITING:
            return
        _settle(row, "refused", {"problem": problem.as_brief()}, now)
        row.ended_at = now


def _put_outcome(row: ImportFile, outcome: Outcome | TableOutcome, name: str) -> None:
    told = outcome.as_dict()
    row.rejected = told.pop("rejected")
    row.rows_total = outcome.rows
    row.exported_on = outcome.as_of.date() if outcome.as_of else None
    told |= {"counts": dict(outcome.counts), "changes": [list(change) for change in outcome.changes]}
    bad_rows = len({bad.row for bad in outcome.rejected})
    row.counts = {**row.counts, name: told, "read_as": outcome.dates, "bad_rows": bad_rows}


def _settle(row: ImportFile, state: str, members: dict[str, Any], now: datetime) -> None:
    row.state = state
    row.counts = {**row.counts, **members, "claimed": False, "tries": 0, "heard_at": format_time(now)}


def _row(session: Any, org_id: str, file_id: str) -> ImportFile:
    row = ask.find_file(session, org_id, file_id, is_light=True)
    if row is None:
        raise Problem("not-found", "There is no such import in this shop.")
    return row


def _expect(row: ImportFile, *states: str) -> ImportFile:
    if row.state not in states:
        raise Problem("conflict", f"This import is “{row.state}” by now; look at it again.")
    return row


def _dates(row: ImportFile) -> Order | None:
    chosen = row.counts.get("dates")
    return chosen if chosen in CHOICES else None
