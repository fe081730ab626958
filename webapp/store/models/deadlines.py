"""What is due for a parcel and when: made from its facts, stored so that the clock finds it by time alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import BY_KEY, Code, OrgId, Time, UtcDateTime

_WAITING = text("next_at IS NOT NULL")
_ONLY_WAITING: dict[str, Any] = {"sqlite_where": _WAITING, "postgresql_where": _WAITING}


class Deadline(Base):
    """One rule's date for one parcel, as `sync.rules.deadlines.Deadline` says.

    `next_at` is when the clock has to look at the parcel again because of it, null when only a new fact can change it.
    """

    __tablename__ = "deadlines"
    __table_args__ = (
        Index("ix_deadlines_waiting", "org_id", "next_at", **_ONLY_WAITING),
        Index(None, "org_id", "state", "due_at", "parcel"),
        BY_KEY,
    )
    org_id: Mapped[OrgId]
    parcel: Mapped[Code]
    rule: Mapped[str] = mapped_column(String(48), primary_key=True)
    due_at: Mapped[Time]
    state: Mapped[str] = mapped_column(String(16))
    met_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[str] = mapped_column(Text)
    pack: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(Text)
