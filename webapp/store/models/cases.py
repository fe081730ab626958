"""What the office keeps beside the ledger: uploaded files, checks of labels, cases with their own history."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Integer, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Code, Count, JsonList, JsonObject, OrgId, Time, UtcDateTime, Words

_WAITING = text("next_at IS NOT NULL")
_ONLY_WAITING: dict[str, Any] = {"sqlite_where": _WAITING, "postgresql_where": _WAITING}


class OfficeFile(Base):
    """Bytes that somebody in the office uploaded, or that were made of such; kept in the blob store by digest."""

    __tablename__ = "office_files"
    __table_args__ = (Index(None, "org_id", "sha256"), Index(None, "org_id", "purpose", "subject"))
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[Words]
    type: Mapped[str] = mapped_column(String(32))
    size: Mapped[Count]
    purpose: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(128))
    made_by: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[Time]


class LabelCheck(Base):
    """One look at a parcel's label: what was found, and the pages it was found on.

    Never changed, but that its pages go, and what was read off them, with somebody whose label was on one too.
    """

    __tablename__ = "label_checks"
    __table_args__ = (Index(None, "org_id", "code", "made_at"),)
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[Words]
    text: Mapped[Words] = mapped_column(default="")
    findings: Mapped[JsonList] = mapped_column(default=list)
    pages: Mapped[JsonList] = mapped_column(default=list)
    notes: Mapped[JsonList] = mapped_column(default=list)
    is_good: Mapped[bool]
    made_by: Mapped[str | None] = mapped_column(String(36))
    made_at: Mapped[Time]


class Case(Base):
    """A complaint, an appeal, a refund, a loss, a damage, or force majeure: what is asked of whom, until when.

    `refund` is none (cash on delivery, or nothing was paid), expected or done. What happened to it is in its entries.
    `next_at` is when the clock has to look at it: it falls due, or its period ends.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(None, "org_id", "state", "due_at"),
        Index(None, "org_id", "number", unique=True),
        Index("ix_cases_waiting", "org_id", "next_at", **_ONLY_WAITING),
    )
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[Words]
    fault: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16), default="open")
    opened_by: Mapped[str | None] = mapped_column(String(36))
    opened_at: Mapped[Time]
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(32))
    refund: Mapped[str] = mapped_column(String(16), default="none")
    refund_amount: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    refund_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    places: Mapped[str | None] = mapped_column(Text)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CaseParcel(Base):
    """A parcel that a case is about."""

    __tablename__ = "case_parcels"
    __table_args__ = (Index(None, "org_id", "code"),)
    org_id: Mapped[OrgId]
    case_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[Code]


class CaseEntry(Base):
    """One thing somebody did about a case: rows are only ever added, and the case is what they add up to.

    Changed are only words and names that somebody asked to be erased, and a file that was deleted. `kind` is opened,
    note, fault, proof, file_removed, letter, sent, money, due, period, closed, reopened, or of the clock: asked
    (buyers are told to request a refund), overdue, resumed; `data` what it was about.
    """

    __tablename__ = "case_entries"
    org_id: Mapped[OrgId]
    case_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    words: Mapped[Words] = mapped_column(default="")
    data: Mapped[JsonObject] = mapped_column(default=dict)
    made_by: Mapped[str | None] = mapped_column(String(36))
    made_at: Mapped[Time]
