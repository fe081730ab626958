"""The phones, and the codes that let one in. The server itself is a device too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Count, Json, Key, Ref, Short, Time, UtcDateTime, Words


class Device(Base):
    """One key with its own unbroken run of events.

    `seqs` are the received numbers as closed rising ranges (more than one, or not from 1, means gaps);
    the columns from `last_seen_at` on are what its heartbeat last told.
    """

    __tablename__ = "devices"
    __table_args__ = (Index(None, "org_id", "kind"),)
    id: Mapped[Key]
    org_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[Short] = mapped_column(default="phone")
    label: Mapped[Words]
    jwk: Mapped[dict[str, Any] | None] = mapped_column(Json)
    token_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    client: Mapped[Words] = mapped_column(default="")
    enrolled_at: Mapped[Time]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    high_seq: Mapped[Count] = mapped_column(default=0)
    seqs: Mapped[list[Any]] = mapped_column(Json, default=list)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    head_seq: Mapped[Count | None]
    unsent: Mapped[Count | None]
    unsent_blobs: Mapped[Count | None]
    oldest_unsent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    storage: Mapped[dict[str, Any] | None] = mapped_column(Json)
    clock_ms: Mapped[Count | None]


class Enrolment(Base):
    """A one-time code for one person's phone; only its hash is kept."""

    __tablename__ = "enrolments"
    code_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    org_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    made_by: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[Time]
    expires_at: Mapped[Time]
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    device_id: Mapped[Ref | None]
