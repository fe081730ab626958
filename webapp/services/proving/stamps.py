"""The time stamps over a bundle's events: of each stamped day its root, the answer, and the events' paths."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from sync.evidence.timestamp import merkle
from webapp.store.models import DayStamp, Event
from webapp.store.queries import stamps
from webapp.store.unit import Session


def tell_stamps(session: Session, org_id: str, events: Sequence[Event]) -> list[dict[str, Any]]:
    """What stamps.json lists; nothing where no event's day was stamped."""
    told = (_stamp(day, events) for day in stamps.stamped_among(session, org_id, events))
    return [stamp for stamp in told if stamp["events"]]


def _stamp(day: DayStamp, events: Sequence[Event]) -> dict[str, Any]:
    leaves = [day.leaves[at : at + merkle.SIZE] for at in range(0, len(day.leaves), merkle.SIZE)]
    places = {leaf: index for index, leaf in enumerate(leaves)}
    digests = [event.sha256 for event in events if bytes.fromhex(event.sha256) in places]
    tree = merkle.levels(leaves) if digests else []
    return {
        "day": day.day.isoformat(),
        "size": day.size,
        "root": day.root,
        "by": day.authority,
        "response": base64.b64encode(day.response or b"").decode(),
        "events": [_entry(sha256, places[bytes.fromhex(sha256)], tree) for sha256 in digests],
    }


def _entry(sha256: str, index: int, tree: Sequence[Sequence[bytes]]) -> dict[str, Any]:
    path = [step.hex() for step in merkle.path_in(tree, index)]
    return {"sha256": sha256, "index": index, "path": path}
