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

from sync.evidence.limits import SKETCH_ALONE, VERSION, WORTH_A_LOOK, check
from sync.protocol.codes import key_of
from sync.protocol.problems import Problem
from webapp import clock
from webapp.extensions import of_app
from webapp.services.checking.conclude import conclude
from webapp.services.checking.eyes import Eyes
from webapp.store import blobs
from webapp.store.blobs import Missing
from webapp.store.queries import evidence as ask
from webapp.store.queries.evidence import Twin, Waiting
from webapp.store.unit import Session, lock_org, reading, transaction

log = structlog.get_logger()
LEASE = timedelta(minutes=2)
MOST_TRIES = 3
AT_ONCE = 20
MOST_LAID_OVER = 4  # pictures that a new one is compared with whole: a picture used again is the most alike
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
    if twin := _twin(it, result, data):
        result["twin"] = twin
    return result


def _given_up() -> dict[str, Any]:
    return _refused("check-crashed", "Each look at the picture ended before it was done.")


def _refused(code: str, sentence: str) -> dict[str, Any]:
    return {"v": VERSION, "verdict": "refused", "code": code, "sentence": sentence}


def _twin(it: Waiting, result: dict[str, Any], data: bytes) -> dict[str, Any] | None:
    """The other record that this picture was used for.

    A tag is one parcel's each time.
    Two pictures of one record, and those of a retake and what it answers, are no reuse.
    Of sketches that are alike the pictures themselves are laid over each other: at a counter where thousands of parcels
    are photographed, sketches are alike by the hundred.
    """
    if it.role == "tag":
        return None
    found = _told_of(it, [it.sha256])
    if found:
        return {**found[0], "likeness": 1.0, "sha256": it.sha256}
    made = result.get("print") or {}
    if not made.get("guises"):
        return None
    with reading() as session:
        near = ask.alike(session, it.org_id, made["guises"], it.sha256)
    scores = eyes().compare(made["sketch"], [base64.b64encode(sketch).decode() for _, sketch in near])
    ranked = sorted(zip(scores, (sha256 for sha256, _ in near), strict=False), reverse=True)
    for score, sha256 in ranked[:MOST_LAID_OVER]:
        if score < WORTH_A_LOOK:
            break
        found = _told_of(it, [sha256])
        if found and (likeness := _same(it.org_id, sha256, data, score)) is not None:
            return {**found[0], "likeness": round(likeness, 4), "sha256": sha256}
    return None


def _same(org_id: str, sha256: str, data: bytes, score: float) -> float | None:
    """How alike they are when they are the same picture, else None. Of one that was let go the sketches must do."""
    try:
        likeness = eyes().sameness(blobs.current().read(org_id, sha256), data)
    except Missing:
        return score if score >= SKETCH_ALONE else None
    return None if check("likeness", likeness).holds else likeness


def _told_of(it: Waiting, digests: list[str]) -> list[dict[str, Any]]:
    with reading() as session:
        twins = ask.speaking_of(session, it.org_id, digests, it.event_id)
        mine = ask.chain(session, it.org_id, it.event_id)
    return [
        {"event_id": twin.event_id, "said": f"also in the {_said(twin)}"}
        for twin in twins
        if twin.event_id not in mine and twin.ref not in mine
    ]


def _said(twin: Twin) -> str:
    return f"{twin.kind.replace('_', ' ')} of {twin.effective_at:%Y-%m-%d}"


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
