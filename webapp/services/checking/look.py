"""Look at the pictures that wait: one after the other, each taken in hand by one server only, each result kept.

Rows say what waits (`blob_refs.is_checked`) and who has it in hand (`photo_checks`). A server that dies gives its
picture back by letting its time run out.
"""

from __future__ import annotations

import base64
import threading
from datetime import datetime, timedelta
from typing import Any

import structlog
import uuid_utils

from sync.evidence.limits import VERSION
from sync.protocol.codes import key_of
from sync.protocol.problems import Problem
from webapp import clock
from webapp.extensions import of_app
from webapp.services.checking.conclude import conclude
from webapp.services.checking.eyes import Eyes
from webapp.services.checking.reused import twin
from webapp.store import blobs
from webapp.store.blobs import Missing
from webapp.store.queries import evidence as ask
from webapp.store.queries.evidence import Waiting
from webapp.store.unit import Session, lock_org, reading, transaction

log = structlog.get_logger()
LEASE = timedelta(minutes=2)
MOST_TRIES = 3
AT_ONCE = 20
_looking = threading.Lock()  # of the threads of one server one looks: there is one process to look with


def eyes() -> Eyes:
    """This app's process that opens pictures."""
    made: Eyes = of_app("baton-eyes")
    return made


def look_at_waiting(seconds: float = 5.0) -> bool:
    """The job: look at what waits, for about so long. Whether something is left to do."""
    if not _looking.acquire(blocking=False):
        return False
    try:
        until = clock.ticks() + seconds
        while clock.ticks() < until:
            with reading() as session:
                met = ask.met(session, AT_ONCE)
            if met:
                with transaction() as session:
                    ask.settle_met(session, met)
            with reading() as session:
                found = ask.waiting(session, clock.now() - LEASE, AT_ONCE)
            if not found:
                return False
            for it in found:
                look(it)
        return True
    finally:
        _looking.release()


def look(it: Waiting) -> None:
    """Look at one picture, unless somebody else does; then judge its proof if that was the last of it."""
    by, now = str(uuid_utils.uuid7()), clock.now()
    with transaction() as session:
        tries = ask.take(session, it, by, now, now - LEASE)
    if tries is None:
        return
    try:
        result = _given_up() if tries > MOST_TRIES else _see(it)
    except Problem as problem:
        log.warning("a picture could not be fetched", code=problem.code, sha256=it.sha256)
        with transaction() as session:
            ask.give_back(session, it, by)  # the store was away: that says nothing of the picture
        return
    _keep(it, by, result)


def _see(it: Waiting) -> dict[str, Any]:
    try:
        data = blobs.current().read(it.org_id, it.sha256)
    except Missing:
        return _refused("blob-missing", "The picture's bytes are not in the store any more.")
    with reading() as session:
        claimed = ask.claims(session, it.org_id, it.event_id)
    wanted = [key_of(text) for pair in claimed.items() for text in pair if text]
    result = eyes().examine(data, it.role, wanted)
    if found := twin(eyes(), it, result, data):
        result["twin"] = found
    return result


def _given_up() -> dict[str, Any]:
    return _refused("check-crashed", "Each look at the picture ended before it was done.")


def _refused(code: str, sentence: str) -> dict[str, Any]:
    return {"v": VERSION, "verdict": "refused", "code": code, "sentence": sentence}


def _keep(it: Waiting, by: str, result: dict[str, Any]) -> None:
    made = result.pop("print", None)
    now = clock.now()
    try:
        with transaction() as session:
            if _settle(session, it, by, result, made, now):
                conclude(session, it.org_id, it.event_id, now)
    except Problem as problem:
        if problem.code != "event-refused":  # a database that is busy is asked again when its time is out
            raise
        # Looked at again, it would be refused again: the picture is settled, its proof keeps the doubt it had.
        log.warning("the ledger did not take what was seen", code=problem.code, proof=it.event_id)
        with transaction() as session:
            _settle(session, it, by, result, made, now)


def _settle(
    session: Session,
    it: Waiting,
    by: str,
    result: dict[str, Any],
    made: dict[str, Any] | None,
    now: datetime,
) -> bool:
    """Whether the picture was still in these hands."""
    lock_org(session, it.org_id, 0)
    if not ask.finish(session, it, by, result, now):
        return False
    if made and not made["is_plain"]:
        ask.keep_print(session, it.org_id, it.sha256, made["codes"], base64.b64decode(made["sketch"]))
    return True
