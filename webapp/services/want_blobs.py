"""Tell a phone which of its pictures are not held here, and whether it may bring one when it is signed out."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.services.find_device import CallingDevice
from webapp.store.queries import blobs as ask
from webapp.store.queries import deletions
from webapp.store.unit import reading


def want_blobs(caller: CallingDevice, digests: Sequence[str]) -> list[str]:
    """Those of the digests whose bytes are not held, each once, in the order asked.

    What was held and let go on purpose is not asked for again. A phone that is signed out hears only of those its
    own events speak of: the others count as not held.
    """
    with reading() as session:
        held = ask.held_among(session, caller.org_id, digests)
        held |= deletions.gone(session, caller.org_id, digests)
        if caller.revoked_at is not None:
            held &= ask.named_among(session, caller.org_id, caller.id, digests)
    return [sha256 for sha256 in dict.fromkeys(digests) if sha256 not in held]


def may_bring(caller: CallingDevice, sha256: str) -> bool:
    """Whether a phone may send these bytes: signed out, only what its own signed events speak of."""
    if caller.revoked_at is None:
        return True
    with reading() as session:
        return sha256 in ask.named_among(session, caller.org_id, caller.id, [sha256])


def may_go_on(caller: CallingDevice, upload_id: str) -> bool:
    """The same of an upload under way; one that is not this phone's is left to be refused as unknown."""
    if caller.revoked_at is None:
        return True
    if len(upload_id) == 64:
        return may_bring(caller, upload_id)
    with reading() as session:
        upload = ask.upload(session, caller.org_id, caller.id, upload_id)
    return upload is None or may_bring(caller, upload.sha256)
