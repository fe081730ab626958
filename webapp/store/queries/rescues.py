"""Rescue files: write down what came of them, and ask for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import Device, Event, EventParcel, RescueFile, RescueItem, User


@dataclass(frozen=True, slots=True)
class Brought:
    """The file in which something first came, and when."""

    rescue_id: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What an event of a file says: of the first of its parcels, and of how many."""

    event_id: str
    kind: str
    at: datetime
    parcel: str | None
    parcels: int


def callers(session: Session, org_id: str, device_ids: Collection[str]) -> list[dict[str, Any]]:
    """id, org_id, user_id, jwk, revoked_at of these phones of a shop, as for a phone that calls itself."""
    stopped_at = case(
        (User.active, Device.revoked_at), else_=func.coalesce(Device.revoked_at, Device.enrolled_at)
    )
    rows = session.execute(
        select(Device.id, Device.org_id, Device.user_id, Device.jwk, stopped_at.label("revoked_at"))
        .join(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(Device.org_id == org_id, Device.kind == "phone", among(session, Device.id, device_ids))
    )
    return [dict(row) for row in rows.mappings()]


def begin(session: Session, row: Mapping[str, Any]) -> None:
    """A file is being read in."""
    session.execute(insert(RescueFile), dict(row))


def add_items(session: Session, items: Sequence[Mapping[str, Any]]) -> None:
    """Write down what became of these."""
    if items:
        session.execute(insert(RescueItem), [dict(item) for item in items])


def end(
    session: Session,
    org_id: str,
    rescue_id: str,
    told: Mapping[str, Any],
    counts: Mapping[str, int],
    now: datetime,
) -> None:
    """All of a file was read that can be."""
    session.execute(
        update(RescueFile)
        .where(RescueFile.org_id == org_id, RescueFile.id == rescue_id)
        .values(told=dict(told), counts=dict(counts), ended_at=now)
    )


def find_file(session: Session, org_id: str, rescue_id: str) -> RescueFile | None:
    """One file of this shop."""
    return session.get(RescueFile, (org_id, rescue_id))


def list_files(session: Session, org_id: str, most: int = 50) -> list[RescueFile]:
    """The newest files of a shop."""
    query = select(RescueFile).where(RescueFile.org_id == org_id)
    return list(session.execute(query.order_by(RescueFile.created_at.desc()).limit(most)).scalars())


def items(
    session: Session, org_id: str, rescue_id: str, kinds: Collection[str], first: int, most: int
) -> list[RescueItem]:
    """Items of a file in its order, `most` of them from the `first` on (counted among those kinds)."""
    query = (
        select(RescueItem)
        .where(
            RescueItem.org_id == org_id, RescueItem.rescue_id == rescue_id, RescueItem.kind.in_(list(kinds))
        )
        .order_by(RescueItem.position)
        .offset(first)
        .limit(most)
    )
    return list(session.execute(query).scalars())


def told_of(session: Session, org_id: str, event_ids: Collection[str]) -> dict[str, Told]:
    """By the digest of its line, what each of these events says that the ledger has."""
    rows = session.execute(
        select(
            Event.sha256,
            Event.id,
            Event.kind,
            Event.effective_at,
            func.min(EventParcel.code),
            func.count(EventParcel.code),
        )
        .outerjoin(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
        .where(Event.org_id == org_id, among(session, Event.id, event_ids))
        .group_by(Event.sha256, Event.id, Event.kind, Event.effective_at)
    )
    return {row[0]: Told(*row[1:]) for row in rows}


def brought(session: Session, org_id: str, digests: Collection[str]) -> dict[str, Brought]:
    """The rescue file that brought each of these events or pictures, where one did and nothing else had before."""
    rows = session.execute(
        select(RescueItem.sha256, RescueFile.id, RescueFile.name, RescueFile.created_at)
        .join(RescueFile, (RescueFile.org_id == RescueItem.org_id) & (RescueFile.id == RescueItem.rescue_id))
        .where(
            RescueItem.org_id == org_id,
            among(session, RescueItem.sha256, digests),
            RescueItem.status.in_(("applied", "recorded", "quarantined", "kept")),
        )
        .order_by(RescueFile.created_at.desc(), RescueFile.id.desc())
    )
    return {row.sha256: Brought(row.id, row.name, row.created_at) for row in rows}
