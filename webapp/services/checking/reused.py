"""Whether a picture is one that was used for another record: found by its codes, told by the pictures themselves.

Sketches that are alike only say where to look: at a counter where thousands of parcels are photographed they are alike
by the hundred. So the pictures are laid over each other. Where a kept one was let go, or cannot be opened, the sketches
must do, from a higher bar on.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import structlog

from sync.evidence.limits import SKETCH_ALONE, WORTH_A_LOOK, check
from sync.protocol.problems import Problem
from webapp import clock
from webapp.services.checking.eyes import Eyes
from webapp.store import blobs
from webapp.store.blobs import Missing
from webapp.store.queries import evidence as ask
from webapp.store.queries.evidence import Twin, Waiting
from webapp.store.unit import reading

log = structlog.get_logger()
MOST_LAID_OVER = 4  # a picture used again is the most alike: in 300 made ones of 300
SECONDS = 20.0  # for all of these: who lays many slow pictures about does not hold up the others


class Same(NamedTuple):
    """The kept picture that a new one is, by its digest. `likeness` and `threshold` are of `by`: picture or sketch."""

    sha256: str
    likeness: float
    threshold: float
    by: str


def twin(eyes: Eyes, it: Waiting, result: dict[str, Any], data: bytes) -> dict[str, Any] | None:
    """The other record that this picture was used for.

    A tag is one parcel's each time.
    Two pictures of one record, and those of a retake and what it answers, are no reuse.
    """
    if it.role == "tag":
        return None
    if found := _told_of(it, it.sha256):
        return {**found, "likeness": 1.0, "threshold": 1.0, "by": "file", "sha256": it.sha256}
    made = result.get("print") or {}
    if not made.get("guises"):
        return None
    with reading() as session:
        near = ask.alike(session, it.org_id, made["guises"], it.sha256)
    scores = eyes.compare(made["sketch"], [base64.b64encode(sketch).decode() for _, sketch in near])
    told: dict[str, dict[str, Any]] = {}

    def is_asked(sha256: str) -> bool:
        if found := _told_of(it, sha256):
            told[sha256] = found
        return sha256 in told

    def lay_over(sha256: str) -> float | None:
        kept = _kept(it.org_id, sha256)
        return None if kept is None else eyes.sameness(kept, data)

    ranked = sorted(zip(scores, (sha256 for sha256, _ in near), strict=False), reverse=True)
    same = first_same(ranked, is_asked, lay_over)
    return None if same is None else {**told[same.sha256], **same._asdict()}


def first_same(
    ranked: Iterable[tuple[float, str]],
    is_asked: Callable[[str], bool],
    lay_over: Callable[[str], float | None],
) -> Same | None:
    """Of kept pictures, by the likeness of their sketches downwards, the first that is the new one.

    `is_asked`: whether it is another record's. `lay_over`: `sameness` of the pictures, None where it cannot be told.
    """
    until, laid = clock.ticks() + SECONDS, 0
    for score, sha256 in ranked:
        if score < WORTH_A_LOOK:
            break
        if not is_asked(sha256):
            continue
        sameness = None
        if laid < MOST_LAID_OVER and clock.ticks() < until:
            sameness = lay_over(sha256)
            laid += sameness is not None
        if sameness is None:
            if score >= SKETCH_ALONE:
                return Same(sha256, round(score, 4), SKETCH_ALONE, "sketch")
        elif not (told := check("likeness", sameness)).holds:
            return Same(sha256, told.value, told.threshold, "picture")
    return None


def _kept(org_id: str, sha256: str) -> bytes | None:
    """A kept picture; None when it was let go, or its store does not give it: the new one is judged all the same."""
    try:
        return blobs.current().read(org_id, sha256)
    except Missing:
        return None
    except (Problem, OSError) as error:
        log.warning("a kept picture could not be compared", sha256=sha256, error=str(error))
        return None


def _told_of(it: Waiting, sha256: str) -> dict[str, Any]:
    """The oldest other record of this picture, in words; empty when there is none."""
    with reading() as session:
        twins = ask.speaking_of(session, it.org_id, [sha256], it.event_id)
        mine = ask.chain(session, it.org_id, it.event_id)
    for other in twins:
        if other.event_id not in mine and other.ref not in mine:
            return {"event_id": other.event_id, "said": f"also in the {_said(other)}"}
    return {}


def _said(other: Twin) -> str:
    return f"{other.kind.replace('_', ' ')} of {other.effective_at:%Y-%m-%d}"
