"""Rescue files that were read in: who brought which when, and what became of every item in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Count, JsonObject, OrgId, Time, UtcDateTime, Words


class RescueFile(Base):
    """One file as it was read in. `made_by` is null for the command line; `told` is its manifest, unproved.

    `ended_at` null: the reading was broken off, and what had come in by then is in.
    """

    __tablename__ = "rescue_files"
    __table_args__ = (Index(None, "org_id", "created_at"),)
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[Words]
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[Count]
    made_by: Mapped[str | None] = mapped_column(String(36))
    told: Mapped[JsonObject] = mapped_column(default=dict)
    counts: Mapped[JsonObject] = mapped_column(default=dict)
    created_at: Mapped[Time]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RescueItem(Base):
    """One thing in a file, in its order. `kind` is event, blob or trouble.

    Of an event `sha256` is its line's digest and `status` as in a batch's results; of a picture kept, held (it was
    here already) or refused; a trouble is a part that could not be read. `name` is the event's id or the member's name.
    """

    __tablename__ = "rescue_items"
    __table_args__ = (Index(None, "org_id", "sha256"),)
    org_id: Mapped[OrgId]
    rescue_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[Words]
    sha256: Mapped[str | None] = mapped_column(String(64))
    device_id: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(48))
    detail: Mapped[Words] = mapped_column(default="")
