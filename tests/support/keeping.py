"""Photos that grow old: a handover that is settled, a shop's number of days, a round that lets go."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from sync.rules.keeping import Keeping
from tests.support.desk import hand_over
from tests.support.shop import ApiPhone, make_parcels
from webapp import clock
from webapp.services.keeping.delete_old import Round, delete_old_photos
from webapp.services.keeping.policy import save_keeping
from webapp.services.review_proof import review_proof
from webapp.store import blobs
from webapp.store.models import Blob, BlobRef, DeletedBlob
from webapp.store.unit import reading, transaction

DAYS = 60
LATER = timedelta(days=DAYS, minutes=1)
_SEEDS = itertools.count(100)  # parcels of their own


def settled(phone: ApiPhone, org_id: str, clerk: str, codes: list[str] | None = None, **members: Any) -> str:
    """A handover whose photos came home, were looked at, and were accepted."""
    event = hand_over(
        phone, org_id, codes or make_parcels(org_id, 1, next(_SEEDS), status="ready"), **members
    )
    seen(org_id)
    review_proof(org_id, clerk, event, "accept", clock.now())
    return event


def seen(org_id: str) -> None:
    """As if the checks had looked at everything."""
    with transaction() as session:
        session.execute(update(BlobRef).where(BlobRef.org_id == org_id).values(is_checked=True))


def set_days(org_id: str, clerk: str, photos: int | None = DAYS, signatures: int | None = DAYS) -> None:
    """Put these numbers in force now."""
    save_keeping(org_id, clerk, Keeping(photos, signatures), clock.now())


def go(days: timedelta = LATER, **how: Any) -> Round:
    """One round, so long from now, of the only shop."""
    (done,) = delete_old_photos(clock.now() + days, **how)
    return done


def pictures(org_id: str, event: str) -> dict[str, str]:
    """Digest of each role of an event."""
    with reading() as session:
        rows = session.execute(
            select(BlobRef.role, BlobRef.sha256).where(BlobRef.org_id == org_id, BlobRef.event_id == event)
        )
        return {row.role: row.sha256 for row in rows}


def is_held(org_id: str, sha256: str) -> bool:
    """Whether it is, by its row and by its bytes alike."""
    with reading() as session:
        row = session.get(Blob, (org_id, sha256))
    assert (row is not None) == blobs.current().has(org_id, sha256), "a row and its bytes go together"
    return row is not None


def deletion(org_id: str, sha256: str) -> DeletedBlob | None:
    """What is said of a picture that is gone."""
    with reading() as session:
        return session.get(DeletedBlob, (org_id, sha256))
