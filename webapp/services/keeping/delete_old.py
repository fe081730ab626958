"""Let go the bytes of pictures that are older than their shop keeps them; digests and events stay.

First a row says that a picture is gone and why, then its bytes go: a round that is cut off anywhere is finished by
the next one, and no picture is ever missing without its reason being known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import structlog

from sync.protocol.problems import Problem
from sync.rules.keeping import SIGNATURE, Keeping
from webapp.extensions import of_app
from webapp.services.keeping.acts import write_act
from webapp.services.keeping.policy import cutoffs_of, keeping_of
from webapp.store import blobs
from webapp.store.models import OfficeAct
from webapp.store.queries import blobs as held
from webapp.store.queries import deletions, shop
from webapp.store.queries import keeping as ask
from webapp.store.queries.keeping import Cutoffs, Due, Place
from webapp.store.unit import Session, lock_org, reading, transaction

log = structlog.get_logger()

AT_ONCE = 200
CLEARED_AT_ONCE = 50  # while their keys are held, nobody else writes on SQLite
CLEARED_AFAR = 1  # of a store that is no folder: each waits for its network twice


@dataclass(slots=True)
class Round:
    """What one round did in one shop, or (`is_trial`) would do; `kept` counts what is old and stays, by reason.

    `is_failed`: it broke off there, and the log says why.
    """

    org_id: str
    keeping: Keeping
    photos: int = 0
    signatures: int = 0
    bytes: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    is_failed: bool = False

    @property
    def deleted(self) -> int:
        """All pictures together."""
        return self.photos + self.signatures

    def count(self, due: Sequence[Due]) -> None:
        """Add these."""
        signatures = sum(each.is_signature for each in due)
        self.signatures += signatures
        self.photos += len(due) - signatures
        self.bytes += sum(each.blob.size for each in due)

    def as_dict(self) -> dict[str, Any]:
        """As the command tells it."""
        told = {name: value for name, value in asdict(self).items() if name != "keeping"}
        return {**told, "after_days": self.keeping.as_dict()}


def delete_old_photos(now: datetime, *, is_trial: bool = False) -> list[Round]:
    """One round through all shops; safe twice, and from several processes. A trial changes nothing."""
    with reading() as session:
        org_ids = shop.all_ids(session)
    rounds = []
    for org_id in org_ids:
        try:
            rounds.append(_round(org_id, now, is_trial=is_trial))
        except Problem:
            raise
        except Exception:
            # One shop's trouble is not the others': its marks stay, the next round goes on with them.
            if is_trial or len(org_ids) == 1:
                raise
            log.exception("a shop's old photos could not be let go", org_id=org_id)
            rounds.append(Round(org_id, Keeping(), is_failed=True))
    return rounds


def _round(org_id: str, now: datetime, *, is_trial: bool) -> Round:
    with reading() as session:
        done = Round(org_id, keeping_of(session, org_id))
    cutoffs = cutoffs_of(done.keeping, now)
    if cutoffs.latest is not None:
        _walk(done, cutoffs, now, is_trial=is_trial)
        with reading() as session:
            done.kept = ask.kept_back(session, org_id, cutoffs)
    if not is_trial:
        clear_marked(org_id, now)
    return done


def _walk(done: Round, cutoffs: Cutoffs, now: datetime, *, is_trial: bool) -> None:
    after: Place | None = None
    act: OfficeAct | None = None
    while True:
        # Without the lock: what keeps a picture is a long question, and mostly nothing is due.
        with reading() as session:
            found = ask.due(session, done.org_id, cutoffs, after, AT_ONCE)
        if is_trial:
            done.count(found)
        elif found:
            with transaction() as session:
                act = _mark(session, done, cutoffs, found, act, now)
            clear_marked(done.org_id, now)
        if len(found) < AT_ONCE:
            return
        after = (found[-1].blob.held_at, found[-1].blob.sha256)


def _mark(
    session: Session,
    done: Round,
    cutoffs: Cutoffs,
    found: Sequence[Due],
    act: OfficeAct | None,
    now: datetime,
) -> OfficeAct | None:
    """Mark what is due still of one batch, with the round's line in the history, which is given.

    The shop is held against whatever may begin to need one of them.
    """
    lock_org(session, done.org_id, 0)
    only = [each.blob.sha256 for each in found]
    due = ask.due(session, done.org_id, cutoffs, None, len(only), only=only)
    if not due:
        return act
    days = {each.blob.sha256: _days(done.keeping, each) for each in due}
    deletions.mark(session, done.org_id, [each.blob for each in due], deletions.POLICY, now, days=days)
    done.count(due)
    told = {**done.keeping.as_dict(), "deleted": done.photos, "signed": done.signatures, "bytes": done.bytes}
    if act is None:
        return write_act(session, done.org_id, "photos_deleted", None, now, told)
    act.data = told
    return session.merge(act)


def _days(keeping: Keeping, due: Due) -> int | None:
    return keeping.days_of(SIGNATURE if due.is_signature else "photo")


def clear_marked(org_id: str, now: datetime) -> int:
    """Remove the bytes of everything that is marked; gives how many pictures. Finishes what a killed round left."""
    count = 0
    most = CLEARED_AT_ONCE if blobs.folder_of(of_app("baton-settings")) else CLEARED_AFAR
    while True:
        with transaction() as session:
            found = deletions.uncleared(session, org_id, most)
            for sha256 in found:
                _clear(session, org_id, sha256, now)
            deletions.cleared(session, org_id, found, now)
        count += len(found)
        if len(found) < most:
            return count


def _clear(session: Session, org_id: str, sha256: str, now: datetime) -> None:
    """Remove bytes while holding their row's key: who brings the same ones just now waits, and then sees the mark."""
    if held.claim_blob(session, org_id, sha256, now):
        blobs.current().delete(org_id, sha256)
        held.remove_blob(session, org_id, sha256)
