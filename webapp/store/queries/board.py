"""The board: what waits, what does not fit, which phones have unsent work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.store.models import Anomaly, Device, Parcel, User
from webapp.store.queries.phones import lost_stores


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """A phone as it last told of itself; `gaps` says that events before its newest are missing.

    `lost_stores` counts those that would not open.
    """

    id: str
    label: str
    person: str | None
    last_seen_at: datetime | None
    unsent: int
    unsent_blobs: int
    oldest_unsent_at: datetime | None
    gaps: int
    lost_stores: int
    is_revoked: bool


def open_by_severity(session: Session, org_id: str, own_seller: str | None) -> dict[str, int]:
    """How many parcels have an open anomaly of each severity."""
    query = (
        select(Anomaly.severity, func.count(Anomaly.parcel.distinct()))
        .where(Anomaly.org_id == org_id, Anomaly.is_open)
        .group_by(Anomaly.severity)
    )
    if own_seller is not None:
        query = query.join(Parcel, (Parcel.org_id == Anomaly.org_id) & (Parcel.code == Anomaly.parcel)).where(
            Parcel.seller == own_seller
        )
    return {row[0]: row[1] for row in session.execute(query)}


def phones_with_work(session: Session, org_id: str) -> list[PhoneRow]:
    """Phones that hold something the server has not, or may: unsent work, a hole in their numbers, a lost store."""
    rows = session.execute(
        select(Device, User.name)
        .outerjoin(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(Device.org_id == org_id, Device.kind == "phone")
        .order_by(Device.oldest_unsent_at, Device.last_seen_at)
    )
    found = [_phone(row.Device, row.name) for row in rows]
    return [it for it in found if it.unsent or it.unsent_blobs or it.gaps or it.lost_stores]


def _phone(device: Device, person: str | None) -> PhoneRow:
    return PhoneRow(
        device.id,
        device.label,
        person,
        device.last_seen_at,
        max(device.unsent or 0, (device.head_seq or 0) - device.high_seq),
        device.unsent_blobs or 0,
        device.oldest_unsent_at,
        _holes(device.seqs or []),
        len(lost_stores(device.storage)),
        device.revoked_at is not None,
    )


def _holes(ranges: list[list[int]]) -> int:
    """How many numbers are missing below the newest: [[1, 3], [5, 6]] lacks one."""
    last, holes = 0, 0
    for first, end in ranges:
        holes += first - last - 1
        last = end
    return holes
