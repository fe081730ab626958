"""Photograph and signature bytes: which are held, which events speak of them, which are on their way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import BY_KEY, Count, OrgId, Time

_ONLY_AWAITED: dict[str, Any] = {
    "sqlite_where": text("is_awaited"),
    "postgresql_where": text("is_awaited"),
}
_UNCHECKED = text("NOT is_checked AND NOT is_awaited AND NOT is_lost")
_ONLY_UNCHECKED: dict[str, Any] = {"sqlite_where": _UNCHECKED, "postgresql_where": _UNCHECKED}


class Blob(Base):
    """Bytes this organisation holds, by digest. `device_id` brought them; a reference makes them a proof."""

    __tablename__ = "blobs"
    __table_args__ = (Index(None, "org_id", "held_at"),)
    org_id: Mapped[OrgId]
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(32))
    size: Mapped[Count]
    width: Mapped[int | None]
    height: Mapped[int | None]
    device_id: Mapped[str] = mapped_column(String(36))
    held_at: Mapped[Time]


class BlobRef(Base):
    """An event's mention of a blob, with its role and the parcel it shows ('' for all of the event's).

    `is_awaited` until the bytes are held or the phone says that they are lost: a heartbeat asks for these alone.
    `is_checked` once the server has looked at them; what is neither is the work that waits (`ix_blob_refs_unchecked`).
    """

    __tablename__ = "blob_refs"
    __table_args__ = (
        Index(None, "org_id", "sha256"),
        Index("ix_blob_refs_awaited", "org_id", "device_id", "event_id", **_ONLY_AWAITED),
        Index("ix_blob_refs_unchecked", "org_id", "event_id", **_ONLY_UNCHECKED),
        BY_KEY,
    )
    org_id: Mapped[OrgId]
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    parcel: Mapped[str] = mapped_column(String(128), primary_key=True, default="")
    device_id: Mapped[str] = mapped_column(String(36))
    type: Mapped[str] = mapped_column(String(32))
    size: Mapped[Count]
    is_lost: Mapped[bool] = mapped_column(default=False)
    is_awaited: Mapped[bool] = mapped_column(default=True)
    is_checked: Mapped[bool] = mapped_column(default=False, server_default=false())


class Upload(Base):
    """A tus upload: `open` with `offset` durable bytes in the store's spool, or `done` until it expires."""

    __tablename__ = "uploads"
    __table_args__ = (Index(None, "expires_at"), Index(None, "org_id", "device_id", "sha256"))
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36))
    sha256: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(32))
    role: Mapped[str] = mapped_column(String(16))
    size: Mapped[Count]
    offset: Mapped[Count] = mapped_column(default=0)
    metadata_header: Mapped[str] = mapped_column(String(4096), default="")
    state: Mapped[str] = mapped_column(String(16), default="open")
    created_at: Mapped[Time]
    expires_at: Mapped[Time]


class UploadPart(Base):
    """The bytes of one request of an upload under way, from `offset` on, kept in the spool as `name`.

    A part counts when this row is there, and two requests for the same offset cannot both have one: that is
    all the locking an upload needs.
    """

    __tablename__ = "upload_parts"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "upload_id"], ["uploads.org_id", "uploads.id"], ondelete="CASCADE"),
    )
    org_id: Mapped[OrgId]
    upload_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[Count]
    name: Mapped[str] = mapped_column(String(64))
