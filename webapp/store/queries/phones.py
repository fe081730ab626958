"""Phones as the office sees them: who has which, what is not home yet, what a code has let in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from sync.protocol.times import parse_time
from sync.rules.chain import add_to_ranges, missing_in
from webapp.store.models import Device, Enrolment, Quarantined, User


@dataclass(frozen=True, slots=True)
class LostStore:
    """A store of a phone that would not open: since when by its own clock, and the browser's word for it."""

    since: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone. What follows `last_seen_at` is what its last heartbeat told, None when it told nothing.

    `missing` counts sequence numbers below the highest that never came, `gaps` are their closed ranges.
    `behind` counts those it has sealed and we have not seen. `held` counts events in quarantine that nobody has
    settled. A number that is held there under the phone's own signature has come: `highest` counts it, too.
    """

    id: str
    label: str
    client: str
    user_id: str
    person: str
    role: str
    is_signing: bool
    enrolled_at: datetime
    revoked_at: datetime | None
    high_seq: int
    missing: int
    gaps: tuple[tuple[int, int], ...]
    highest: int
    held: int
    last_seen_at: datetime | None
    head_seq: int | None
    unsent: int | None
    unsent_blobs: int | None
    oldest_unsent_at: datetime | None
    storage: dict[str, Any]
    clock_ms: int | None

    @property
    def behind(self) -> int:
        """How many events it has sealed beyond the highest that came."""
        return max(0, (self.head_seq or 0) - self.highest)

    @property
    def is_brought(self) -> bool:
        """Whether it counts as unsent what came by another hand: every number it had sealed is here, or held."""
        return bool(self.unsent and self.head_seq and not self.behind and not self.missing)

    @property
    def free_mb(self) -> int | None:
        """Room left for photos in MB, as the browser tells it; None when it does not."""
        usage, quota = self.storage.get("usage"), self.storage.get("quota")
        if not isinstance(usage, int | float) or not isinstance(quota, int | float):
            return None
        return int(max(0, quota - usage) // 1_000_000)

    @property
    def lost_stores(self) -> tuple[LostStore, ...]:
        """Stores of it that would not open when it last told, and may hold work that is nowhere else."""
        return lost_stores(self.storage)

    @property
    def is_safe(self) -> bool:
        """Whether, by its last word, all its work is here."""
        is_home = self.unsent == 0 and self.unsent_blobs == 0 and self.behind == 0 and self.missing == 0
        return is_home and not self.lost_stores


@dataclass(frozen=True, slots=True)
class EnrolmentState:
    """What became of a code: unused, or the phone it let in."""

    user_id: str
    person: str
    expires_at: datetime
    used_at: datetime | None
    device_id: str | None
    label: str | None


def lost_stores(storage: Mapping[str, Any] | None) -> tuple[LostStore, ...]:
    """Read from what a heartbeat told of its storage."""
    told = (storage or {}).get("lost") or ()
    return tuple(LostStore(_time(each.get("at", "")), str(each.get("why", ""))) for each in told)


def list_phones(session: Session, org_id: str) -> list[Phone]:
    """A shop's phones: those let in before those signed out, the longest unseen last."""
    query = (
        select(Device, User.name, User.role)
        .join(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(Device.org_id == org_id, Device.kind == "phone")
        .order_by(Device.revoked_at.is_not(None), Device.last_seen_at.desc(), Device.id)
    )
    held, came = _held(session, org_id), _numbers_held(session, org_id)
    return [_phone(row[0], row[1], row[2], held, came) for row in session.execute(query)]


def find_phone(session: Session, org_id: str, device_id: str) -> Phone | None:
    """One phone of this shop; None when there is none."""
    row = session.execute(
        select(Device, User.name, User.role)
        .join(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(Device.org_id == org_id, Device.kind == "phone", Device.id == device_id)
    ).one_or_none()
    return (
        None
        if row is None
        else _phone(row[0], row[1], row[2], _held(session, org_id), _numbers_held(session, org_id))
    )


def phones_of(session: Session, org_id: str, user_id: str) -> list[Phone]:
    """A person's phones that are let in."""
    return [p for p in list_phones(session, org_id) if p.user_id == user_id and p.revoked_at is None]


def enrolment(session: Session, org_id: str, code_sha256: str) -> EnrolmentState | None:
    """What became of the code with this digest; None when the shop made no such code."""
    row = session.execute(
        select(
            Enrolment.user_id,
            User.name,
            Enrolment.expires_at,
            Enrolment.used_at,
            Enrolment.device_id,
            Device.label,
        )
        .join(User, (User.org_id == Enrolment.org_id) & (User.id == Enrolment.user_id))
        .outerjoin(Device, (Device.org_id == Enrolment.org_id) & (Device.id == Enrolment.device_id))
        .where(Enrolment.org_id == org_id, Enrolment.code_sha256 == code_sha256)
    ).one_or_none()
    return None if row is None else EnrolmentState(*row)


def count_missing(seqs: Sequence[Sequence[int]]) -> int:
    """How many numbers from 1 to the highest are in none of these closed, rising ranges."""
    return seqs[-1][1] - sum(last - first + 1 for first, last in seqs) if seqs else 0


def _held(session: Session, org_id: str) -> dict[str, int]:
    rows = session.execute(
        select(Quarantined.device_id, func.count())
        .where(Quarantined.org_id == org_id, Quarantined.settled_at.is_(None))
        .group_by(Quarantined.device_id)
    )
    return {row[0]: row[1] for row in rows}


def _numbers_held(session: Session, org_id: str) -> dict[str, list[int]]:
    """The sequence numbers in quarantine that a phone's own key proves, by phone."""
    rows = session.execute(
        select(Quarantined.claimed_device, Quarantined.claimed_seq).where(
            Quarantined.org_id == org_id,
            Quarantined.signature_good,
            Quarantined.claimed_device == Quarantined.device_id,
            Quarantined.claimed_seq > 0,
        )
    )
    found: dict[str, list[int]] = {}
    for device_id, seq in rows:
        found.setdefault(device_id or "", []).append(seq or 0)
    return found


def _phone(device: Device, person: str, role: str, held: dict[str, int], came: dict[str, list[int]]) -> Phone:
    ranges = [(first, last) for first, last in device.seqs or ()]
    known = max(device.head_seq or 0, device.high_seq)
    seqs = add_to_ranges(ranges, [seq for seq in came.get(device.id, ()) if seq <= known])
    return Phone(
        id=device.id,
        label=device.label,
        client=device.client,
        user_id=device.user_id or "",
        person=person,
        role=role,
        is_signing=device.jwk is not None,
        enrolled_at=device.enrolled_at,
        revoked_at=device.revoked_at,
        high_seq=device.high_seq,
        missing=count_missing(seqs),
        gaps=missing_in(seqs),
        highest=max(device.high_seq, seqs[-1][1]) if seqs else device.high_seq,
        held=held.get(device.id, 0),
        last_seen_at=device.last_seen_at,
        head_seq=device.head_seq,
        unsent=device.unsent,
        unsent_blobs=device.unsent_blobs,
        oldest_unsent_at=device.oldest_unsent_at,
        storage=device.storage or {},
        clock_ms=device.clock_ms,
    )


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


def revoke_all(session: Session, org_id: str, user_id: str, now: datetime) -> int:
    """Sign out every phone of a person; gives how many were still in."""
    gone = session.execute(
        update(Device)
        .where(
            Device.org_id == org_id,
            Device.user_id == user_id,
            Device.kind == "phone",
            Device.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(Device.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
