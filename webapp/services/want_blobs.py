"""Tell a phone which of its pictures are not held here."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.store.queries import blobs as ask
from webapp.store.unit import reading


def want_blobs(org_id: str, digests: Sequence[str]) -> list[str]:
    """Those of the digests whose bytes are not held, each once, in the order asked."""
    with reading() as session:
        held = ask.held_among(session, org_id, digests)
    return [sha256 for sha256 in dict.fromkeys(digests) if sha256 not in held]
