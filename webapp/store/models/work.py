"""What people are asked to do: places, runs, and tasks sent back to a phone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Code, Count, Json, OrgId, Time, UtcDateTime, Words


class Place(Base):
    """Somewhere parcels change hands: a warehouse, a pickup point, a drop-off counter."""

    __tablename__ = "places"
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[Words]
    kind: Mapped[str] = mapped_column(String(32), default="pickup")
    address: Mapped[str | None] = mapped_column(Text)
    lat: Mapped[float | None]
    lon: Mapped[float | None]


class Run(Base):
    """A worklist: what one person does at one place for one carrier on one day."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "org_id", "day"), Index(None, "org_id", "user_id", "day"))
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[Words]
    day: Mapped[date] = mapped_column(Date)
    user_id: Mapped[str | None] = mapped_column(String(36))
    place_id: Mapped[str | None] = mapped_column(String(36))
    carrier: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="open")
    made_by: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[Time]
    changed: Mapped[Count] = mapped_column(default=0)


class RunParcel(Base):
    """A parcel on a run; taken off it, the row stays, so that a scan made under the old list still fits."""

    __tablename__ = "run_parcels"
    __table_args__ = (Index(None, "org_id", "code"),)
    org_id: Mapped[OrgId]
    run_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[Code]
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Task(Base):
    """Something a phone is asked to do again, e.g. a retake, with the reason."""

    __tablename__ = "tasks"
    __table_args__ = (Index(None, "org_id", "user_id", "changed"),)
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str] = mapped_column(String(36))
    event_id: Mapped[str] = mapped_column(String(36))
    parcels: Mapped[list[Any]] = mapped_column(Json)
    reason: Mapped[Words]
    picture: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[Time]
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_event_id: Mapped[str | None] = mapped_column(String(36))
    changed: Mapped[Count] = mapped_column(default=0)
