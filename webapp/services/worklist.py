"""Tell a phone what is on its list, whole or only what changed since its cursor."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.protocol.times import format_time
from sync.rules.lifecycle import BEFORE_HANDOVER
from webapp.services.rules import rules_for
from webapp.store import database
from webapp.store.models import Parcel, Place, Run, Task
from webapp.store.queries import goods
from webapp.store.queries import worklist as ask
from webapp.store.unit import Session, reading

PAGE = 500
MOST_LINES = 30


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a phone has read: the last parcel (change number, code), and the number its runs and tasks are at."""

    scope: str
    changed: int = 0
    code: str = ""
    work: int = 0
    is_whole: bool = True

    def __str__(self) -> str:
        return f"{self.scope}.{self.changed}.{self.work}.{int(self.is_whole)}.{self.code}"


def read_cursor(text: str, scope: str) -> Cursor | None:
    """The cursor a phone sent back; None when it is of another epoch, scope or day, or cannot be read."""
    parts = text.split(".", 4)
    if (
        len(parts) != 5
        or parts[0] != scope
        or not all(part.isascii() and part.isdigit() for part in parts[1:4])
    ):
        return None
    changed, work = int(parts[1]), int(parts[2])
    if max(changed, work) >= 2**63:
        return None
    return Cursor(scope, changed, parts[4], work, parts[3] == "1")


def worklist(org_id: str, user_id: str, cursor: str | None, now: datetime) -> tuple[dict[str, Any], str]:
    """One page of a phone's list as the protocol has it, and its ETag."""
    epoch = database.epoch()
    with reading() as session:
        upto = ask.head(session, org_id)
        scope = ask.scope_of(session, org_id, user_id, now.date())
        name = _digest(epoch, org_id, user_id, scope.role, scope.seller or "", scope.day.isoformat())
        start = read_cursor(cursor, name) if cursor else None
        place = start or Cursor(name)
        page = _page(session, scope, place, upto, now)
    rules = rules_for(org_id)
    body = {
        "epoch": epoch,
        "reset": start is None,
        "as_of": format_time(now),
        "notices": {"upserts": [], "removes": []},
        "rules": {"version": rules["version"], "etag": rules["version"]},
        **page,
    }
    return body, _digest(str(place), str(upto), rules["version"])


def _page(session: Session, scope: ask.Scope, place: Cursor, upto: int, now: datetime) -> dict[str, Any]:
    # While a phone still reads the whole list, its pages stop at the change number it began at: what
    # changes meanwhile, also what leaves the list, is told by the first page after.
    is_first = place.work == 0
    bound = upto if is_first or not place.is_whole else place.work
    after = (place.changed, place.code)
    rows = ask.parcels_after(session, scope, after, bound, PAGE + 1, now, whole=place.is_whole)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    mine = [row.Parcel for row in rows if row.is_mine]
    people = ask.recipients(session, scope, [p.code for p in mine]) if scope.role == "driver" else {}
    holds = _contents(session, scope, mine)
    spots = ask.places(session, scope.org_id)
    work = {} if place.is_whole and not is_first else _work(session, scope, place.work, upto, spots, is_first)
    nothing: dict[str, Any] = {"upserts": [], "removes": []}
    if more:
        last = rows[-1].Parcel
        following = Cursor(place.scope, last.changed, last.code, bound, place.is_whole)
    else:
        following = Cursor(place.scope, bound + 1, "", bound, is_whole=False)
    return {
        "cursor": str(following),
        "more": more,
        "parcels": {
            "upserts": [_parcel(p, spots, people) | holds.get(p.code, {}) for p in mine],
            "removes": [row.Parcel.code for row in rows if not row.is_mine],
        },
        "runs": work.get("runs", nothing),
        "tasks": work.get("tasks", nothing),
    }


def _work(
    session: Session, scope: ask.Scope, after: int, upto: int, spots: dict[str, Place], whole: bool
) -> dict[str, Any]:
    runs = ask.runs_after(session, scope, after, upto, whole=whole)
    codes = ask.run_codes(session, scope.org_id, [run.id for run, is_mine in runs if is_mine])
    tasks = ask.tasks_after(session, scope, after, upto, whole=whole)
    return {
        "runs": {
            "upserts": [_run(run, codes.get(run.id, []), spots) for run, is_mine in runs if is_mine],
            "removes": [run.id for run, is_mine in runs if not is_mine],
        },
        "tasks": {
            "upserts": [_task(task) for task in tasks if task.done_at is None],
            "removes": [task.id for task in tasks if task.done_at is not None],
        },
    }


def _contents(session: Session, scope: ask.Scope, mine: Sequence[Parcel]) -> dict[str, dict[str, Any]]:
    """What only some parcels carry: `lines` for whoever packs, `dangerous` where goods are marked so.

    A product's name is nobody's business once the parcel is closed and gone, nor ever the delivering driver's.
    """
    told: dict[str, dict[str, Any]] = {}
    open_ = {p.code: p.items for p in mine if p.status in BEFORE_HANDOVER}
    if open_ and scope.role != "driver":
        for code, lines in goods.lines_of(session, scope.org_id, list(open_)).items():
            # An order in several packages: which of its pieces are in this one, nobody told us.
            if sum(line.quantity for line in lines) == open_[code]:
                told[code] = {"lines": [line.as_dict() for line in lines[:MOST_LINES]]}
    for p in mine:
        if p.dangerous:
            cleared = p.flags.get("dangerous_cleared") is True
            told.setdefault(p.code, {})["dangerous"] = "cleared" if cleared else "stop"
    return told


def _parcel(p: Parcel, spots: dict[str, Place], people: dict[str, dict[str, str]]) -> dict[str, Any]:
    spot = spots.get(p.place_id or "")
    requested = bool(p.flags.get("cancel_requested"))
    return {
        "code": p.code,
        "tracking_number": p.tracking_number,
        "carrier": p.carrier,
        "status": p.status,
        "flags": p.flags,
        "fragile": p.fragile,
        "count": p.items,
        "place": spot.name if spot else p.seller,
        "cancel": "cancelled" if p.status == "cancelled" else "requested" if requested else None,
        "recipient": people.get(p.code),
    }


def _run(run: Run, codes: list[str], spots: dict[str, Place]) -> dict[str, Any]:
    spot = spots.get(run.place_id or "")
    return {
        "id": run.id,
        "kind": run.kind,
        "title": run.title,
        "day": run.day.isoformat(),
        "carrier": run.carrier,
        "place": None
        if spot is None
        else {"id": spot.id, "name": spot.name, "lat": spot.lat, "lon": spot.lon},
        "parcels": codes,
        "state": run.state,
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": task.kind,
        "event": task.event_id,
        "parcels": task.parcels,
        "reason": task.reason,
        "created_at": format_time(task.created_at),
        "picture": task.picture,
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
