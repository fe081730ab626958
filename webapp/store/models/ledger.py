"""The ledger: every event verbatim, what it touched, what was held back, what was promised."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import BY_KEY, Code, Count, Json, OrgId, Time, UtcDateTime, Words

WAITING = text("review_state = 'waiting'")
_ONLY_WAITING: dict[str, Any] = {"sqlite_where": WAITING, "postgresql_where": WAITING}


class Event(Base):
    """One accepted event: its JWS as it came, and the columns the fold and the office read.

    `branch` is 0, or 1 and up for a fork (the same seq with other bytes). `data` is the payload's own member,
    null when empty; `marks` are `[code, detail]` pairs. `review_state` is null for what nobody reviews, else
    waiting, accept, reject, retake. `doubt` orders the review desk: 0 when every check of it holds, else the more the
    worse; it is told by `sync.evidence.judge`.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("org_id", "device_id", "seq", "branch"),
        Index(
            None,
            "org_id",
            "ref",
            sqlite_where=text("ref IS NOT NULL"),
            postgresql_where=text("ref IS NOT NULL"),
        ),
        Index(None, "org_id", "review_state", "received_at"),
        # The line of the review desk, worst first; ask it with this very condition, or it is not used.
        Index("ix_events_waiting", "org_id", "doubt", "received_at", "id", **_ONLY_WAITING),
    )
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36))
    actor_id: Mapped[str] = mapped_column(String(64))
    seq: Mapped[Count]
    branch: Mapped[int] = mapped_column(default=0)
    prev: Mapped[str | None] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[Time]
    offset_ms: Mapped[Count | None]  # a phone that believes it is 1970 is 56 years off
    effective_at: Mapped[Time]
    received_at: Mapped[Time]
    run_id: Mapped[str | None] = mapped_column(String(64))
    carrier: Mapped[str | None] = mapped_column(String(64))
    expected: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(64))
    ref: Mapped[str | None] = mapped_column(String(36))
    data: Mapped[dict[str, Any] | None] = mapped_column(Json)
    marks: Mapped[list[Any] | None] = mapped_column(Json)
    result: Mapped[str] = mapped_column(String(16))
    effects: Mapped[list[Any] | None] = mapped_column(Json)
    review_state: Mapped[str | None] = mapped_column(String(16))
    doubt: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    jws: Mapped[str] = mapped_column(Text)


class EventParcel(Base):
    """Which parcels an event speaks of, and what was really scanned when that was not the internal code."""

    __tablename__ = "event_parcels"
    __table_args__ = (Index(None, "org_id", "event_id"), BY_KEY)
    org_id: Mapped[OrgId]
    code: Mapped[Code]
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    scanned: Mapped[str | None] = mapped_column(String(128))


class Quarantined(Base):
    """Bytes that could not be taken as an event, kept whole for the office with the reason.

    Settled, `outcome` is accepted (its own event, `event_id`), stated (`event_id` says it on the office's word) or
    aside; `settled_event_id` is the `amend` that tells who and why. Set aside, it may still be taken in later.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(None, "org_id", "received_at"),
        Index(
            "ix_quarantine_open",
            "org_id",
            "device_id",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )
    org_id: Mapped[OrgId]
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36))
    claimed_id: Mapped[str | None] = mapped_column(Text)
    claimed_device: Mapped[str | None] = mapped_column(Text)
    claimed_seq: Mapped[Count | None]
    signature_good: Mapped[bool]
    code: Mapped[str] = mapped_column(String(48))
    detail: Mapped[Words]
    received_at: Mapped[Time]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[str | None] = mapped_column(String(36))
    outcome: Mapped[str | None] = mapped_column(String(16))
    settled_event_id: Mapped[str | None] = mapped_column(String(36))
    event_id: Mapped[str | None] = mapped_column(String(36))


class QuarantinedBlob(Base):
    """A picture that something in quarantine says is its own: it is kept as long as that is."""

    __tablename__ = "quarantine_blobs"
    __table_args__ = (BY_KEY,)
    org_id: Mapped[OrgId]
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    item_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class Receipt(Base):
    """What the server promised a phone, as it was signed: it names the events of that phone received then."""

    __tablename__ = "receipts"
    __table_args__ = (Index(None, "org_id", "device_id", "received_at"),)
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36))
    received_at: Mapped[Time]
    jws: Mapped[str] = mapped_column(Text)
