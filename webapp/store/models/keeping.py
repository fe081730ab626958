"""What is gone on purpose, and who in the office did what no event speaks of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Count, JsonObject, OrgId, Time, UtcDateTime

_UNCLEARED = text("cleared_at IS NULL")
_ONLY_UNCLEARED: dict[str, Any] = {"sqlite_where": _UNCLEARED, "postgresql_where": _UNCLEARED}


class DeletedBlob(Base):
    """A picture whose bytes the shop let go; its digest stays, in events and here. Never beside a row in `blobs`.

    `why` is `policy` (after `after_days`) or `erased` (somebody asked, `made_by` did it). The row comes first and the
    bytes go after it: `cleared_at` says that they have.
    """

    __tablename__ = "deleted_blobs"
    __table_args__ = (Index("ix_deleted_blobs_uncleared", "org_id", "sha256", **_ONLY_UNCLEARED),)
    org_id: Mapped[OrgId]
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(32))
    size: Mapped[Count]
    why: Mapped[str] = mapped_column(String(16))
    after_days: Mapped[int | None]
    made_by: Mapped[str | None] = mapped_column(String(36))
    deleted_at: Mapped[Time]
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OfficeAct(Base):
    """Something done that changes what is kept, and that no event speaks of: only added, never changed by hand.

    `kind` is keeping_set, photos_deleted, person_exported or person_erased; `data` what exactly, without names.
    """

    __tablename__ = "office_acts"
    __table_args__ = (Index(None, "org_id", "made_at"),)
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    made_by: Mapped[str | None] = mapped_column(String(36))
    made_at: Mapped[Time]
    data: Mapped[JsonObject] = mapped_column(default=dict)
